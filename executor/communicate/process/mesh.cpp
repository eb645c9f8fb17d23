// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/lobby.hpp>
#include <executor/communicate/bootstrap/peer_text.hpp>
#include <executor/communicate/process/mesh.hpp>
#include <executor/communicate/process/message_header.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <string_view>

namespace chimera::executor::detail {
namespace {

constexpr std::size_t largest_address = 64;  // as numbers, with an interface

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

/// Throws where the card of a rank says what no rank of this world can say.
card card_of(const blob& from, std::size_t rank, std::size_t workers) {
    card c;
    const auto wrong = [&](const std::string& why) {
        throw bad_message("rank " + std::to_string(rank) + " sent " + why +
                          " where it introduces itself (not what this job allows) start the same build everywhere");
    };
    if (from.size() < 14) wrong("too little");
    c.port = get<std::uint16_t>(from.data());
    c.token = get<std::uint64_t>(from.data() + 2);
    const std::size_t count = get<std::uint32_t>(from.data() + 10);
    if (count > workers) wrong(std::to_string(count) + " workers of " + std::to_string(workers));
    if (from.size() < 14 + 4 * count) wrong("too little");
    for (std::size_t i = 0; i < count; ++i) c.workers.push_back(get<std::uint32_t>(from.data() + 14 + 4 * i));
    c.address.assign(reinterpret_cast<const char*>(from.data()) + 14 + 4 * count, from.size() - 14 - 4 * count);
    const auto may = [](char x) {
        return (x >= '0' && x <= '9') || std::string_view("abcdefABCDEF.:").find(x) != std::string_view::npos;
    };
    const auto number = c.address.substr(0, c.address.find('%'));  // and the interface behind it
    if (c.port == 0 || number.empty() || !std::ranges::all_of(number, may))
        wrong("the address '" + peer_text(c.address) + "'");
    return c;
}

class joining {
public:
    joining(rendezvous& met, std::span<const int> here, int workers, double timeout_seconds)
        : met_(met), here_(here), workers_(workers), until_(in_seconds(timeout_seconds)), made_(here.size()) {
        for (auto& row : made_) row.resize(static_cast<std::size_t>(workers));
    }

    mesh connect() {
        const bool one_machine = met_.local_size() == met_.size();
        const std::string address = one_machine ? "127.0.0.1" : met_.address();
        lobby callers(listen_at(address, 0), head_bytes);
        introduce(port_of(callers.listener()), address);
        // Who is connected to waits in the listener's queue, so nobody waits for anybody here.
        for (std::size_t i = 0; i < here_.size(); ++i)
            for (int w = 0; w < here_[i]; ++w) made_[i][static_cast<std::size_t>(w)] = call(here_[i], w);
        while (const int next = missing()) answer(callers, next - 1);
        met_.exchange({}, 0);  // everybody is connected to everybody: the listeners may go
        return {{cards_[0].token, rank_of_}, std::move(made_)};
    }

private:
    void introduce(std::uint16_t port, const std::string& address) {
        card mine{port, std::random_device{}() | std::uint64_t{std::random_device{}()} << 32, {}, address};
        mine.workers.assign(here_.begin(), here_.end());
        const auto workers = static_cast<std::size_t>(workers_);
        for (const blob& said : met_.exchange(text_of(mine), 14 + 4 * workers + largest_address))
            cards_.push_back(card_of(said, cards_.size(), workers));
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
    std::string rank(int worker) const { return "rank " + std::to_string(rank_of_[static_cast<std::size_t>(worker)]); }

    socket call(int from, int to) const {
        const card& there = cards_[rank_of_[static_cast<std::size_t>(to)]];
        socket s = connect_to(there.address, there.port, until_);
        const auto said = pack(hello(from, to), {}, cards_[0].token);
        if (!s || s.send(said, until_) != socket::status::done)
            late("reach worker " + std::to_string(to) + " of " + rank(to) + " at " + there.address + ":" +
                 std::to_string(there.port));
        return s;
    }
    message_header hello(int from, int to) const {
        return {message_header::kind::hello, static_cast<std::uint32_t>(from), cards_[0].token,
                static_cast<std::uint64_t>(to), 0};
    }

    /// A worker that has still to call, and 1; or 0.
    int missing() const {
        for (std::size_t i = 0; i < here_.size(); ++i)
            for (int w = here_[i] + 1; w < workers_; ++w)
                if (!made_[i][static_cast<std::size_t>(w)]) return w + 1;
        return 0;
    }

    /// Listens to all who call; who is not of this world is sent away.
    void answer(lobby& callers, int missing) {
        if (std::chrono::steady_clock::now() >= until_) late("be reached by " + rank(missing));
        std::vector<pollfd> all;
        callers.add_to(all);
        poll(all.data(), all.size(), milliseconds_left(until_));
        const auto next = [this](socket at, std::span<const std::byte> said) { seat(std::move(at), said); };
        if (!callers.hear(next)) late("take the call of " + rank(missing) + ": no file descriptor is left");
    }

    void seat(socket at, std::span<const std::byte> text) {
        message_header said;
        seal with;
        if (!unpack(text.first<head_bytes>(), cards_[0].token, said, with).empty()) return;
        const auto to = std::ranges::find_if(here_, [&](int w) { return static_cast<std::uint64_t>(w) == said.size; });
        if (said.what != message_header::kind::hello || said.turn != cards_[0].token || said.bytes != 0) return;
        if (to == here_.end() || said.tag >= static_cast<std::uint32_t>(workers_)) return;
        if (static_cast<int>(said.tag) <= *to) return;
        socket& place = made_[static_cast<std::size_t>(to - here_.begin())][said.tag];
        if (!place) place = std::move(at);
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

mesh connect_all(rendezvous& met, std::span<const int> here, int workers, double timeout_seconds) {
    return joining(met, here, workers, timeout_seconds).connect();
}

}  // namespace chimera::executor::detail
