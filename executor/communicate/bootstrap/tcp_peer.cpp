// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/tcp.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>
#include <cstdio>
#include <thread>

namespace chimera::executor::detail {
namespace {

constexpr std::chrono::milliseconds between_attempts{50};
constexpr double margin_seconds = 1;  // rank 0's clock may have started later, and it knows best what is wrong

class tcp_guest final : public rendezvous {
public:
    tcp_guest(const identity& me, const rendezvous_point& where)
        : rendezvous(me), me_(me), where_(where), until_(in_seconds(where.timeout_seconds)) {
        while (!try_to_join())
            if (std::chrono::steady_clock::now() + between_attempts >= until_)
                wrong(std::string(reached_ ? "what answers at " : "nobody answered at ") + place() +
                          (reached_ ? " hangs up" : "") + " for " + seconds(),
                      "start rank 0 there and let MASTER_ADDR and MASTER_PORT name it on every rank");
            else
                std::this_thread::sleep_for(between_attempts);
        find_local();
    }

    blob ask(std::span<const std::byte> mine, const answer&) override {
        const deadline until = in_seconds(where_.timeout_seconds);
        // If rank 0 has gone, its last words are still to be read.
        send_frame(host_, kind::mine, mine, until);
        return expect(kind::all, until).payload;
    }
    std::string address() const override { return address_of(host_); }

private:
    std::string place() const { return where_.address + ":" + std::to_string(where_.port); }
    std::string seconds() const {
        char text[32];
        std::snprintf(text, sizeof text, "%g s", where_.timeout_seconds);
        return text;
    }
    [[noreturn]] void wrong(const std::string& why, const std::string& what_to_do) const {
        refuse(who(me_) + " (" + why + ") " + what_to_do);
    }

    /// False when it is worth another attempt: nobody was there, or somebody (a proxy, say) hung up without a word.
    bool try_to_join() {
        host_ = connect_to(where_.address, where_.port, until_);
        if (!host_) return false;
        const auto said = pack({.size = static_cast<std::uint32_t>(me_.size),
                                .rank = static_cast<std::uint32_t>(me_.rank),
                                .job = hash(where_.job)});
        reached_ = true;
        if (host_.send(said, until_) != socket::status::done) return false;
        return answered(receive_frame(host_, until_ + margin()), kind::welcome);
    }

    frame expect(kind what, deadline until) {
        frame f = receive_frame(host_, until + margin());
        if (!answered(f, what)) wrong("rank 0 left", "look at its output");
        return f;
    }

    bool answered(const frame& f, kind what) const {
        switch (f.wrong) {
            case frame::fault::closed:
                return false;
            case frame::fault::late:
                wrong("rank 0 at " + place() + " said nothing for " + seconds(), "look at its output");
            case frame::fault::foreign:
                wrong("what answers at " + place() + " is not chimera", "set MASTER_PORT to a free port");
            default:
                break;
        }
        if (f.what == kind::refused)
            refuse(who(me_) + " " + std::string(reinterpret_cast<const char*>(f.payload.data()), f.payload.size()));
        if (f.what != what) wrong("rank 0 is not at the same exchange", "start the same build everywhere");
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
    socket host_;
};

}  // namespace

std::unique_ptr<rendezvous> join_meeting(const identity& me, const rendezvous_point& where) {
    return std::make_unique<tcp_guest>(me, where);
}

}  // namespace chimera::executor::detail
