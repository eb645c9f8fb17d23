// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// A message from the moment when it is sent until its receiver consumes it, in positions of rows.
struct message_life {
    std::int32_t sender = -1, receiver = -1;  ///< workers; -1 for a number that no message has
    std::int32_t sent = -1;                   ///< in the sender's row
    std::int32_t consumed = -1;               ///< by which compute instruction of the receiver's row
    std::int32_t known = 0;  ///< least position of the receiver when it is sent, whatever the speed of the workers
};

namespace detail {

/// Lets all rows run and notes what each worker knows of the others': the receiver of a message knows what its sender
/// knew.
class knowledge {
public:
    constexpr explicit knowledge(program_view p)
        : p_(p), workers_(static_cast<std::size_t>(p.head.workers)), at_(workers_, 0), known_(workers_ * workers_, 0),
          carried_(static_cast<std::size_t>(p.messages)), lives_(static_cast<std::size_t>(p.messages)) {}

    [[nodiscard]] constexpr std::vector<message_life> lives() {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::int32_t w = 0; w < p_.head.workers; ++w)
                while (step(w)) moved = true;
        }
        return std::move(lives_);
    }

private:
    [[nodiscard]] static constexpr std::size_t index(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }
    constexpr std::int32_t& known(std::int32_t who, std::int32_t of) {
        return known_[index(who) * workers_ + index(of)];
    }

    /// Returns false at the row's end and if a message is missing.
    constexpr bool step(std::int32_t w) {
        const auto row = p_.row(w);
        std::int32_t& at = at_[index(w)];
        if (index(at) == row.size()) return false;
        const instruction& i = row[index(at)];
        if (is_compute(i.op) && !consume(w, i, at)) return false;
        if (is_send(i.op)) send(w, i, at);
        known(w, w) = ++at;
        return true;
    }
    [[nodiscard]] constexpr bool is_known(std::int32_t message) const noexcept {
        return message >= 0 && message < p_.messages;
    }
    constexpr bool consume(std::int32_t w, const instruction& i, std::int32_t at) {
        if (i.inputs == 0 || !is_known(i.message) || !is_known(i.message + i.inputs - 1)) return true;
        for (std::int32_t m = i.message; m < i.message + i.inputs; ++m)
            if (lives_[index(m)].sent < 0) return false;
        for (std::int32_t m = i.message; m < i.message + i.inputs; ++m) {
            if (lives_[index(m)].consumed < 0) lives_[index(m)].consumed = at;
            for (std::int32_t of = 0; of < p_.head.workers; ++of)
                known(w, of) = (std::max)(known(w, of), carried_[index(m)][index(of)]);
        }
        return true;
    }
    constexpr void send(std::int32_t w, const instruction& i, std::int32_t at) {
        if (!is_known(i.message) || i.peer < 0 || i.peer >= p_.head.workers) return;
        const auto from = known_.begin() + static_cast<std::ptrdiff_t>(index(w) * workers_);
        carried_[index(i.message)].assign(from, from + p_.head.workers);
        message_life& life = lives_[index(i.message)];
        life = {w, i.peer, at, life.consumed, known(w, i.peer)};
    }

    program_view p_;
    std::size_t workers_;
    std::vector<std::int32_t> at_, known_;            // workers, workers × workers
    std::vector<std::vector<std::int32_t>> carried_;  // by message: what its sender knew
    std::vector<message_life> lives_;
};

}  // namespace detail

/// Returns the lives of all messages, in the order of their numbers, of a program that comes to its end. A message
/// without a send keeps the default values.
[[nodiscard]] constexpr std::vector<message_life> message_lives(program_argument lowered) {
    return detail::knowledge(lowered).lives();
}

/// Returns how many of the messages `sent`, of one sender to one receiver and in the order in which they are sent, can
/// be under way at a time.
[[nodiscard]] constexpr std::int32_t most_under_way(std::span<const message_life> sent) {
    std::size_t most = 0;
    std::vector<std::int32_t> under_way;  // position at which each is consumed
    for (const message_life& m : sent) {
        under_way.erase(std::remove_if(under_way.begin(), under_way.end(),
                                       [&](std::int32_t consumed) { return consumed >= 0 && consumed < m.known; }),
                        under_way.end());
        under_way.push_back(m.consumed);
        most = (std::max)(most, under_way.size());
    }
    return static_cast<std::int32_t>(most);
}

}  // namespace chimera
