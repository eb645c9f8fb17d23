// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace chimera::executor::detail {

using deadline = std::chrono::steady_clock::time_point;
inline deadline in_seconds(double seconds) {
    return std::chrono::steady_clock::now() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
}
/// Returns a time-out for poll(2): at least 0, at most `most`.
int milliseconds_left(deadline until, int most = 1000);

/// A TCP socket that never blocks by itself.
class socket {
public:
    socket() = default;
    explicit socket(int descriptor) : descriptor_(descriptor) {}
    ~socket() { close(); }
    socket(socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    socket& operator=(socket&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }

    explicit operator bool() const { return descriptor_ >= 0; }
    int descriptor() const { return descriptor_; }
    void close();
    /// Ends what is sent and waits, until then at most, for the other side to do so: closing at once, with something
    /// unread, would take from it what it has not read yet.
    void part(deadline until);

    enum class status : std::uint8_t { done, late, closed };

    /// All of `data`, by `until`.
    status send(std::span<const std::byte> data, deadline until);
    status receive(std::span<std::byte> data, deadline until);
    /// Waits for something to read, or an end; false once `until` has passed.
    bool wait_readable(deadline until) const;
    /// Reads the bytes that are there now, at most `data`; returns -1 once the other side is gone.
    std::ptrdiff_t receive_some(std::span<std::byte> data);
    /// As much as is taken now, of one piece and then of the other; -1 once the other side is gone.
    std::ptrdiff_t send_some(std::span<const std::byte> first, std::span<const std::byte> then = {});

private:
    int descriptor_ = -1;
};

/// Listens at `address`, a name or a number of this machine; nowhere else. Throws where it cannot.
socket listen_at(const std::string& address, std::uint16_t port);
/// Returns the port of `listener`; for port 0, the one it was given.
std::uint16_t port_of(const socket& listener);
/// This side's address of a connection, as numbers.
std::string address_of(const socket& connected);
/// This machine's address, as numbers, from which `host` is reached; empty where nothing leads there.
std::string address_towards(const std::string& host);
/// Returns true for a name that means this machine alone, although it does not say so: what /etc/hosts may make of a
/// machine's own name.
bool hides_loopback(const std::string& name);
/// The next who has connected, or none. `full`: one waits, and there is no descriptor or memory for it.
socket accept_from(const socket& listener, bool& full);
/// One attempt; none where nobody answers by `until`. Throws where the address has no meaning.
socket connect_to(const std::string& address, std::uint16_t port, deadline until);

}  // namespace chimera::executor::detail
