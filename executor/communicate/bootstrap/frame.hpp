// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/socket.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::executor {

/// A small piece of data that processes exchange.
using blob = std::vector<std::byte>;

namespace detail {

inline constexpr std::uint64_t magic = 0x6172656d69686321;  // "!chimera"
inline constexpr std::uint32_t protocol = 1;
inline constexpr std::size_t hello_bytes = 32, frame_bytes = 24;
inline constexpr std::uint64_t largest_payload = std::uint64_t{1} << 28;

/// Numbers travel with their lowest byte first.
template <typename Number>
void put(std::byte* to, Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
}
template <typename Number>
Number get(const std::byte* from) {
    Number value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
        value = static_cast<Number>(value | static_cast<Number>(from[i]) << (8 * i));
    return value;
}

/// The first thing a process says to rank 0: magic, version, how many it thinks they are, who it is, a hash of its job.
struct hello {
    std::uint64_t word = magic;
    std::uint32_t version = protocol, size = 0, rank = 0;
    std::uint64_t job = 0;
};
std::array<std::byte, hello_bytes> pack(const hello& h);
hello unpack(const std::array<std::byte, hello_bytes>& from);
std::uint64_t hash(const std::string& text);  // FNV-1a: the same on every machine

/// Everything after that: magic, kind, length, payload.
enum class kind : std::uint32_t { welcome = 1, refused, mine, all };
struct frame {
    enum class fault : std::uint8_t { none, late, closed, foreign };
    fault wrong = fault::none;
    kind what = kind::refused;
    blob payload;
};
socket::status send_frame(socket& to, kind what, std::span<const std::byte> payload, deadline until);
frame receive_frame(socket& from, deadline until);

/// Several blobs in one: how many, then each with its length.
blob join(const std::vector<blob>& all);
/// Empty where the lengths do not add up to what is there.
std::vector<blob> split(const blob& from);

}  // namespace detail
}  // namespace chimera::executor
