// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace chimera::executor {

/// The last instructions of one worker: a ring that is written at every instruction and read after a failure.
class flight_recorder {
public:
    static constexpr std::size_t capacity = 256;

    /// Times in seconds since the iteration's start.
    void begin(std::int64_t iteration, std::int32_t instruction, double now) {
        auto& e = entries_[written_.load(std::memory_order_relaxed) % capacity];
        e.iteration.store(iteration, std::memory_order_relaxed);
        e.instruction.store(instruction, std::memory_order_relaxed);
        e.begin.store(now, std::memory_order_relaxed);
        e.end.store(-1, std::memory_order_relaxed);
        written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    void end(double now) {
        entries_[(written_.load(std::memory_order_relaxed) - 1) % capacity].end.store(now, std::memory_order_relaxed);
    }

    /// One line for each instruction, oldest first: iteration, when it began and ended (`unfinished`), what it was.
    std::string text(const program_view& p, int worker) const;

private:
    struct entry {
        std::atomic<std::int64_t> iteration{0};
        std::atomic<std::int32_t> instruction{-1};
        std::atomic<double> begin{0}, end{-1};
    };
    std::array<entry, capacity> entries_;
    std::atomic<std::uint64_t> written_{0};
};

}  // namespace chimera::executor
