// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/frame.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace chimera::executor::detail {

/// The header of data between workers of different processes: this, then `bytes` of data as they lie in memory.
struct message_header {
    enum class kind : std::uint32_t {
        hello = 1,  ///< the first word on a connection. tag: who speaks; turn: which world; size: to whom
        message,    ///< tag: its index
        part,       ///< what the sender adds to the receiver's share. tag: the group's key; turn; size: elements of all
        whole,      ///< the sender's share, added up. As above
        sum,        ///< numbers of a sum over all workers. turn
        bye,        ///< nothing follows
        abort,      ///< the sender has given up; the data says why, or nothing
    };
    kind what = kind::message;
    std::uint32_t tag = 0;
    std::uint64_t turn = 0, size = 0, bytes = 0;
};

inline constexpr std::size_t head_bytes = 40;

inline std::array<std::byte, head_bytes> pack(const message_header& h) {
    std::array<std::byte, head_bytes> to{};
    put(to.data(), magic);
    put(to.data() + 8, static_cast<std::uint32_t>(h.what));
    put(to.data() + 12, h.tag);
    put(to.data() + 16, h.turn);
    put(to.data() + 24, h.size);
    put(to.data() + 32, h.bytes);
    return to;
}

/// False where these bytes are no head.
inline bool unpack(const std::array<std::byte, head_bytes>& from, message_header& to) {
    const auto what = get<std::uint32_t>(from.data() + 8);
    if (get<std::uint64_t>(from.data()) != magic || what < 1 ||
        what > static_cast<std::uint32_t>(message_header::kind::abort))
        return false;
    to = {static_cast<message_header::kind>(what), get<std::uint32_t>(from.data() + 12),
          get<std::uint64_t>(from.data() + 16), get<std::uint64_t>(from.data() + 24),
          get<std::uint64_t>(from.data() + 32)};
    return true;
}

}  // namespace chimera::executor::detail
