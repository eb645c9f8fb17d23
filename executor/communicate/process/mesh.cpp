// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/process/mesh.hpp>
#include <executor/communicate/process/message_header.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <thread>

namespace chimera::executor::detail {
namespace {

/// The address of a process and its workers: port, token (rank 0's is the world's), how many workers, each, the
/// address.
struct card {
    std::uint16_t port = 0;
    std::uint64_t token = 0;
    std::vector<std::uint32_t> workers;
    std::string address;
};

blob text_of(const card& c) {
    blob to(14 + 4 * c.workers.size());
    put(to.data(), c.port);
    put(to.data() + 2, c.token);
    put(to.data() + 10, static_cast<std::uint32_t>(c.workers.size()));
    for (std::size_t i = 0; i < c.workers.size(); ++i) put(to.data() + 14 + 4 * i, c.workers[i]);
    const auto text = std::as_bytes(std::span(c.address));
    to.insert(to.end(), text.begin(), text.end());
    return to;
}

card card_of(const blob& from) {
    card c;
    const auto wrong = [] {
        refuse("a rank introduces itself in another way (not this build's) start the same build");
    };
    if (from.size() < 14) wrong();
    c.port = get<std::uint16_t>(from.data());
    c.token = get<std::uint64_t>(from.data() + 2);
    const std::size_t count = get<std::uint32_t>(from.data() + 10);
    if (from.size() < 14 + 4 * count) wrong();
    for (std::size_t i = 0; i < count; ++i) c.workers.push_back(get<std::uint32_t>(from.data() + 14 + 4 * i));
    c.address.assign(reinterpret_cast<const char*>(from.data()) + 14 + 4 * count, from.size() - 14 - 4 * count);
    return c;
}

class joining {
public:
    joining(rendezvous& met, std::span<const int> here, int workers, double timeout_seconds)
        : met_(met), here_(here), workers_(workers), until_(in_seconds(timeout_seconds)), made_(here.size()) {
        for (auto& row : made_) row.resize(static_cast<std::size_t>(workers));
    }

    std::vector<std::vector<socket>> connect() {
        const bool one_machine = met_.local_size() == met_.size();
        const socket listener = listen_at(one_machine ? "127.0.0.1" : "", 0);
        introduce(port_of(listener), one_machine ? "127.0.0.1" : met_.address());
        // Who is connected to waits in the listener's queue, so nobody waits for anybody here.
        for (std::size_t i = 0; i < here_.size(); ++i)
            for (int w = 0; w < here_[i]; ++w) made_[i][static_cast<std::size_t>(w)] = call(here_[i], w);
        while (missing()) answer(listener);
        met_.exchange({});  // everybody is connected to everybody: the listeners may go
        return std::move(made_);
    }

private:
    void introduce(std::uint16_t port, const std::string& address) {
        card mine{port, std::random_device{}() | std::uint64_t{std::random_device{}()} << 32, {}, address};
        mine.workers.assign(here_.begin(), here_.end());
        for (const blob& said : met_.exchange(text_of(mine))) cards_.push_back(card_of(said));
        std::vector<int> played(static_cast<std::size_t>(workers_), 0);
        rank_of_.resize(played.size());
        for (std::size_t r = 0; r < cards_.size(); ++r)
            for (const std::uint32_t w : cards_[r].workers)
                if (w < played.size()) ++played[w], rank_of_[w] = r;
        if (std::ranges::any_of(played, [](int count) { return count != 1; }))
            refuse("the ranks do not play each of the " + std::to_string(workers_) +
                   " workers once (they do not agree on who plays whom) start all with the same job");
    }

    [[noreturn]] void late(const std::string& what) const {
        refuse("rank " + std::to_string(met_.rank()) + " of " + std::to_string(met_.size()) + " could not " + what +
               " (no connection in time) see that the machines reach each other, on any port");
    }

    socket call(int from, int to) const {
        const card& there = cards_[rank_of_[static_cast<std::size_t>(to)]];
        socket s = connect_to(there.address, there.port, until_);
        const auto said = pack(hello(from, to));
        if (!s || s.send(said, until_) != socket::status::done)
            late("reach worker " + std::to_string(to) + " at " + there.address + ":" + std::to_string(there.port));
        return s;
    }
    message_header hello(int from, int to) const {
        return {message_header::kind::hello, static_cast<std::uint32_t>(from), cards_[0].token,
                static_cast<std::uint64_t>(to), 0};
    }

    bool missing() const {
        for (std::size_t i = 0; i < here_.size(); ++i)
            for (int w = here_[i] + 1; w < workers_; ++w)
                if (!made_[i][static_cast<std::size_t>(w)]) return true;
        return false;
    }

    /// Takes the next who calls; who is not of this world is sent away.
    void answer(const socket& listener) {
        socket next = accept_from(listener);
        if (!next) {
            if (std::chrono::steady_clock::now() >= until_) late("be reached by all others");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return;
        }
        std::array<std::byte, head_bytes> text{};
        message_header said;
        const auto soon = std::min(until_, in_seconds(1));
        if (next.receive(text, soon) != socket::status::done || !unpack(text, said)) return;
        const auto i = static_cast<std::size_t>(std::ranges::find(here_, static_cast<int>(said.size)) - here_.begin());
        if (said.what != message_header::kind::hello || said.turn != cards_[0].token || i == here_.size()) return;
        if (said.tag >= static_cast<std::uint32_t>(workers_) || static_cast<int>(said.tag) <= here_[i]) return;
        made_[i][said.tag] = std::move(next);
    }

    rendezvous& met_;
    std::span<const int> here_;
    int workers_;
    deadline until_;
    std::vector<std::vector<socket>> made_;
    std::vector<card> cards_;           // by rank
    std::vector<std::size_t> rank_of_;  // by worker
};

}  // namespace

std::vector<std::vector<socket>> connect_all(rendezvous& met, std::span<const int> here, int workers,
                                             double timeout_seconds) {
    return joining(met, here, workers, timeout_seconds).connect();
}

}  // namespace chimera::executor::detail
