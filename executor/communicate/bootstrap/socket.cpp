// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/peer_text.hpp>
#include <executor/communicate/bootstrap/socket.hpp>

#include <chimera/core/error.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace chimera::executor::detail {
namespace {

using addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

/// The answers of the name service. Throws where it knows no such name.
addresses resolve(const std::string& address, std::uint16_t port) {
    addrinfo want{}, *found = nullptr;
    want.ai_family = AF_UNSPEC;
    want.ai_socktype = SOCK_STREAM;
    const int fault = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &want, &found);
    if (fault == 0) return {found, &freeaddrinfo};
    const char* why = fault == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(fault);
    refuse("the address '" + peer_text(address) + "' cannot be found (" + why +
           ") set MASTER_ADDR to a name or a number of rank 0's machine");
}

socket make_socket(const addrinfo& of) {
    return socket(::socket(of.ai_family, of.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, of.ai_protocol));
}

void set(const socket& on, int level, int option) {
    const int yes = 1;
    setsockopt(on.descriptor(), level, option, &yes, sizeof yes);
}

bool try_again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/// False once `until` has passed.
bool await(int descriptor, short event, deadline until) {
    for (;;) {
        pollfd wanted{descriptor, event, 0};
        if (poll(&wanted, 1, milliseconds_left(until)) > 0) return true;
        if (std::chrono::steady_clock::now() >= until) return false;
    }
}

/// A port that nobody listens at can be given to the very socket that tries it: then it has reached itself.
bool reached_itself(const socket& s) {
    sockaddr_storage mine{}, other{};
    socklen_t mine_size = sizeof mine, other_size = sizeof other;
    return getsockname(s.descriptor(), reinterpret_cast<sockaddr*>(&mine), &mine_size) == 0 &&
           getpeername(s.descriptor(), reinterpret_cast<sockaddr*>(&other), &other_size) == 0 &&
           mine_size == other_size && std::memcmp(&mine, &other, mine_size) == 0;
}

bool is_loopback(const sockaddr* address) {
    if (address->sa_family == AF_INET)
        return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

/// At the first address that is one of this machine: those on which others reach it before its loopback.
socket try_to_listen(const addrinfo* all, bool loopback, int& error) {
    for (const addrinfo* one = all; one; one = one->ai_next) {
        if (is_loopback(one->ai_addr) != loopback) continue;
        socket s = make_socket(*one);
        if (s) set(s, SOL_SOCKET, SO_REUSEADDR);
        if (s && bind(s.descriptor(), one->ai_addr, one->ai_addrlen) == 0 && listen(s.descriptor(), 1024) == 0)
            return s;
        error = errno;
        if (error == EADDRINUSE) return {};
    }
    return {};
}

/// An address as numbers; empty where it has none.
std::string text_of(const sockaddr* address, socklen_t size) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return {};
    return text.data();
}

}  // namespace

int milliseconds_left(deadline until, int most) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<decltype(left)>(left, 0, most));
}

void socket::close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void socket::part(deadline until) {
    if (descriptor_ < 0) return;
    shutdown(descriptor_, SHUT_WR);
    std::array<std::byte, 4096> rest;
    for (auto got = receive_some(rest); got >= 0; got = receive_some(rest))
        if (got == 0 && !await(descriptor_, POLLIN, until)) break;
    close();
}

std::ptrdiff_t socket::send_some(std::span<const std::byte> first, std::span<const std::byte> then) {
    const auto piece = [](std::span<const std::byte> of) {
        return iovec{const_cast<std::byte*>(of.data()), of.size()};  // only read
    };
    std::array<iovec, 2> pieces{piece(first), piece(then)};
    msghdr all{};
    all.msg_iov = pieces.data();
    all.msg_iovlen = pieces.size();
    const auto sent = ::sendmsg(descriptor_, &all, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    return try_again() ? 0 : -1;
}

socket::status socket::send(std::span<const std::byte> data, deadline until) {
    while (!data.empty()) {
        const auto sent = send_some(data);
        if (sent < 0) return status::closed;
        if (sent == 0 && !await(descriptor_, POLLOUT, until)) return status::late;
        data = data.subspan(static_cast<std::size_t>(sent));
    }
    return status::done;
}

bool socket::wait_readable(deadline until) const { return await(descriptor_, POLLIN, until); }

std::ptrdiff_t socket::receive_some(std::span<std::byte> data) {
    const auto got = ::recv(descriptor_, data.data(), data.size(), 0);
    if (got > 0) return got;
    return got < 0 && try_again() ? 0 : -1;
}

socket::status socket::receive(std::span<std::byte> data, deadline until) {
    while (!data.empty()) {
        const auto got = receive_some(data);
        if (got < 0) return status::closed;
        if (got == 0 && !await(descriptor_, POLLIN, until)) return status::late;
        data = data.subspan(static_cast<std::size_t>(got));
    }
    return status::done;
}

socket listen_at(const std::string& address, std::uint16_t port) {
    int error = EADDRNOTAVAIL;
    const addresses all = resolve(address, port);
    for (const bool loopback : {false, true}) {
        if (error == EADDRINUSE) break;
        if (socket s = try_to_listen(all.get(), loopback, error)) return s;
    }
    const std::string where = peer_text(address) + ":" + std::to_string(port);
    if (error == EADDRINUSE)
        refuse("port " + where + " is taken (" + std::strerror(error) + ") set MASTER_PORT to a free one");
    refuse("cannot listen at " + where + " (" + std::strerror(error) +
           ") set MASTER_ADDR and MASTER_PORT to an address of rank 0");
}

std::uint16_t port_of(const socket& listener) {
    sockaddr_storage mine{};
    socklen_t size = sizeof mine;
    if (getsockname(listener.descriptor(), reinterpret_cast<sockaddr*>(&mine), &size) != 0) return 0;
    return ntohs(mine.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(mine).sin6_port
                                            : reinterpret_cast<const sockaddr_in&>(mine).sin_port);
}

std::string address_of(const socket& connected) {
    sockaddr_storage mine{};
    socklen_t size = sizeof mine;
    if (getsockname(connected.descriptor(), reinterpret_cast<sockaddr*>(&mine), &size) != 0) return {};
    return text_of(reinterpret_cast<sockaddr*>(&mine), size);
}

/// Connecting a datagram socket sends nothing: the system only chooses the way.
std::string address_towards(const std::string& host) {
    const addresses all = resolve(host, 9);
    for (const addrinfo* one = all.get(); one; one = one->ai_next) {
        const socket s(::socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (s && connect(s.descriptor(), one->ai_addr, one->ai_addrlen) == 0 && !is_loopback(one->ai_addr))
            return address_of(s);
    }
    return {};
}

bool hides_loopback(const std::string& name) {
    std::array<unsigned char, sizeof(in6_addr)> number{};
    if (name.starts_with("localhost") || inet_pton(AF_INET, name.c_str(), number.data()) == 1 ||
        inet_pton(AF_INET6, name.c_str(), number.data()) == 1)
        return false;
    const addresses all = resolve(name, 0);
    for (const addrinfo* one = all.get(); one; one = one->ai_next)
        if (!is_loopback(one->ai_addr)) return false;
    return true;
}

socket accept_from(const socket& listener, bool& full) {
    socket s(accept4(listener.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    full = !s && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
    if (s) set(s, IPPROTO_TCP, TCP_NODELAY);
    return s;
}

socket connect_to(const std::string& address, std::uint16_t port, deadline until) {
    const addresses all = resolve(address, port);
    for (const addrinfo* one = all.get(); one; one = one->ai_next) {
        socket s = make_socket(*one);
        if (!s) continue;
        if (connect(s.descriptor(), one->ai_addr, one->ai_addrlen) != 0) {
            if (errno != EINPROGRESS || !await(s.descriptor(), POLLOUT, until)) continue;
            int error = 0;
            socklen_t size = sizeof error;
            if (getsockopt(s.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) continue;
        }
        if (reached_itself(s)) continue;
        set(s, IPPROTO_TCP, TCP_NODELAY);
        return s;
    }
    return {};
}

}  // namespace chimera::executor::detail
