// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/peer_text.hpp>
#include <executor/communicate/bootstrap/tcp.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>
#include <cstdio>
#include <thread>

namespace chimera::executor::detail {
namespace {

constexpr std::chrono::milliseconds between_attempts{50};
constexpr double last_seconds = 8;    // of one that gives up, for rank 0 to say who knows better
constexpr double margin_seconds = 1;  // rank 0's clock may have started later, and it knows best what is wrong

class tcp_guest final : public rendezvous {
public:
    tcp_guest(const identity& me, const rendezvous_point& where)
        : rendezvous(me), me_(me), where_(where), until_(in_seconds(where.timeout_seconds)) {
        while (!try_to_join())
            if (std::chrono::steady_clock::now() + between_attempts >= until_)
                wrong(std::string(reached_ ? "what answers at " : "nobody answered at ") + place() +
                          (reached_ ? " hangs up" : "") + " for " + text_of(where.timeout_seconds),
                      "start rank 0 there and let MASTER_ADDR and MASTER_PORT name it on every rank");
            else
                std::this_thread::sleep_for(between_attempts);
        find_local();
    }

    blob ask(std::span<const std::byte> mine, const answer&, const limits& most) override {
        const double seconds = most.last ? std::min(where_.timeout_seconds, last_seconds) : where_.timeout_seconds;
        const deadline until = in_seconds(seconds);
        // If rank 0 has gone, its last words are still to be read.
        host_.send(most.last ? kind::last : kind::mine, mine, until);
        frame f = host_.receive(std::max(most.answered, largest_peer_text), until + margin());
        if (!answered(f, kind::all, seconds)) wrong("rank 0 left", "look at its output");
        return std::move(f.payload);
    }
    std::string address() const override { return address_of(host_.at()); }

private:
    std::string place() const { return where_.address + ":" + std::to_string(where_.port); }
    static std::string text_of(double seconds) {
        char text[32];
        std::snprintf(text, sizeof text, "%g s", seconds);
        return text;
    }
    [[noreturn]] void wrong(const std::string& why, const std::string& what_to_do) const {
        refuse(who(me_) + " (" + why + ") " + what_to_do);
    }

    /// False when it is worth another attempt: nobody was there, or somebody (a proxy, say) hung up without a word.
    bool try_to_join() {
        socket at = connect_to(where_.address, where_.port, until_);
        if (!at) return false;
        const auto said = pack(hello{.size = static_cast<std::uint32_t>(me_.size),
                                     .rank = static_cast<std::uint32_t>(me_.rank),
                                     .job = hash(where_.job)});
        reached_ = true;
        if (at.send(said, until_) != socket::status::done) return false;
        host_ = line(std::move(at), said_rank(), 0);
        const frame f = host_.receive(largest_peer_text, until_ + margin());
        if (f.bad == frame::fault::foreign)
            wrong("what answers at " + place() + " is not chimera", "set MASTER_PORT to a free port");
        return answered(f, kind::welcome, where_.timeout_seconds);
    }
    std::uint64_t said_rank() const { return static_cast<std::uint64_t>(me_.rank); }

    /// False where rank 0 has hung up. Throws what else ends this rank: a frame that is none, the words of rank 0.
    bool answered(const frame& f, kind what, double seconds) const {
        const auto bad = [&](const std::string& why) {
            throw bad_message(who(me_) + " (rank 0 " + why + ") start the same build everywhere");
        };
        switch (f.bad) {
            case frame::fault::closed:
                return false;
            case frame::fault::late:
                wrong("rank 0 at " + place() + " said nothing for " + text_of(seconds), "look at its output");
            case frame::fault::foreign:
            case frame::fault::wrong:
                bad(f.why);
            default:
                break;
        }
        const std::string text = who(me_) + " " + peer_text(f.payload);
        if (f.what == kind::refused) refuse(text);
        if (f.what == kind::failed) throw bad_message(text);
        if (f.what != what) bad("is not at the same exchange");
        return true;
    }

    static std::chrono::steady_clock::duration margin() {
        return std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            std::chrono::duration<double>(margin_seconds));
    }

    identity me_;
    rendezvous_point where_;
    deadline until_;
    bool reached_ = false;
    line host_;
};

}  // namespace

std::unique_ptr<rendezvous> join_meeting(const identity& me, const rendezvous_point& where) {
    return std::make_unique<tcp_guest>(me, where);
}

}  // namespace chimera::executor::detail
