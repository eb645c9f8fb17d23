// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/process/wires.hpp>

#include <chimera/core/error.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <algorithm>
#include <new>

namespace chimera::executor::detail {
namespace {

constexpr std::size_t most_bytes_at_once = std::size_t{1} << 22;  // of one peer, before the others have their turn
constexpr double bye_seconds = 2;  // for others to say theirs: who is slow reads mine, and is no failure
constexpr std::size_t forgotten_at_once = std::size_t{1} << 16;

}  // namespace

wires::wires(int self, std::vector<socket> to, std::uint64_t meeting, receive_buffers& pool, reader& told)
    : self_(self), pool_(pool), told_(told), bell_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      nowhere_(forgotten_at_once) {
    if (!bell_)
        refuse("worker " + std::to_string(self) + " cannot be woken (no file descriptor left) raise the limit of them");
    const auto me = static_cast<std::uint64_t>(self);
    for (socket& one : to) {
        const std::uint64_t other = peers_.size();
        peers_.push_back(std::make_unique<peer>());
        peers_.back()->at = std::move(one);
        peers_.back()->seed_out = direction_seed(meeting, me, other);
        peers_.back()->seed_in = direction_seed(meeting, other, me);
    }
    peers_[static_cast<std::size_t>(self)]->over = true;
    thread_ = std::thread([this] { run(); });
}

wires::~wires() { close(0); }

void wires::send(int to, const message_header& what, std::span<const std::byte> data) {
    peer& p = *peers_[static_cast<std::size_t>(to)];
    seal with{0, frame_sum(data, p.seed_out)};
    {
        const std::lock_guard lock(p.mutex);
        with.number = ++p.number;
        const auto first = pack(what, with, p.seed_out);
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
    byes_until_ = in_seconds(std::min(seconds, bye_seconds));
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
    const auto now = std::chrono::steady_clock::now();
    if (now >= until_.load()) return true;
    const auto parted = [](const auto& p) { return p->over || p->said_bye; };
    return all_sent() && (now >= byes_until_.load() || std::ranges::all_of(peers_, parted));
}

void wires::run() {
    std::vector<pollfd> all;
    while (!done()) {
        all.assign(1, {bell_.descriptor(), POLLIN, 0});
        for (const auto& p : peers_) {
            const std::lock_guard lock(p->mutex);
            const int events = (p->held ? 0 : POLLIN) | (p->outbox.empty() ? 0 : POLLOUT);
            all.push_back({p->over ? -1 : p->at.descriptor(), static_cast<short>(events), 0});
        }
        poll(all.data(), all.size(), closing_ ? milliseconds_left(until_.load(), 100) : -1);
        std::uint64_t rings = 0;
        const bool rang = ::read(bell_.descriptor(), &rings, sizeof rings) > 0;
        if (rang) told_.work();
        for (std::size_t w = 0; w < peers_.size(); ++w)
            serve(static_cast<int>(w), static_cast<short>(all[w + 1].revents | (rang && peers_[w]->held ? POLLIN : 0)));
    }
}

/// One peer's turn. What goes wrong with it, memory for its data say, ends that peer alone.
void wires::serve(int from, short events) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    try {
        if (events & POLLOUT) flush(p);
        // Who is gone while something of it is held has no more to say.
        if (p.held && (events & (POLLHUP | POLLERR))) return end(from);
        if (events & (POLLIN | POLLHUP | POLLERR)) take(from);
    } catch (const std::bad_alloc&) {
        end(from, "sent more than there is memory for");
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

/// The place of what comes next of a peer.
std::span<std::byte> wires::room(peer& p) {
    if (p.head_had < head_bytes) return std::span(p.head_text).subspan(p.head_had);
    if (!p.skipped) return std::span(p.data).subspan(p.data_had);
    return std::span(nowhere_).first(std::min<std::size_t>(nowhere_.size(), p.next.bytes - p.data_had));
}

void wires::take(int from) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    if (std::exchange(p.held, false) && !advance(from)) return;
    for (std::size_t had = 0; !p.over && had < most_bytes_at_once;) {
        const auto got = p.at.receive_some(room(p));
        if (got < 0) return end(from);
        if (got == 0) return;
        had += static_cast<std::size_t>(got);
        (p.head_had < head_bytes ? p.head_had : p.data_had) += static_cast<std::size_t>(got);
        if (!advance(from)) return;
    }
}

/// After bytes have come: a head that is complete makes room for its data; data that are complete are handed on. False
/// where nothing more is to be read of the peer for now.
bool wires::advance(int from) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    if (p.head_had < head_bytes) return true;
    if (!p.opened && !open(from)) return false;
    if (p.data_had < p.next.bytes) return true;
    return complete(from);
}

bool wires::open(int from) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    seal due{p.with.number + 1, 0};
    if (const std::string why = unpack(p.head_text, p.seed_in, p.next, due); !why.empty()) return end(from, why), false;
    if (p.said_bye) return end(from, "sent a message after its last one"), false;
    const bool heard = p.next.what == message_header::kind::bye || !closing_;
    const auto what = heard ? told_.admits(from, p.next) : reader::verdict::skip;
    p.held = what == reader::verdict::hold;
    if (p.held) return false;
    p.with = due;
    p.skipped = what == reader::verdict::skip;
    if (!p.skipped) p.data = pool_.take(p.next.bytes);
    return p.opened = true;
}

bool wires::complete(int from) {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    p.head_had = p.data_had = 0;
    p.opened = false;
    blob data = std::exchange(p.data, {});
    if (std::exchange(p.skipped, false)) return true;
    if (frame_sum(data, p.seed_in) != p.with.data_sum)
        return end(from, "sent a message whose data have another checksum"), false;
    if (p.next.what == message_header::kind::bye)
        p.said_bye = true;
    else
        told_.arrived(from, p.next, std::move(data));
    return true;
}

/// Reads nothing more of the peer. `why`: it has sent something wrong; else it is gone.
void wires::end(int from, const std::string& why) noexcept {
    peer& p = *peers_[static_cast<std::size_t>(from)];
    {
        const std::lock_guard lock(p.mutex);
        p.over = true;
    }
    if (!why.empty())
        told_.wrong(from, why);
    else if (!p.said_bye)
        told_.lost(from);
}

}  // namespace chimera::executor::detail
