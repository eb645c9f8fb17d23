// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace chimera::executor {

/// The place to which a worker's work goes. On the host a call is over when it returns; on a GPU stages and
/// communicators only enqueue, and the work queue is how the loop learns when things happened. One object serves one
/// worker, and its loop calls it from one thread.
class work_queue {
public:
    using clock = std::chrono::steady_clock;

    virtual ~work_queue() = default;

    /// Memory for activations and boundary tensors, zeroed, on 64-byte boundaries; null where there is none left.
    virtual std::byte* allocate(std::size_t bytes) = 0;
    virtual void release(std::byte* memory) noexcept = 0;

    /// Room for stamps 0 … count - 1; before the first iteration.
    virtual void prepare(std::size_t count) = 0;
    /// An iteration starts, whose times are seconds since `start`.
    virtual void begin(clock::time_point start) = 0;
    /// Notes the time at which everything enqueued so far is done. Once for each stamp and iteration; does not block.
    virtual void stamp(std::size_t index) = 0;
    /// Blocks until that time, and returns it.
    virtual double wait(std::size_t index) = 0;
    /// The iteration was recorded and then launched as a whole, so many seconds after its start: it begins there.
    virtual void launched(double /*seconds*/) {}
    /// Blocks until everything enqueued is done.
    virtual void finish() = 0;

    /// For profilers: what the worker's instructions are called, and that the loop enqueues one of them.
    virtual void name(std::vector<std::string>) {}
    virtual void enter(std::int32_t /*instruction*/) {}
    virtual void leave() {}
};

/// Makes the work queue of a worker.
using work_queue_maker = std::function<std::unique_ptr<work_queue>(int worker)>;

/// A piece of a work queue's memory. Without a work queue: of the host's.
class queue_memory {
public:
    queue_memory() = default;
    /// Empty where there is none left.
    queue_memory(work_queue* from, std::size_t bytes);
    ~queue_memory();
    queue_memory(queue_memory&& other) noexcept { *this = std::move(other); }
    queue_memory& operator=(queue_memory&& other) noexcept {
        std::swap(from_, other.from_);
        std::swap(data_, other.data_);
        return *this;
    }

    std::byte* get() const { return data_; }

private:
    work_queue* from_ = nullptr;
    std::byte* data_ = nullptr;
};

}  // namespace chimera::executor
