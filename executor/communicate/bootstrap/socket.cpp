// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/socket.hpp>

#include <chimera/core/error.hpp>

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

/// The answers of the name service; a name may appear there while a run starts, so only the caller knows when to give
/// up.
addresses resolve(const char* address, std::uint16_t port, int& fault) {
    addrinfo want{}, *found = nullptr;
    want.ai_family = AF_UNSPEC;
    want.ai_socktype = SOCK_STREAM;
    want.ai_flags = address ? 0 : AI_PASSIVE;
    fault = getaddrinfo(address, std::to_string(port).c_str(), &want, &found);
    return {fault == 0 ? found : nullptr, &freeaddrinfo};
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

socket try_to_listen(const char* address, std::uint16_t port, int& error) {
    int fault = 0;
    const addresses all = resolve(address, port, fault);
    if (fault != 0) {
        error = EADDRNOTAVAIL;
        return {};
    }
    for (const addrinfo* one = all.get(); one; one = one->ai_next) {
        socket s = make_socket(*one);
        if (s) set(s, SOL_SOCKET, SO_REUSEADDR);
        if (s && bind(s.descriptor(), one->ai_addr, one->ai_addrlen) == 0 && listen(s.descriptor(), 1024) == 0)
            return s;
        error = errno;
        if (error == EADDRINUSE) return {};
    }
    return {};
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
    int error = 0;
    socket s = try_to_listen(address.empty() ? nullptr : address.c_str(), port, error);
    // An address that is forwarded to this machine is not one of its own.
    if (!s && error == EADDRNOTAVAIL) s = try_to_listen(nullptr, port, error);
    if (s) return s;
    const std::string where = address + ":" + std::to_string(port);
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
    std::array<char, NI_MAXHOST> text{};
    if (getsockname(connected.descriptor(), reinterpret_cast<sockaddr*>(&mine), &size) != 0 ||
        getnameinfo(reinterpret_cast<sockaddr*>(&mine), size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST))
        return "127.0.0.1";
    return text.data();
}

socket accept_from(const socket& listener) {
    socket s(accept4(listener.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (s) set(s, IPPROTO_TCP, TCP_NODELAY);
    return s;
}

socket connect_to(const std::string& address, std::uint16_t port, deadline until) {
    int fault = 0;
    const addresses all = resolve(address.c_str(), port, fault);
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
