// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/engine/ports.hpp"

#include <executor/communicate/bootstrap/frame.hpp>
#include <executor/communicate/bootstrap/frame_sum.hpp>

#include <poll.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <iterator>
#include <memory>
#include <random>
#include <utility>
#include <vector>

/// Somebody between two ranks who passes on what they say, and once does not: one thread, no process of its own.
namespace meddling {

namespace net = chimera::executor::detail;
using chimera::executor::blob;
using clock = std::chrono::steady_clock;

/// What becomes of one frame. The last three are lies: their checksums are right.
enum class fault { none, flip, cut, drop, repeat, swap, delay, dribble, garbage, shorten, field, inside, words };
inline constexpr int faults = 13;

/// Where it happens: in the meeting of the ranks (world 0) or between the workers of the world that they make so many,
/// towards rank 0 or away from it, to which frame of that direction.
struct place {
    int world = 0, away = 0;
    std::size_t frame = 0;
};
struct plan {
    fault what = fault::none;
    place where;
    unsigned seed = 0;
};

inline constexpr int most_worlds = 4;
using counts = std::array<std::array<std::size_t, 2>, most_worlds>;

class meddler {
public:
    meddler(const plan& how, std::uint16_t rank_0) : how_(how), random_(how.seed), rank_0_(rank_0) {
        meeting_ = net::listen_at("127.0.0.1", 0);
        data_ = net::listen_at("127.0.0.1", 0);
    }
    std::uint16_t port() const { return net::port_of(meeting_); }
    const counts& seen() const { return seen_; }

    /// Carries on until `done()`.
    template <typename Done>
    void run(Done done) {
        while (!done()) {
            step();
            let_in(meeting_, true);
            let_in(data_, false);
        }
    }

private:
    /// What is to go out, and not before then.
    struct piece {
        clock::time_point then;
        blob bytes;
    };
    struct direction {
        net::socket *from = nullptr, *to = nullptr;
        bool meeting = false, away = false, greeted = false, ended = false, closed = false;
        int world = 0;
        std::uint64_t seed = 0;
        blob in, held;  // `held`: a frame that changes places with the next one
        std::deque<piece> out;
    };
    struct connection {
        net::socket guest, host;
        std::array<direction, 2> ways;
    };

    void let_in(const net::socket& listener, bool meeting) {
        bool full = false;
        net::socket guest = net::accept_from(listener, full);
        if (!guest) return;
        auto made = std::make_unique<connection>();
        made->guest = std::move(guest);
        made->host = net::connect_to("127.0.0.1", meeting ? rank_0_ : data_port_, net::in_seconds(1));
        if (!made->host) return;  // hangs up: rank 0 is not there yet, or no more
        for (const int away : {0, 1}) {
            direction& d = made->ways[static_cast<std::size_t>(away)];
            d.from = away ? &made->host : &made->guest;
            d.to = away ? &made->guest : &made->host;
            d.meeting = meeting;
            d.away = d.greeted = away != 0;  // rank 0's side says no hello
            d.world = meeting ? 0 : world_;
            d.seed = meeting ? net::direction_seed(0, away ? 0 : 1, away ? 1 : 0) : 0;
        }
        all_.push_back(std::move(made));
    }

    void step() {
        std::vector<pollfd> wanted{{meeting_.descriptor(), POLLIN, 0}, {data_.descriptor(), POLLIN, 0}};
        for (const auto& c : all_)
            for (const direction& d : c->ways)
                if (!d.ended && !d.closed) wanted.push_back({d.from->descriptor(), POLLIN, 0});
        poll(wanted.data(), wanted.size(), 5);
        for (const auto& c : all_)
            for (direction& d : c->ways) serve(*c, d);
        std::erase_if(all_, [](const auto& c) { return c->ways[0].closed && c->ways[1].closed; });
    }

    void serve(connection& c, direction& d) {
        if (d.closed) return;
        std::array<std::byte, 65536> part;
        while (!d.ended) {
            const auto got = d.from->receive_some(part);
            if (got == 0) break;
            if (got < 0) d.ended = true;
            if (got > 0) d.in.insert(d.in.end(), part.begin(), part.begin() + got);
        }
        while (!d.closed && pass_on(c, d)) {
        }
        while (!d.out.empty() && d.out.front().then <= clock::now()) {
            blob& first = d.out.front().bytes;
            const auto sent = d.to->send_some(first);
            if (sent < 0) return hang_up(c);
            first.erase(first.begin(), first.begin() + sent);
            if (!first.empty()) break;
            d.out.pop_front();
        }
        if (d.ended && d.out.empty()) hang_up(c);
    }
    static void hang_up(connection& c) {
        for (direction& d : c.ways) d.closed = true;
        c.guest.close();
        c.host.close();
    }

    /// The next whole frame of what has come. False where there is none.
    bool pass_on(connection& c, direction& d) {
        const std::size_t head = d.meeting ? (d.greeted ? net::frame_bytes : net::hello_bytes) : std::size_t{64};
        if (d.in.size() < head) return false;
        std::size_t size = head;
        if (d.greeted) size += static_cast<std::size_t>(net::get<std::uint64_t>(d.in.data() + (d.meeting ? 16 : 32)));
        if (d.in.size() < size) return false;
        blob frame(d.in.begin(), d.in.begin() + static_cast<std::ptrdiff_t>(size));
        d.in.erase(d.in.begin(), d.in.begin() + static_cast<std::ptrdiff_t>(size));
        if (!d.meeting && !d.greeted) {  // says who speaks to whom
            const auto from = net::get<std::uint32_t>(frame.data() + 12);
            const auto to = net::get<std::uint64_t>(frame.data() + 24);
            d.seed = token_;
            c.ways[1].seed = net::direction_seed(token_, to, from);
            pass(c, d, std::move(frame));
            d.seed = net::direction_seed(token_, from, to);
        } else {
            if (d.meeting && d.away) redirect(d, frame);
            pass(c, d, std::move(frame));
        }
        d.greeted = true;
        return true;
    }

    /// Where rank 0 says at which port its workers are, lets the guest call here instead.
    void redirect(const direction& d, blob& frame) {
        constexpr std::size_t card = 14 + 2 * 4 + 9, first = net::frame_bytes + 13 + 8 + 8;  // "127.0.0.1", two workers
        if (frame.size() != first + card + 8 + card) return;
        data_port_ = net::get<std::uint16_t>(frame.data() + first);
        token_ = net::get<std::uint64_t>(frame.data() + first + 2);
        ++world_;
        net::put(frame.data() + first, net::port_of(data_));
        seal(d, frame);
    }

    void seal(const direction& d, blob& frame) const {
        const std::size_t head = d.meeting ? net::frame_bytes : 64;
        if (d.meeting && !d.greeted) return;  // a hello has its own way
        const auto bytes = std::span<const std::byte>(frame);
        if (frame.size() >= head) net::put(frame.data() + head - 16, net::frame_sum(bytes.subspan(head), d.seed));
        net::put(frame.data() + head - 8, net::frame_sum(bytes.first(head - 8), d.seed));
    }

    void send(direction& d, blob bytes, double later = 0) {
        const auto then =
            clock::now() + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(later));
        d.out.push_back({d.out.empty() ? then : std::max(then, d.out.back().then), std::move(bytes)});
    }

    void pass(connection& c, direction& d, blob frame) {
        std::size_t& count = seen_[static_cast<std::size_t>(d.world)][d.away ? 1 : 0];
        const bool here = how_.where.world == d.world && (how_.where.away != 0) == d.away && how_.where.frame == count;
        ++count;
        if (here) return meddle(c, d, std::move(frame));
        send(d, std::move(frame));
        if (!d.held.empty()) send(d, std::exchange(d.held, {}));
    }

    std::size_t any(std::size_t below) { return below == 0 ? 0 : random_() % below; }

    void meddle(connection& c, direction& d, blob frame) {
        const std::size_t at = any(frame.size());
        const auto cut = frame.begin() + static_cast<std::ptrdiff_t>(at);
        switch (how_.what) {
            case fault::flip:
                frame[at] ^= std::byte{1} << any(8);
                break;
            case fault::cut:
                d.to->send_some(std::span<const std::byte>(frame).first(at));
                return hang_up(c);
            case fault::drop:
                return;
            case fault::repeat:
                send(d, frame);
                break;
            case fault::swap:
                d.held = std::move(frame);
                return;
            case fault::delay:
                return send(d, std::move(frame), 0.3);
            case fault::dribble:
                return dribble(d, frame);
            case fault::garbage:
                for (auto i = 1 + any(80); i > 0; --i)
                    frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(at), std::byte(random_()));
                break;
            case fault::shorten:
                frame.erase(cut, cut + static_cast<std::ptrdiff_t>(1 + any(frame.size() - at)));
                break;
            case fault::field:
                lie(d, frame);
                break;
            case fault::inside:
                lie_inside(d, frame);
                break;
            case fault::words:
                speak(d, frame);
                break;
            case fault::none:
                break;
        }
        send(d, std::move(frame));
    }

    void dribble(direction& d, const blob& frame) {
        double later = 0;
        for (std::size_t at = 0; at < frame.size();) {
            const std::size_t size = std::min(frame.size() - at, frame.size() / 60 + 1 + any(9));
            const auto from = frame.begin() + static_cast<std::ptrdiff_t>(at);
            send(d, blob(from, from + static_cast<std::ptrdiff_t>(size)), later += 0.002);
            at += size;
        }
    }

    std::uint64_t value(std::uint64_t now) {
        const std::array<std::uint64_t, 14> odd{0,
                                                1,
                                                2,
                                                3,
                                                7,
                                                0x7fffffff,
                                                0x80000000,
                                                0xffffffff,
                                                std::uint64_t{1} << 36,
                                                std::uint64_t{1} << 63,
                                                ~std::uint64_t{0},
                                                now + 1,
                                                now - 1,
                                                random_()};
        return odd[any(odd.size())];
    }

    void lie(const direction& d, blob& frame) {
        const std::array<std::pair<std::size_t, int>, 4> greeting{{{8, 4}, {12, 4}, {16, 4}, {24, 8}}};
        const std::array<std::pair<std::size_t, int>, 4> meeting{{{8, 4}, {12, 4}, {16, 8}, {24, 8}}};
        const std::array<std::pair<std::size_t, int>, 6> data{{{8, 4}, {12, 4}, {16, 8}, {24, 8}, {32, 8}, {40, 8}}};
        const bool hello = d.meeting && !d.greeted;
        const auto [at, size] = hello ? greeting[any(4)] : d.meeting ? meeting[any(4)] : data[any(6)];
        if (size == 4)
            net::put(frame.data() + at, static_cast<std::uint32_t>(value(net::get<std::uint32_t>(frame.data() + at))));
        else
            net::put(frame.data() + at, value(net::get<std::uint64_t>(frame.data() + at)));
        const auto* h = frame.data();
        if (hello)
            std::ranges::copy(
                net::pack(net::hello{net::magic, net::get<std::uint32_t>(h + 8), net::get<std::uint32_t>(h + 12),
                                     net::get<std::uint32_t>(h + 16), net::get<std::uint64_t>(h + 24)}),
                frame.begin());
        seal(d, frame);
    }

    /// In what is no tensor: numbers of those cannot be told from true ones.
    void lie_inside(const direction& d, blob& frame) {
        if (!d.meeting || !d.greeted || frame.size() <= net::frame_bytes || frame.size() > 16384) return lie(d, frame);
        const std::size_t size = frame.size() - net::frame_bytes, at = net::frame_bytes + any(size);
        std::array<std::byte, 8> said{};
        net::put(said.data(), value(random_()));
        for (std::size_t i = 0, most = any(2) ? 8 : 1; i < most && at + i < frame.size(); ++i) frame[at + i] = said[i];
        if (any(4) == 0) frame.resize(at);
        net::put(frame.data() + 16, static_cast<std::uint64_t>(frame.size() - net::frame_bytes));
        seal(d, frame);
    }

    /// Last words that a terminal would act on.
    void speak(const direction& d, blob& frame) {
        if (d.meeting && !d.greeted) return;
        const std::string text = "\x1b[2J\nroot@host# \xe2\x80\xae\xff\r";
        frame.resize(d.meeting ? net::frame_bytes : 64);
        net::put(frame.data() + 8, std::uint32_t{d.meeting ? 3U : 7U});
        if (!d.meeting)
            for (const std::size_t at : {std::size_t{16}, std::size_t{24}})
                net::put(frame.data() + at, std::uint64_t{0});
        net::put(frame.data() + (d.meeting ? 16 : 32), static_cast<std::uint64_t>(text.size()));
        const auto bytes = std::as_bytes(std::span(text));
        frame.insert(frame.end(), bytes.begin(), bytes.end());
        seal(d, frame);
    }

    plan how_;
    std::mt19937_64 random_;
    std::uint16_t rank_0_, data_port_ = 0;
    std::uint64_t token_ = 0;
    int world_ = 0;
    net::socket meeting_, data_;
    std::vector<std::unique_ptr<connection>> all_;
    counts seen_{};
};

}  // namespace meddling
