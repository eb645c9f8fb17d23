// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/lobby.hpp>
#include <executor/communicate/bootstrap/peer_text.hpp>
#include <executor/communicate/bootstrap/tcp.hpp>

#include <chimera/core/error.hpp>

#include <poll.h>
#include <algorithm>
#include <cstdio>
#include <functional>

namespace chimera::executor::detail {
namespace {

constexpr double linger_seconds = 1;  // after a failure, for those who come a little later to hear of it
constexpr double telling_seconds = farewell_seconds - linger_seconds;

std::string text_of(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%g s", seconds);
    return text;
}

/// Seats the others as they come. What does not speak the protocol is sent away and changes nothing.
class reception {
public:
    reception(const identity& me, const rendezvous_point& where)
        : me_(me), where_(where), job_(hash(where.job)), hidden_(hides_loopback(where.address)),
          until_(in_seconds(where.timeout_seconds)), lobby_(listen_at(where.address, where.port), hello_bytes),
          seats_(static_cast<std::size_t>(me.size)) {
        if (hidden_ && on_several_machines())
            refuse("MASTER_ADDR is '" + where.address + "' (" + unreachable() +
                   ", and the ranks are on several) set it to an address that all of them reach");
    }

    std::vector<line> receive_all() {
        while (missing() > 0 || !why_.empty()) {
            if (std::chrono::steady_clock::now() >= until_) give_up();
            wait();
            const auto next = [this](socket at, std::span<const std::byte> said) { meet(std::move(at), said); };
            if (!lobby_.hear(next))
                fail("(no file descriptor is left for another rank) raise the limit with ulimit -n");
            look_after_seats();
        }
        for (line& seat : seats_)
            if (seat && seat.send(kind::welcome, {}, in_seconds(telling_seconds)) != socket::status::done)
                refuse(who(me_) + " (another rank left while the run began) look at the other ranks' output");
        return std::move(seats_);
    }

private:
    int missing() const {
        return static_cast<int>(std::count_if(seats_.begin() + 1, seats_.end(), std::not_fn(there)));
    }
    static bool there(const line& s) { return static_cast<bool>(s); }
    std::string unreachable() const { return "this name means one machine alone, by its /etc/hosts"; }

    void wait() {
        std::vector<pollfd> all;
        lobby_.add_to(all);
        for (const line& s : seats_)
            if (s) all.push_back({s.at().descriptor(), POLLIN, 0});
        poll(all.data(), all.size(), milliseconds_left(until_));
    }

    void meet(socket at, std::span<const std::byte> said) {
        // A hello that was changed on the way goes: who sent it tries again.
        if (const auto h = unpack(said.first<hello_bytes>())) seat(std::move(at), *h);
    }

    void seat(socket given, const hello& said) {
        const std::string rank = "rank " + std::to_string(said.rank);
        line at(std::move(given), 0, said.rank);
        if (said.job != job_)
            return tell(at, "(" + where_.address + ":" + std::to_string(where_.port) +
                                " belongs to another job) set MASTER_PORT to a free one");
        if (said.version != protocol)
            fail("(" + rank + " speaks version " + std::to_string(said.version) + " of the protocol, rank 0 version " +
                 std::to_string(protocol) + ") start the same build everywhere");
        else if (said.size != static_cast<std::uint32_t>(me_.size))
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
            if (!seats_[r] || seats_[r].at().receive_some({&any, 1}) == 0) continue;
            seats_[r] = line();
            fail("(rank " + std::to_string(r) + " left before all had come) look at its output");
        }
    }

    static void tell(line& at, const std::string& why) {
        at.send(kind::refused, short_enough(why), in_seconds(telling_seconds));
    }

    void fail(const std::string& why) {
        if (!why_.empty()) return;
        why_ = why;
        until_ = std::min(until_, in_seconds(linger_seconds));
        for (line& seat : seats_)
            if (seat) tell(seat, why), seat = line();
    }

    [[noreturn]] void give_up() {
        if (why_.empty()) {
            std::string ranks;
            int named = 0;
            for (std::size_t r = 1; r < seats_.size(); ++r)
                if (!seats_[r] && named++ < 8) ranks += (ranks.empty() ? "" : ", ") + std::to_string(r);
            fail("(rank" + std::string(named > 1 ? "s " : " ") + ranks + (named > 8 ? ", … " : " ") +
                 "did not come within " + text_of(where_.timeout_seconds) +
                 (hidden_ ? " to " + where_.address + ": " + unreachable() : "") +
                 ") start every rank, with the same MASTER_ADDR and MASTER_PORT");
        }
        refuse(who(me_) + " " + why_);
    }

    const identity& me_;
    const rendezvous_point& where_;
    std::uint64_t job_;
    bool hidden_;  // where it listens, behind a name that says nothing of it
    deadline until_;
    lobby lobby_;
    std::vector<line> seats_;  // by rank; that of rank 0 stays empty
    std::string why_;          // of the failure, once there is one
};

class tcp_host final : public rendezvous {
public:
    tcp_host(const identity& me, const rendezvous_point& where)
        : rendezvous(me), seconds_(where.timeout_seconds), me_(me), guests_(reception(me, where).receive_all()) {
        find_local();
    }

    blob ask(std::span<const std::byte> mine, const answer& of_rank_0, const limits& most) override {
        bool over = most.last;
        std::vector<blob> all = hear_all(most.said, over);
        all[0].assign(mine.begin(), mine.end());
        blob said = of_rank_0(std::move(all));
        const deadline until = in_seconds(over ? std::min(seconds_, telling_seconds) : seconds_);
        for (std::size_t r = 1; r < guests_.size(); ++r)
            if (guests_[r].send(kind::all, said, until) != socket::status::done && !over) lose(r, "left");
        return said;
    }
    /// Rank 0 is reached where it was: of several addresses, at the one that others than this machine's ranks use.
    std::string address() const override {
        std::string found;
        for (std::size_t r = 1; r < guests_.size(); ++r) {
            const std::string at = address_of(guests_[r].at());
            if (found.empty() || found.starts_with("127.") || found == "::1") found = at;
        }
        return found;
    }

private:
    /// Everybody's blob, in whatever order they come. `over`: somebody gives up; ranks that then do not come soon have
    /// none.
    std::vector<blob> hear_all(std::size_t most, bool& over) {
        const auto last_words = [this] { return in_seconds(std::min(seconds_, telling_seconds)); };
        std::vector<blob> all(guests_.size());
        std::vector<std::size_t> due;
        for (std::size_t r = 1; r < all.size(); ++r) due.push_back(r);
        deadline until = over ? last_words() : in_seconds(seconds_);
        while (!due.empty()) {
            const bool late = std::chrono::steady_clock::now() >= until;
            const auto heard = [&](std::size_t r) {
                const bool gave_up = over;
                const bool is = hear(r, most, all[r], over);
                if (over && !gave_up) until = std::min(until, last_words());
                return is;
            };
            std::erase_if(due, heard);
            if (due.empty() || (late && over)) break;
            if (late) lose(due.front(), "said nothing for " + text_of(seconds_));
            wait_for(due, until);
        }
        return all;
    }

    void wait_for(std::span<const std::size_t> due, deadline until) const {
        std::vector<pollfd> all;
        for (const std::size_t r : due) all.push_back({guests_[r].at().descriptor(), POLLIN, 0});
        poll(all.data(), all.size(), milliseconds_left(until));
    }

    /// Returns true if nothing more is due from the rank.
    bool hear(std::size_t r, std::size_t most, blob& said, bool& over) {
        auto f = guests_[r].advance(std::max(most, largest_peer_text));
        if (!f) return false;
        const bool bad = f->bad != frame::fault::none || (f->what != kind::mine && f->what != kind::last);
        if (bad && over) return true;
        if (f->bad == frame::fault::closed) lose(r, "left");
        if (bad) lose(r, f->why.empty() ? "is not at the same exchange" : f->why, kind::failed);
        over = over || f->what == kind::last;
        said = std::move(f->payload);
        return true;
    }

    [[noreturn]] void lose(std::size_t rank, const std::string& what, kind how = kind::refused) {
        const std::string why = "(rank " + std::to_string(rank) + " " + what + ") look at its output";
        const deadline until = in_seconds(linger_seconds);
        for (line& guest : guests_)
            if (guest) guest.send(how, short_enough(why), until);
        for (line& guest : guests_) guest.at().part(until);
        if (how == kind::failed) throw bad_message(who(me_) + " " + why);
        refuse(who(me_) + " " + why);
    }

    double seconds_;
    identity me_;
    std::vector<line> guests_;
};

}  // namespace

std::string who(const identity& me) {
    return "rank " + std::to_string(me.rank) + " of " + std::to_string(me.size) + " could not go on with the others";
}

std::unique_ptr<rendezvous> host_meeting(const identity& me, const rendezvous_point& where) {
    return std::make_unique<tcp_host>(me, where);
}

}  // namespace chimera::executor::detail
