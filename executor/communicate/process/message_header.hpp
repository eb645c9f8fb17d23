// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/frame.hpp>
#include <executor/communicate/bootstrap/frame_sum.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace chimera::executor::detail {

/// The header of data between workers of different processes: this, then `bytes` of data as they lie in memory. On the
/// way it also has its number on the connection, a checksum of the data and one of itself.
struct message_header {
    enum class kind : std::uint32_t {
        hello = 1,  ///< the first word on a connection. tag: who speaks; turn: which world; size: to whom
        message,    ///< tag: its index
        part,       ///< what the sender adds to the receiver's share. tag: the group's key; turn; size: elements of all
        whole,      ///< the sender's share, added up. As above
        sum,        ///< numbers of a sum over all workers. turn; size: how many
        bye,        ///< nothing follows
        abort,      ///< the sender has given up; the data says why, or nothing
    };
    kind what = kind::message;
    std::uint32_t tag = 0;
    std::uint64_t turn = 0, size = 0, bytes = 0;
};

inline constexpr std::size_t head_bytes = 64;

/// The number and checksum that travel with a header.
struct seal {
    std::uint64_t number = 0;    ///< on the connection, from 0 (its hello)
    std::uint64_t data_sum = 0;  ///< frame_sum of the data, by the direction's seed
};

inline std::array<std::byte, head_bytes> pack(const message_header& h, const seal& with, std::uint64_t seed) {
    std::array<std::byte, head_bytes> to{};
    put(to.data(), magic);
    put(to.data() + 8, static_cast<std::uint32_t>(h.what));
    put(to.data() + 12, h.tag);
    put(to.data() + 16, h.turn);
    put(to.data() + 24, h.size);
    put(to.data() + 32, h.bytes);
    put(to.data() + 40, with.number);
    put(to.data() + 48, with.data_sum);
    put(to.data() + 56, frame_sum(std::span(to).first(56), seed));
    return to;
}

/// Reads a head, of which number `with.number` is due. Returns what is wrong with it: "sent …".
inline std::string unpack(std::span<const std::byte, head_bytes> from, std::uint64_t seed, message_header& to,
                          seal& with) {
    if (get<std::uint64_t>(from.data()) != magic) return "sent what is no message of this program";
    if (get<std::uint64_t>(from.data() + 56) != frame_sum(from.first(56), seed))
        return "sent a message whose head has another checksum";
    const auto what = get<std::uint32_t>(from.data() + 8);
    const auto number = get<std::uint64_t>(from.data() + 40);
    if (number != with.number)
        return "sent message " + std::to_string(number) + " where message " + std::to_string(with.number) + " was due";
    if (what < 1 || what > static_cast<std::uint32_t>(message_header::kind::abort))
        return "sent a message of kind " + std::to_string(what) + ", which there is none";
    to = {static_cast<message_header::kind>(what), get<std::uint32_t>(from.data() + 12),
          get<std::uint64_t>(from.data() + 16), get<std::uint64_t>(from.data() + 24),
          get<std::uint64_t>(from.data() + 32)};
    with.data_sum = get<std::uint64_t>(from.data() + 48);
    return {};
}

}  // namespace chimera::executor::detail
