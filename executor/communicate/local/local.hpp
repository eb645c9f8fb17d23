// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>

#include <memory>
#include <vector>

namespace chimera::executor {

/// The behaviour of sends between the threads of one process.
enum class local_mode {
    eager,       ///< a send deposits a copy and returns; a receive is posted and waited for where its data is used
    rendezvous,  ///< strict, for tests: a group blocks until every call in it has met its other side
};

/// Joins workers that are threads of one process. Message buffers are pooled: they are allocated while the number
/// of messages under way between two workers grows, as a rule in the first iteration alone.
class local_world {
public:
    explicit local_world(int workers, local_mode mode = local_mode::eager);
    ~local_world();

    communicator& at(int worker);
    /// The ends of all workers, in their order.
    std::vector<communicator*> ends();

private:
    struct shared;
    class end;
    std::unique_ptr<shared> shared_;
    std::vector<std::unique_ptr<end>> ends_;
};

}  // namespace chimera::executor
