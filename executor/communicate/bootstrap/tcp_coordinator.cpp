// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/tcp.hpp>

#include <chimera/core/error.hpp>

#include <poll.h>
#include <algorithm>
#include <cstdio>
#include <list>

namespace chimera::executor::detail {
namespace {

constexpr double linger_seconds = 1;  // after a failure, for those who come a little later to hear of it
constexpr double telling_seconds = 2;
constexpr std::size_t spare_strangers = 64;

std::string text_of(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%g s", seconds);
    return text;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Somebody who has connected and not yet said who it is.
struct stranger {
    socket at;
    std::array<std::byte, hello_bytes> said{};
    std::size_t bytes = 0;
};

/// Seats the others as they come. What does not speak the protocol is sent away and changes nothing.
class reception {
public:
    reception(const identity& me, const rendezvous_point& where)
        : me_(me), where_(where), job_(hash(where.job)), until_(in_seconds(where.timeout_seconds)),
          listener_(listen_at(where.address, where.port)), seats_(static_cast<std::size_t>(me.size)) {}

    std::vector<socket> receive_all() {
        while (missing() > 0 || !why_.empty()) {
            if (std::chrono::steady_clock::now() >= until_) give_up();
            wait();
            while (socket next = accept_from(listener_)) welcome(std::move(next));
            std::erase_if(strangers_, [this](stranger& s) { return listen_to(s); });
            look_after_seats();
        }
        for (socket& seat : seats_)
            if (seat && send_frame(seat, kind::welcome, {}, in_seconds(telling_seconds)) != socket::status::done)
                refuse(who(me_) + " (another rank left while the run began) look at the other ranks' output");
        return std::move(seats_);
    }

private:
    int missing() const {
        return static_cast<int>(std::count_if(seats_.begin() + 1, seats_.end(), std::not_fn(there)));
    }
    static bool there(const socket& s) { return static_cast<bool>(s); }

    void wait() {
        std::vector<pollfd> all{{listener_.descriptor(), POLLIN, 0}};
        for (const stranger& s : strangers_) all.push_back({s.at.descriptor(), POLLIN, 0});
        for (const socket& s : seats_)
            if (s) all.push_back({s.descriptor(), POLLIN, 0});
        poll(all.data(), all.size(), milliseconds_left(until_));
    }

    void welcome(socket next) {
        if (strangers_.size() > seats_.size() + spare_strangers) strangers_.pop_front();
        strangers_.push_back({std::move(next)});
    }

    /// Returns true if `s` is a stranger no longer.
    bool listen_to(stranger& s) {
        const auto got = s.at.receive_some(std::span(s.said).subspan(s.bytes));
        if (got <= 0) return got < 0;
        s.bytes += static_cast<std::size_t>(got);
        if (s.bytes >= sizeof magic && get<std::uint64_t>(s.said.data()) != magic) return true;
        if (s.bytes < s.said.size()) return false;
        seat(std::move(s.at), unpack(s.said));
        return true;
    }

    void seat(socket at, const hello& said) {
        const std::string rank = "rank " + std::to_string(said.rank);
        if (said.job != job_)
            return tell(at, "(" + where_.address + ":" + std::to_string(where_.port) +
                                " belongs to another job) set MASTER_PORT to a free one");
        if (said.version != protocol)
            fail("(" + rank + " speaks version " + std::to_string(said.version) + " of the protocol, rank 0 version " +
                 std::to_string(protocol) + ") start the same build everywhere");
        else if (static_cast<int>(said.size) != me_.size)
            fail("(" + rank + " was started as one of " + std::to_string(said.size) + " ranks, rank 0 as one of " +
                 std::to_string(me_.size) + ") give all ranks the same WORLD_SIZE");
        else if (said.rank >= said.size || said.rank == 0 || seats_[said.rank])
            fail("(two processes say that they are " + rank + ") give every rank its own RANK");
        if (why_.empty())
            seats_[said.rank] = std::move(at);
        else
            tell(at, why_);
    }

    /// Nobody says a word before all have come: what can be read is an end.
    void look_after_seats() {
        for (std::size_t r = 1; r < seats_.size(); ++r) {
            std::byte any{};
            if (!seats_[r] || seats_[r].receive_some({&any, 1}) == 0) continue;
            seats_[r].close();
            fail("(rank " + std::to_string(r) + " left before all had come) look at its output");
        }
    }

    static void tell(socket& at, const std::string& why) {
        send_frame(at, kind::refused, bytes_of(why), in_seconds(telling_seconds));
    }

    void fail(const std::string& why) {
        if (!why_.empty()) return;
        why_ = why;
        until_ = std::min(until_, in_seconds(linger_seconds));
        for (socket& seat : seats_)
            if (seat) tell(seat, why), seat.close();
    }

    [[noreturn]] void give_up() {
        if (why_.empty()) {
            std::string ranks;
            int named = 0;
            for (std::size_t r = 1; r < seats_.size(); ++r)
                if (!seats_[r] && named++ < 8) ranks += (ranks.empty() ? "" : ", ") + std::to_string(r);
            fail("(rank" + std::string(named > 1 ? "s " : " ") + ranks + (named > 8 ? ", … " : " ") +
                 "did not come within " + text_of(where_.timeout_seconds) +
                 ") start every rank, with the same MASTER_ADDR and MASTER_PORT");
        }
        refuse(who(me_) + " " + why_);
    }

    const identity& me_;
    const rendezvous_point& where_;
    std::uint64_t job_;
    deadline until_;
    socket listener_;
    std::vector<socket> seats_;  // by rank; that of rank 0 stays empty
    std::list<stranger> strangers_;
    std::string why_;  // of the failure, once there is one
};

class tcp_host final : public rendezvous {
public:
    tcp_host(const identity& me, const rendezvous_point& where)
        : rendezvous(me), address_(where.address), seconds_(where.timeout_seconds), me_(me),
          guests_(reception(me, where).receive_all()) {
        find_local();
    }

    blob ask(std::span<const std::byte> mine, const answer& of_rank_0) override {
        const deadline until = in_seconds(seconds_);
        std::vector<blob> all(guests_.size());
        all[0].assign(mine.begin(), mine.end());
        for (std::size_t r = 1; r < all.size(); ++r) all[r] = hear(r, until);
        blob said = of_rank_0(std::move(all));
        for (std::size_t r = 1; r < guests_.size(); ++r)
            if (send_frame(guests_[r], kind::all, said, until) != socket::status::done) lose(r, "left");
        return said;
    }
    std::string address() const override { return address_; }

private:
    blob hear(std::size_t r, deadline until) {
        frame f = receive_frame(guests_[r], until);
        if (f.wrong == frame::fault::late) lose(r, "said nothing for " + text_of(seconds_));
        if (f.wrong != frame::fault::none) lose(r, "left");
        if (f.what != kind::mine) lose(r, "is not at the same exchange");
        return std::move(f.payload);
    }

    [[noreturn]] void lose(std::size_t rank, const std::string& what) {
        const std::string why = "(rank " + std::to_string(rank) + " " + what + ") look at its output";
        const deadline until = in_seconds(linger_seconds);
        for (socket& guest : guests_)
            if (guest) send_frame(guest, kind::refused, bytes_of(why), until);
        for (socket& guest : guests_) guest.part(until);
        refuse(who(me_) + " " + why);
    }

    std::string address_;
    double seconds_;
    identity me_;
    std::vector<socket> guests_;
};

}  // namespace

std::string who(const identity& me) {
    return "rank " + std::to_string(me.rank) + " of " + std::to_string(me.size) + " could not go on with the others";
}

std::unique_ptr<rendezvous> host_meeting(const identity& me, const rendezvous_point& where) {
    return std::make_unique<tcp_host>(me, where);
}

}  // namespace chimera::executor::detail
