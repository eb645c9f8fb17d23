// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

namespace chimera::executor {

/// Records what all workers enqueue in one iteration, and enqueues it again as a whole in every later one: a graph of a
/// GPU. One thread calls it, except `finish`, which any may.
class replay {
public:
    virtual ~replay() = default;

    /// Records all that any thread enqueues from here on, in place of running it.
    virtual void begin() = 0;
    /// All threads have enqueued an iteration, and nothing is recorded any more.
    virtual void end() = 0;
    /// Ends a recording that failed and forgets it; to be called when no thread enqueues any more.
    virtual void drop() noexcept = 0;
    /// Returns true if a worker's failure during the recording only follows from another worker's.
    virtual bool follows(const std::exception&) const { return false; }
    /// Runs what was recorded, after everything that was enqueued before. Does not block.
    virtual void launch() = 0;
    /// Blocks until what was launched last is done.
    virtual void finish() = 0;
};

}  // namespace chimera::executor
