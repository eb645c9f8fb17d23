// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/process/wires.hpp>

#include <chimera/core/error.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <algorithm>

namespace chimera::executor::detail {
namespace {

constexpr std::size_t most_at_once = std::size_t{1} << 22;  // of one peer, before the others have their turn
constexpr std::uint64_t largest_data = std::uint64_t{1} << 40;

}  // namespace

wires::wires(int self, std::vector<socket> to, receive_buffers& pool, reader& told)
    : self_(self), pool_(pool), told_(told), bell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!bell_)
        refuse("worker " + std::to_string(self) + " cannot be woken (no file descriptor left) raise the limit of them");
    for (socket& one : to) {
        peers_.push_back(std::make_unique<peer>());
        peers_.back()->at = std::move(one);
    }
    peers_[static_cast<std::size_t>(self)]->over = true;
    thread_ = std::thread([this] { run(); });
}

wires::~wires() { close(0); }

void wires::send(int to, const message_header& what, std::span<const std::byte> data) {
    peer& p = *peers_[static_cast<std::size_t>(to)];
    const auto first = pack(what);
    {
        const std::lock_guard lock(p.mutex);
        std::size_t gone = 0;
        if (p.outbox.empty()) {
            const auto sent = p.at.send_some(first, data);
            if (sent < 0) return;  // the reading side finds out as well, and tells
            gone = static_cast<std::size_t>(sent);
        }
        if (gone == first.size() + data.size()) return;
        if (gone < first.size()) p.outbox.push_back(pool_.copy_of(std::span(first).subspan(gone)));
        const auto rest = data.subspan(gone > first.size() ? gone - first.size() : 0);
        if (!rest.empty()) p.outbox.push_back(pool_.copy_of(rest));
    }
    wake();
}

void wires::wake() noexcept {
    const std::uint64_t one = 1;
    // If it cannot be written, it rings already.
    [[maybe_unused]] const auto written = ::write(bell_.descriptor(), &one, sizeof one);
}

void wires::close(double seconds) {
    if (!thread_.joinable()) return;
    for (std::size_t w = 0; w < peers_.size(); ++w)
        if (static_cast<int>(w) != self_) send(static_cast<int>(w), {.what = message_header::kind::bye});
    until_ = in_seconds(seconds);
    closing_ = true;
    wake();
    thread_.join();
}

bool wires::all_sent() {
    return std::ranges::all_of(peers_, [](const auto& p) {
        const std::lock_guard lock(p->mutex);
        return p->over || p->outbox.empty();
    });
}

bool wires::done() {
    if (!closing_) return false;
    if (std::chrono::steady_clock::now() >= until_.load()) return true;
    return all_sent() && std::ranges::all_of(peers_, [](const auto& p) { return p->over || p->said_bye; });
}

void wires::run() {
    std::vector<pollfd> all;
    while (!done()) {
        all.assign(1, {bell_.descriptor(), POLLIN, 0});
        for (const auto& p : peers_) {
            const std::lock_guard lock(p->mutex);
            const int events = POLLIN | (p->outbox.empty() ? 0 : POLLOUT);
            all.push_back({p->over ? -1 : p->at.descriptor(), static_cast<short>(events), 0});
        }
        poll(all.data(), all.size(), closing_ ? milliseconds_left(until_.load()) : -1);
        std::uint64_t rings = 0;
        if (::read(bell_.descriptor(), &rings, sizeof rings) > 0) told_.work();
        for (std::size_t w = 0; w < peers_.size(); ++w) {
            const short what = all[w + 1].revents;
            if (what & POLLOUT) flush(*peers_[w]);
            if (what & (POLLIN | POLLHUP | POLLERR)) take(static_cast<int>(w));
        }
    }
}

void wires::flush(peer& p) {
    const std::lock_guard lock(p.mutex);
    while (!p.outbox.empty()) {
        const auto sent = p.at.send_some(std::span(p.outbox.front()).subspan(p.sent));
        if (sent <= 0) return;  // where it is gone, reading says so
        p.sent += static_cast<std::size_t>(sent);
        if (p.sent < p.outbox.front().size()) continue;
        pool_.give(std::move(p.outbox.front()));
        p.outbox.pop_front();
        p.sent = 0;
    }
}

void wires::take(int from) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    for (std::size_t had = 0; !p.over && had < most_at_once;) {
        const bool in_head = p.head_had < head_bytes;
        const auto got = in_head ? p.at.receive_some(std::span(p.head_text).subspan(p.head_had))
                                 : p.at.receive_some(std::span(p.data).subspan(p.data_had));
        if (got < 0) return end(from);
        if (got == 0) return;
        had += static_cast<std::size_t>(got);
        (in_head ? p.head_had : p.data_had) += static_cast<std::size_t>(got);
        if (!take_piece(from)) return end(from);
    }
}

/// After bytes have come: a head that is complete makes room for its data; data that is complete is handed on. False
/// where what came makes no sense.
bool wires::take_piece(int from) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    if (p.head_had < head_bytes) return true;
    if (p.data.empty() && p.data_had == 0) {
        if (!unpack(p.head_text, p.next) || p.next.bytes > largest_data) return false;
        p.data = pool_.take(p.next.bytes);
    }
    if (p.data_had < p.next.bytes) return true;
    p.head_had = p.data_had = 0;
    if (p.next.what == message_header::kind::bye)
        p.said_bye = true;
    else
        told_.arrived(from, p.next, std::exchange(p.data, {}));
    return true;
}

void wires::end(int from) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    {
        const std::lock_guard lock(p.mutex);
        p.over = true;
    }
    if (!p.said_bye) told_.lost(from);
}

}  // namespace chimera::executor::detail
