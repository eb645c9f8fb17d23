// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace chimera::executor {

/// A queue that carries out a worker's calls in their order, but later: a stream of a GPU. Calls return at once; they
/// may come from any thread, one at a time. All streams of a world reach the same memory.
class stream {
public:
    /// A point in a stream's order. Made once, recorded again and again.
    class mark {
    public:
        virtual ~mark() = default;
        mark(const mark&) = delete;
        mark& operator=(const mark&) = delete;

    protected:
        mark() = default;
    };

    virtual ~stream() = default;

    virtual std::unique_ptr<mark> make_mark() = 0;
    /// The mark is now here; whoever waits for it from now on means this place.
    virtual void record(mark& here) = 0;
    /// Orders work enqueued here from now on after the work before `there`. A mark that was never recorded is no wait.
    virtual void wait_for(const mark& there) = 0;

    /// Memory that the streams reach, on 256-byte boundaries. `release` waits until nothing uses it. Null where there
    /// is none left.
    virtual std::byte* allocate(std::size_t bytes) = 0;
    virtual void release(std::byte* memory) noexcept = 0;

    virtual void copy(std::byte* to, const std::byte* from, std::size_t bytes) = 0;
    /// Each of `into` becomes ((from0 + from1) + from2) + … element by element; they may be the same as those added.
    virtual void add(std::span<const float* const> from, std::span<float* const> into, std::size_t size) = 0;
};

}  // namespace chimera::executor
