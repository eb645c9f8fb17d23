// SPDX-License-Identifier: Apache-2.0
// Numbered parcels between processes, each two of which are joined by a socket. A thread for each socket takes in what comes, so
// that who sends never waits for what the other side is doing.
#pragma once

#include <chimera/core/error.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

class socket_mail {
public:
    using bytes = std::vector<std::byte>;

    /// `sockets[p]`: to process p; -1 for this process itself. Closes them in the end.
    explicit socket_mail(std::vector<int> sockets) : sockets_(std::move(sockets)) {
        for (std::size_t p = 0; p < sockets_.size(); ++p)
            if (sockets_[p] >= 0) readers_.emplace_back([this, p] { read_from(static_cast<int>(p)); });
    }
    ~socket_mail() {
        shut(SHUT_WR);     // the others may still read what is under way
        readers_.clear();  // joined: until they have shut theirs
        for (const int s : sockets_)
            if (s >= 0) ::close(s);
    }

    int size() const { return static_cast<int>(sockets_.size()); }

    void send(int to, std::int64_t number, std::span<const std::byte> what) {
        const header h{number, what.size()};
        if (!write(to, std::as_bytes(std::span(&h, 1))) || !write(to, what)) lost(to);
    }
    bool has(int from, std::int64_t number) {
        const std::lock_guard lock(mutex_);
        return !inbox_[{from, number}].empty();
    }
    /// The next one of that number, in the order in which they were sent; waits for it.
    bytes take(int from, std::int64_t number) {
        std::unique_lock lock(mutex_);
        std::deque<bytes>& waiting = inbox_[{from, number}];
        changed_.wait(lock, [&] { return !waiting.empty() || gone_.contains(from); });
        if (waiting.empty()) lost(from);
        bytes first = std::move(waiting.front());
        waiting.pop_front();
        return first;
    }
    /// Ends both directions with all: every `send` and `take` fails, here and there.
    void shut(int how) noexcept {
        for (const int s : sockets_)
            if (s >= 0) ::shutdown(s, how);
    }

private:
    struct header {
        std::int64_t number = 0;
        std::uint64_t size = 0;
    };

    [[noreturn]] static void lost(int peer) {
        chimera::refuse("process " + std::to_string(peer) + " is gone (its socket is closed) see what it says");
    }
    bool write(int to, std::span<const std::byte> what) {
        while (!what.empty()) {
            const auto n = ::send(sockets_[static_cast<std::size_t>(to)], what.data(), what.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            what = what.subspan(static_cast<std::size_t>(n));
        }
        return true;
    }
    bool read(int from, std::span<std::byte> into) {
        const int s = sockets_[static_cast<std::size_t>(from)];
        return into.empty() || ::recv(s, into.data(), into.size(), MSG_WAITALL) == std::ssize(into);
    }
    void read_from(int peer) {
        for (header h; read(peer, std::as_writable_bytes(std::span(&h, 1)));) {
            bytes body(h.size);
            if (!read(peer, body)) break;
            const std::lock_guard lock(mutex_);
            inbox_[{peer, h.number}].push_back(std::move(body));
            changed_.notify_all();
        }
        const std::lock_guard lock(mutex_);
        gone_.insert(peer);
        changed_.notify_all();
    }

    std::vector<int> sockets_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::pair<int, std::int64_t>, std::deque<bytes>> inbox_;
    std::set<int> gone_;
    std::vector<std::jthread> readers_;  // last: they use all the rest
};
