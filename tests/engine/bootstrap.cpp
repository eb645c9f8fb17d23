// SPDX-License-Identifier: Apache-2.0
#include "ports.hpp"

#include <executor/communicate/bootstrap/rendezvous.hpp>
#include <executor/communicate/bootstrap/socket.hpp>

#include <chimera/core/error.hpp>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <thread>

namespace {

using namespace chimera::executor;
using testing::HasSubstr;

constexpr const char* local = "127.0.0.1";
const auto now = std::chrono::steady_clock::now;
double seconds_since(std::chrono::steady_clock::time_point then) {
    return std::chrono::duration<double>(now() - then).count();
}

using ports::free_port;

blob blob_of(const std::string& text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}
std::string text_of(const blob& b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

struct process {
    identity me;
    double late = 0;  // seconds
    std::string job = {};
};

/// What each of these processes, as threads, ends with: the line of its failure, or what `code` returns.
template <typename Code>
std::vector<std::string> meet_all(std::uint16_t port, double timeout, const std::vector<process>& all, Code code) {
    std::vector<std::string> lines(all.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < all.size(); ++i)
        threads.emplace_back([&, i] {
            std::this_thread::sleep_for(std::chrono::duration<double>(all[i].late));
            try {
                lines[i] = code(*meet(all[i].me, {local, port, all[i].job, timeout}));
            } catch (const chimera::chimera_error& e) {
                lines[i] = e.what();
            }
        });
    for (auto& t : threads) t.join();
    return lines;
}

std::vector<process> ranks(int size) {
    std::vector<process> all;
    for (int r = 0; r < size; ++r) all.push_back({{r, size, -1}});
    return all;
}

std::string exchange_twice(rendezvous& m) {
    std::string text = std::to_string(m.local_rank()) + "/" + std::to_string(m.local_size());
    for (int turn = 0; turn < 2; ++turn) {
        // Of different sizes; the last one is larger than what a socket holds.
        const std::string mine(static_cast<std::size_t>(m.rank() == m.size() - 1 ? 3000000 : m.rank()),
                               static_cast<char>('a' + m.rank() + turn));
        const auto all = m.exchange(blob_of(mine), 3000000);
        for (std::size_t r = 0; r < all.size(); ++r) {
            const std::string given = text_of(all[r]);
            text += " " + std::to_string(given.size()) + (given.empty() ? '-' : given[given.size() / 2]);
        }
    }
    text += " " + text_of(m.broadcast(blob_of("from " + std::to_string(m.rank())), 9));
    return text;
}

std::string expected(int rank, int size) {
    std::string text = std::to_string(rank) + "/" + std::to_string(size);
    for (int turn = 0; turn < 2; ++turn)
        for (int r = 0; r < size; ++r) {
            const int bytes = r == size - 1 ? 3000000 : r;
            text += " " + std::to_string(bytes) + (bytes == 0 ? '-' : static_cast<char>('a' + r + turn));
        }
    return text + " from 0";
}

TEST(bootstrap, one_two_and_eight_ranks_exchange_blobs) {
    for (const int size : {1, 2, 8}) {
        const auto lines = meet_all(free_port(), 20, ranks(size), exchange_twice);
        for (int r = 0; r < size; ++r) EXPECT_EQ(lines[static_cast<std::size_t>(r)], expected(r, size));
    }
}

TEST(bootstrap, processes_exchange_blobs) {
    constexpr int size = 4;
    const std::uint16_t port = free_port();
    std::vector<pid_t> children;
    for (int r = 0; r < size; ++r) {
        const pid_t child = fork();
        if (child == 0) {
            try {
                const auto m = meet({r, size, -1}, {local, port, "", 20});
                std::_Exit(exchange_twice(*m) == expected(r, size) ? 0 : 1);
            } catch (...) {
                std::_Exit(2);
            }
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
}

TEST(bootstrap, late_ranks_are_waited_for) {
    auto all = ranks(4);
    all[0].late = 0.4;  // the others find nobody at first
    all[2].late = 0.8;
    for (const auto& line :
         meet_all(free_port(), 20, all, [](rendezvous& m) { return text_of(m.broadcast(blob_of("id"), 2)); }))
        EXPECT_EQ(line, "id");
}

TEST(bootstrap, a_missing_rank_is_named_by_all_within_the_time) {
    auto all = ranks(4);
    all.erase(all.begin() + 2);
    const auto start = now();
    for (const auto& line : meet_all(free_port(), 0.6, all, exchange_twice)) {
        EXPECT_THAT(line, HasSubstr("(rank 2 did not come within 0.6 s)"));
        EXPECT_EQ(std::ranges::count(line, '\n'), 0);
    }
    EXPECT_LT(seconds_since(start), 5);
}

TEST(bootstrap, without_rank_0_the_others_say_where_they_looked) {
    auto all = ranks(3);
    all.erase(all.begin());
    const std::uint16_t port = free_port();
    for (const auto& line : meet_all(port, 0.4, all, exchange_twice))
        EXPECT_THAT(line, HasSubstr("nobody answered at 127.0.0.1:" + std::to_string(port)));
}

TEST(bootstrap, sizes_that_differ_are_told_to_all) {
    auto all = ranks(4);
    all[3].me.size = 6;
    all[1].late = 0.3;  // comes after the failure, and hears of it
    const auto start = now();
    for (const auto& line : meet_all(free_port(), 20, all, exchange_twice))
        EXPECT_THAT(line, HasSubstr("(rank 3 was started as one of 6 ranks, rank 0 as one of 4)"));
    EXPECT_LT(seconds_since(start), 10);
}

TEST(bootstrap, a_rank_that_is_there_twice_is_told_to_all) {
    for (const int twice : {1, 2}) {
        auto all = ranks(4);
        all[3].me.rank = twice;
        const auto start = now();
        for (const auto& line : meet_all(free_port(), 20, all, exchange_twice))
            EXPECT_THAT(line, HasSubstr("(two processes say that they are rank " + std::to_string(twice) + ")"));
        EXPECT_LT(seconds_since(start), 10);
    }
}

TEST(bootstrap, a_taken_port_is_named) {
    const std::uint16_t port = free_port();
    const auto taken = detail::listen_at(local, port);
    auto all = ranks(2);
    const auto lines = meet_all(port, 0.5, all, exchange_twice);
    EXPECT_THAT(lines[0], HasSubstr("port 127.0.0.1:" + std::to_string(port) + " is taken"));
    EXPECT_THAT(lines[1], HasSubstr("said nothing for 0.5 s"));  // it reached whoever has the port
}

TEST(bootstrap, something_else_behind_the_port_is_told) {
    const std::uint16_t port = free_port();
    const auto listener = detail::listen_at(local, port);
    std::thread other([&] {
        detail::socket guest;
        bool full = false;
        while (!guest) guest = detail::accept_from(listener, full);
        const std::string page = "HTTP/1.1 400 Bad Request\r\n";
        guest.send(std::as_bytes(std::span(page)), detail::in_seconds(5));
        guest.part(detail::in_seconds(5));
    });
    const auto lines = meet_all(port, 20, {{{1, 2, -1}}}, exchange_twice);
    other.join();
    EXPECT_THAT(lines[0], HasSubstr("is not chimera"));
}

TEST(bootstrap, garbage_at_the_port_changes_nothing) {
    const std::uint16_t port = free_port();
    std::vector<std::thread> noise;
    for (int i = 0; i < 12; ++i)
        noise.emplace_back([&, i] {
            std::mt19937 random(static_cast<unsigned>(i));
            detail::socket s;
            while (!s) s = detail::connect_to(local, port, detail::in_seconds(1));
            blob rubbish(random() % 100);
            for (auto& b : rubbish) b = static_cast<std::byte>(random());
            if (i % 3 == 0) rubbish = blob(std::size_t{7});  // too short to be anything, and then silence
            s.send(rubbish, detail::in_seconds(1));
            if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(700));
        });
    auto all = ranks(3);
    all[2].late = 0.5;
    const auto lines = meet_all(port, 20, all, exchange_twice);
    for (auto& t : noise) t.join();
    for (int r = 0; r < 3; ++r) EXPECT_EQ(lines[static_cast<std::size_t>(r)], expected(r, 3));
}

TEST(bootstrap, another_job_at_the_same_port_is_turned_away_alone) {
    auto all = ranks(3);
    all[2].late = 0.4;
    all.push_back({{1, 2, -1}, 0.2, "another"});
    const auto lines = meet_all(free_port(), 20, all, exchange_twice);
    for (int r = 0; r < 3; ++r) EXPECT_EQ(lines[static_cast<std::size_t>(r)], expected(r, 3));
    EXPECT_THAT(lines[3], HasSubstr("belongs to another job"));
}

TEST(bootstrap, a_rank_that_leaves_before_all_have_come_ends_the_wait) {
    const std::uint16_t port = free_port();
    std::thread leaves([&] {  // says a proper hello, then goes
        detail::socket s;
        while (!s) s = detail::connect_to(local, port, detail::in_seconds(1));
        s.send(detail::pack(detail::hello{.size = 3, .rank = 1, .job = detail::hash("")}), detail::in_seconds(1));
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    });
    const auto start = now();
    const auto lines = meet_all(port, 20, {{{0, 3, -1}}}, exchange_twice);
    leaves.join();
    EXPECT_THAT(lines[0], HasSubstr("rank 1 left before all had come"));
    EXPECT_LT(seconds_since(start), 10);
}

TEST(bootstrap, a_rank_that_leaves_is_named_by_all_at_the_next_exchange) {
    const auto lines = meet_all(free_port(), 20, ranks(4), [](rendezvous& m) -> std::string {
        if (m.rank() == 2) return "gone";
        m.exchange(blob_of(std::string(100000, 'x')), 100000);
        return "exchanged";
    });
    for (const std::size_t r : {0U, 1U, 3U}) EXPECT_THAT(lines[r], HasSubstr("(rank 2 left)"));
    EXPECT_EQ(lines[2], "gone");
}

TEST(bootstrap, a_rank_that_hangs_is_named_by_all_within_the_time) {
    const auto start = now();
    const auto lines = meet_all(free_port(), 0.5, ranks(3), [](rendezvous& m) -> std::string {
        if (m.rank() == 2) std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        m.exchange(blob_of("x"), 1);
        return "exchanged";
    });
    for (const auto& line : lines) EXPECT_THAT(line, HasSubstr("(rank 2 said nothing for 0.5 s)"));
    EXPECT_LT(seconds_since(start), 10);
}

TEST(bootstrap, more_than_may_come_is_refused_by_name_before_there_is_room_for_it) {
    for (const int who : {0, 2}) {
        const auto lines = meet_all(free_port(), 20, ranks(3), [&](rendezvous& m) -> std::string {
            const std::size_t size = m.rank() == who ? 100001 : 3;
            m.ask(blob(size), [&](const std::vector<blob>&) { return blob(who == 0 ? 100001 : 3); }, {100000, 100000});
            return "exchanged";
        });
        for (std::size_t r = 0; r < lines.size(); ++r) {
            if (r == static_cast<std::size_t>(who)) continue;
            EXPECT_THAT(lines[r], HasSubstr("(rank " + std::to_string(who) +
                                            " sent a message of 100001 bytes where at most 100000 may come)"));
        }
    }
}

TEST(bootstrap, a_rank_that_gives_up_is_heard_though_another_is_silent) {
    const auto start = now();
    const auto lines = meet_all(free_port(), 20, ranks(4), [&](rendezvous& m) -> std::string {
        if (m.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(3500));
        if (m.rank() == 1) return "silent";
        const auto absent = [](const std::vector<blob>& all) {
            return blob_of(all[1].empty() && !all[2].empty() && !all[3].empty() ? "one is absent" : "all are there");
        };
        return text_of(m.ask(blob_of("x"), absent, {20, 20, m.rank() == 3}));
    });
    for (const std::size_t r : {0U, 2U, 3U}) EXPECT_EQ(lines[r], "one is absent");
    EXPECT_LT(seconds_since(start), 10);
}

/// A process with few descriptors, at whose port many have connected who say nothing.
TEST(bootstrap, silent_strangers_take_neither_seats_nor_descriptors) {
    const std::uint16_t port = free_port();
    const pid_t child = fork();
    if (child == 0) {
        const rlimit few{40, 40};
        setrlimit(RLIMIT_NOFILE, &few);
        try {
            const auto m = meet({0, 3, -1}, {local, port, "", 20});
            std::_Exit(exchange_twice(*m) == expected(0, 3) ? 0 : 1);
        } catch (...) {
            std::_Exit(2);
        }
    }
    std::vector<detail::socket> silent;
    while (silent.size() < 100)
        if (auto s = detail::connect_to(local, port, detail::in_seconds(5))) silent.push_back(std::move(s));
    const auto start = now();
    const auto lines = meet_all(port, 20, {{{1, 3, -1}}, {{2, 3, -1}}}, exchange_twice);
    for (const std::size_t r : {1U, 2U}) EXPECT_EQ(lines[r - 1], expected(static_cast<int>(r), 3));
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_LT(seconds_since(start), 10);
}

TEST(bootstrap, listens_where_it_is_told_or_nowhere) {
    const auto refusal = [](const std::string& address) -> std::string {
        try {
            const auto s = detail::listen_at(address, 0);
            return detail::address_of(s);
        } catch (const chimera::chimera_error& e) {
            return e.what();
        }
    };
    EXPECT_EQ(refusal("127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(refusal("127.3.2.1"), "127.3.2.1");
    EXPECT_THAT(refusal("192.0.2.7"), HasSubstr("cannot listen at 192.0.2.7:0"));  // RFC 5737: nobody's
    EXPECT_THAT(refusal("no.such.name.invalid"), HasSubstr("the address 'no.such.name.invalid' cannot be found"));
    for (const int rank : {0, 1}) {
        const auto start = now();
        EXPECT_THROW(meet({rank, 2, -1}, {"no.such.name.invalid", free_port(), "", 60}), chimera::chimera_error);
        EXPECT_LT(seconds_since(start), 30);
    }
    EXPECT_FALSE(detail::hides_loopback("localhost"));
    EXPECT_FALSE(detail::hides_loopback("127.0.1.1"));
    EXPECT_FALSE(detail::hides_loopback("::1"));
}

}  // namespace
