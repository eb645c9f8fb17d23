// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs neither CUDA nor NCCL headers.

#include <executor/communicate/bootstrap/frame.hpp>
#include <executor/communicate/communicator.hpp>
#include <executor/communicate/group_rounds.hpp>

#include <memory>
#include <vector>

namespace chimera::executor {

/// Has NCCL connect all that collectives need when communicators are made, unless NCCL_RUNTIME_CONNECT says otherwise:
/// by default it connects at the first call of each, which then waits for all ranks. Throws where the NCCL that is
/// loaded is older than the one that the program was built with. To be called before there are threads that use NCCL;
/// make_nccl_id and make_nccl call it too.
void prepare_nccl();

/// Makes the id that joins the ranks of a world: rank 0 makes it and gives it to all (rendezvous::broadcast). Throws if
/// NCCL cannot listen.
blob make_nccl_id();

struct nccl_options {
    int rank = 0, size = 1;       ///< a rank is a worker; each has a GPU of its own
    int gpu = 0;                  ///< of this process
    void* compute = nullptr;      ///< the cudaStream_t on which the worker computes; outlives the communicator
    std::vector<members> groups;  ///< everybody's replica groups, the same list on every rank
    double timeout_seconds = 60;  ///< for every step of the initialisation and every call to be taken
    /// Sends of one size to one peer that are kept while they wait, before computing waits for them; no group of sends
    /// may have more.
    int most_staged = 4;
};

/// Joins workers on GPUs of their own, as processes or as threads of one (one thread each).
///
/// All ranks make theirs at once. Communicators of their own carry point-to-point messages, each replica group, and the
/// rest; all come from one by splits, in one order, and every pair is connected before the first iteration. Calls
/// enqueue, on a stream for messages and one for collectives, which events order with the one of the computation:
/// `start`, `start_all_reduce`, `reduce_scatter` and `all_gather` return at once; what comes after on the computing
/// stream sees their results (after `wait` and `wait_all_reduce`, of the first two). `sum` blocks. Sums of gradients
/// are fp32, in NCCL's order: the same bits on all members.
///
/// A rank that does not come, or a call that is not taken within the time-out, throws one line. NCCL's own errors are
/// polled by a thread; they, and `abort`, end all work that is enqueued, and every later call and `check` throw. A rank
/// that dies without a word, where NCCL sees nothing of it, is the watchdog's business: its `abort` ends this rank too.
///
/// All ranks give theirs up at once: what is under way is then delivered. After an abort, and where others do not come
/// within the time-out, it is dropped.
std::unique_ptr<communicator> make_nccl(const blob& id, const nccl_options& options);

}  // namespace chimera::executor
