// SPDX-License-Identifier: Apache-2.0
#pragma once

// Messages between threads as MPI_Ssend knows them: a send ends only when its receive is there.

#include <chimera/run.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera::running {

using number = std::uint64_t;  // sums modulo 2^64: exact, and the same in any order

inline constexpr number poison = 0xdeaddeaddeaddeadULL;

/// The meeting place of all workers. Data moves as late as a rendezvous allows: when an end waits and the other end has
/// begun its call. A worker that waits for 20 seconds gives up.
class network {
public:
    explicit network(int messages) : calls_(static_cast<std::size_t>(messages)) {}

    void begin(const message_call& m, std::span<number> buffers) {
        const std::lock_guard lock(mutex_);
        meeting& at = calls_[static_cast<std::size_t>(m.tag)];
        std::span<number>& mine = m.sends ? at.from : at.to;
        if (!mine.empty()) throw std::logic_error("a message begins twice");
        mine = buffers.subspan(static_cast<std::size_t>(m.buffer), static_cast<std::size_t>(m.count));
        if (!m.sends)
            for (number& x : mine) x = poison;
        changed_.notify_all();
    }
    void wait(const message_call& m) {
        std::unique_lock lock(mutex_);
        const meeting& at = calls_[static_cast<std::size_t>(m.tag)];
        until(lock, [&] { return !at.from.empty() && !at.to.empty(); });
        end(m);
    }
    bool test(const message_call& m) {
        const std::lock_guard lock(mutex_);
        const meeting& at = calls_[static_cast<std::size_t>(m.tag)];
        if (at.from.empty() || at.to.empty()) return false;
        end(m);
        return true;
    }

    /// Adds up over all members of a stage's group, round after round.
    void give(const stage_call& s, number part) {
        const std::lock_guard lock(mutex_);
        auto& [sum, parts] = sums_[{s.stage, s.update, s.tied}];
        sum += part;
        ++parts;
        changed_.notify_all();
    }
    number take(const stage_call& s) {
        std::unique_lock lock(mutex_);
        const auto& found = sums_[{s.stage, s.update, s.tied}];
        until(lock, [&] { return found.second == s.members.size(); });
        return found.first;
    }

private:
    struct meeting {
        std::span<number> from, to;
        bool moved = false;
        int waits = 0;
    };

    template <class Condition>
    void until(std::unique_lock<std::mutex>& lock, const Condition& holds) {
        if (!changed_.wait_for(lock, std::chrono::seconds(20), holds)) throw std::runtime_error("no progress");
    }
    void end(const message_call& m) {
        meeting& at = calls_[static_cast<std::size_t>(m.tag)];
        if (at.from.size() != at.to.size()) throw std::logic_error("the ends of a message differ");
        for (std::size_t i = 0; !at.moved && i < at.from.size(); ++i) at.to[i] = std::exchange(at.from[i], poison);
        at.moved = true;
        if (++at.waits > 2) throw std::logic_error("a message is waited for twice");
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<meeting> calls_;
    std::map<std::tuple<int, int, int>, std::pair<number, std::size_t>> sums_;  // by stage, update and tied link
};

}  // namespace chimera::running
