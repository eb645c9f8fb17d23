// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>
#include <executor/communicate/local/local.hpp>
#include <executor/communicate/stream.hpp>

#include <memory>
#include <span>
#include <vector>

namespace chimera::executor {

/// Joins workers that are threads of one process and enqueue their work on streams that reach one memory: several
/// workers on one GPU. All calls are about the order of the streams: `start` enqueues a copy of what is sent, which the
/// worker's stream may overwrite afterwards; `wait` blocks the thread until the other side has enqueued its own, and
/// has the worker's stream wait for it. So does a reduction, which runs on a stream of its own. Only `sum`, whose
/// values are the host's, waits for nothing else. What is sent is kept in pooled memory, which `reserve` takes; without
/// it, while more is under way than ever before.
class loopback_world {
public:
    /// `streams`: one for each worker; `collective`: another one, on which reductions are added up. They outlive the
    /// world, which is to be destroyed when they have come to rest. `rendezvous`: `start` blocks until both sides have
    /// called.
    loopback_world(std::span<stream* const> streams, stream& collective, local_mode mode = local_mode::eager);
    ~loopback_world();

    communicator& at(int worker);
    /// The ends of all workers, in their order.
    std::vector<communicator*> ends();
    /// Bytes of what is kept under way.
    std::size_t staged_bytes() const;

private:
    struct shared;
    class end;
    std::unique_ptr<shared> shared_;
    std::vector<std::unique_ptr<end>> ends_;
};

}  // namespace chimera::executor
