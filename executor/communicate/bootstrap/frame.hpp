// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <executor/communicate/bootstrap/socket.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chimera::executor {

/// A small piece of data that processes exchange.
using blob = std::vector<std::byte>;

/// Another process sent what the job does not allow, or it was changed on the way: the run has failed. The text names
/// that process.
struct bad_message : chimera_error {
    using chimera_error::chimera_error;
};

namespace detail {

inline constexpr std::uint64_t magic = 0x6172656d69686321;  // "!chimera"
inline constexpr std::uint32_t protocol = 2;                // 2: numbers and checksums
inline constexpr std::size_t hello_bytes = 32, frame_bytes = 48;
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

/// The first thing a process says to rank 0: magic, version, how many it thinks they are, who it is, a checksum, a hash
/// of its job. All versions have the first four in these places.
struct hello {
    std::uint64_t word = magic;
    std::uint32_t version = protocol, size = 0, rank = 0;
    std::uint64_t job = 0;
};
std::array<std::byte, hello_bytes> pack(const hello& h);
/// Reads a hello. Returns nothing where these bytes are none, or were changed on the way. The checksum of another
/// version is not looked at: only that version knows how it is made.
std::optional<hello> unpack(std::span<const std::byte, hello_bytes> from);
std::uint64_t hash(const std::string& text);  // FNV-1a: the same on every machine

/// Everything after that: magic, kind, length, its number on the connection, checksums of the payload and of the head.
enum class kind : std::uint32_t {
    welcome = 1,
    refused,  ///< a text: rank 0 does not go on, for a reason that the user can mend
    failed,   ///< likewise, for what the run ran into
    mine,     ///< a guest's part of an exchange
    last,     ///< the same, of one that gives up
    all,      ///< rank 0's answer
};
struct frame {
    enum class fault : std::uint8_t { none, late, closed, foreign, wrong };
    fault bad = fault::none;
    kind what = kind::refused;
    blob payload;
    std::string why;  ///< of what is wrong: "sent …"
};

/// A connection between rank 0 and one other, from one end. Every frame that comes is read here: its number, its
/// checksums, and its length against what may come, before memory is taken.
class line {
public:
    line() = default;
    /// `self`, `other`: the ranks at its ends.
    line(socket at, std::uint64_t self, std::uint64_t other);

    explicit operator bool() const { return static_cast<bool>(at_); }
    socket& at() { return at_; }
    const socket& at() const { return at_; }

    socket::status send(kind what, std::span<const std::byte> payload, deadline until);
    /// The next frame, as far as it is here: nothing while more of it has to come. `most`: bytes that it may carry.
    std::optional<frame> advance(std::size_t most);
    /// Waits for it, until then.
    frame receive(std::size_t most, deadline until);

private:
    std::string open(std::size_t most);
    frame close();

    socket at_;
    std::uint64_t seed_out_ = 0, seed_in_ = 0;
    std::uint64_t sent_ = 0, heard_ = 0;
    std::array<std::byte, frame_bytes> head_{};
    std::size_t head_had_ = 0, had_ = 0;
    blob payload_;
};

/// Several blobs in one: how many, then each with its length.
blob join(const std::vector<blob>& all);
/// Empty where the lengths do not add up to what is there, or the blobs are not `count`.
std::vector<blob> split(const blob& from, std::size_t count);
/// Bytes of `count` blobs of at most `each` in one.
constexpr std::size_t joined_bytes(std::size_t count, std::size_t each) { return 8 + count * (8 + each); }

}  // namespace detail
}  // namespace chimera::executor
