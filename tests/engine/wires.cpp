// SPDX-License-Identifier: Apache-2.0
// What one worker's end of a world of processes makes of messages that the job does not allow.
#include "ports.hpp"
#include "rigs.hpp"

#include <executor/communicate/process/endpoint.hpp>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace chimera::executor;
using namespace chimera::executor::detail;
using testing::HasSubstr;
using sort = message_header::kind;

constexpr std::uint64_t token = 77;

/// Worker 0 of two, ready for message 1 of 8 bytes from worker 1, for a group of 10 elements and for sums of 3 numbers;
/// the test speaks for worker 1.
struct pair {
    pair() {
        std::array<int, 2> ends{};
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
            throw std::bad_alloc();
        std::vector<detail::socket> to(2);
        to[1] = detail::socket(ends[0]);
        peer = detail::socket(ends[1]);
        end.emplace(0, std::move(to), world_card{token, {0, 1}}, 0.01);
        const std::array<std::int32_t, 2> both{0, 1};
        const std::array<transfer, 2> row{transfer{data.data(), data.size(), 1, 1, false},
                                          transfer{data.data(), data.size(), 1, 0, true}};
        end->expect_reductions(5, 10, 2);
        group = end->join(5, both);
        end->expect(row, 2);
        end->expect_sums(3);
        end->prepare(2);
    }
    void say(const message_header& h, std::size_t bytes, std::uint64_t number, std::uint64_t seed = 0) {
        const blob with(bytes, std::byte{1});
        if (seed == 0) seed = direction_seed(token, 1, 0);
        const auto head = pack(h, seal{number, frame_sum(with, seed)}, seed);
        peer.send(head, in_seconds(5));
        peer.send(with, in_seconds(5));
    }
    /// What the worker's calls throw, within some seconds.
    std::string failure(int patience = 2000) {
        for (int i = 0; i < patience; ++i) {
            try {
                end->check();
            } catch (const bad_message& e) {
                return e.what();
            } catch (const std::exception& e) {
                return std::string("other: ") + e.what();
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return "none";
    }

    std::array<std::byte, 8> data{};
    detail::socket peer;
    std::optional<process_endpoint> end;
    int group = -1;
};

/// Of messages that come first, and alone.
std::string failure_of(const message_header& h, std::size_t bytes, std::uint64_t number = 1, std::uint64_t seed = 0) {
    pair p;
    p.say(h, bytes, number, seed);
    return p.failure();
}

TEST(wires, a_message_that_the_job_does_not_allow_is_refused_by_its_header) {
    constexpr std::uint64_t much = std::uint64_t{1} << 36;
    struct wrong {
        message_header head;
        std::string what;
    };
    const std::vector<wrong> all{
        {{sort::message, 1, 0, 0, much}, "sent 68719476736 bytes where 8 are due"},
        {{sort::message, 1, 0, 0, 7}, "sent 7 bytes where 8 are due"},
        {{sort::message, 0, 0, 0, 8}, "sent message 0, which is not its own"},
        {{sort::message, 2, 0, 0, 8}, "sent message 2 where there are 2"},
        {{sort::message, 0xffffffff, 0, 0, 8}, "sent message 4294967295 where there are 2"},
        {{sort::message, 1, 1, 0, 8}, "with a turn or a size"},
        {{sort::part, 5, 1, 10, 19}, "sent 19 bytes where 20 are due"},
        {{sort::part, 5, 1, 10, much}, "bytes where 20 are due"},
        {{sort::part, 5, 1, 11, 20}, "with 11 elements where there are 10"},
        {{sort::part, 5, 1, ~std::uint64_t{0}, 20}, "elements where there are 10"},
        {{sort::part, 5, 0, 10, 20}, "sent a share of turn 0 of group 5, which is not under way"},
        {{sort::part, 5, 4, 10, 20}, "sent a share of turn 4 of group 5, which is not under way"},
        {{sort::part, 6, 1, 10, 20}, "sent a share of group 6, of which this worker is none"},
        {{sort::part, 0x80000005, 1, 10, 20}, "of which this worker is none"},
        {{sort::whole, 5, 1, 10, 16}, "sent 16 bytes where 20 are due"},
        {{sort::sum, 0, 1, 4, 32}, "sent 4 numbers of a sum where there are 3"},
        {{sort::sum, 0, 1, 3, 16}, "sent 16 bytes where 24 are due"},
        {{sort::sum, 0, 2, 3, 24}, "sent numbers of sum 2 where those of sum 1 are due"},
        {{sort::sum, 1, 1, 3, 24}, "sent numbers of sum 1"},
        {{sort::abort, 0, 0, 0, 5000}, "sent a reason that is too long"},
        {{sort::hello, 1, token, 0, 0}, "introduced itself twice"},
        {{sort::bye, 0, 0, 0, 1}, "sent 1 bytes where 0 are due"},
        {{static_cast<sort>(8), 0, 0, 0, 0}, "sent a message of kind 8, which there is none"},
    };
    for (const wrong& w : all)
        EXPECT_THAT(failure_of(w.head, 8),
                    testing::AllOf(testing::StartsWith("rank 1 (worker 1) "), HasSubstr(w.what)));
}

TEST(wires, what_was_changed_repeated_or_is_anothers_is_refused) {
    const message_header right{sort::message, 1, 0, 0, 8};
    pair good;
    good.say(right, 8, 1);
    EXPECT_EQ(good.failure(50), "none");
    EXPECT_THAT(failure_of(right, 8, 2), HasSubstr("sent message 2 where message 1 was due"));
    EXPECT_THAT(failure_of(right, 8, 1, direction_seed(token, 0, 1)), HasSubstr("another checksum"));
    EXPECT_THAT(failure_of(right, 8, 1, direction_seed(token + 1, 1, 0)), HasSubstr("another checksum"));
    for (std::size_t bit = 0; bit < 8 * (head_bytes + 8); bit += 3) {
        pair p;
        const blob with(8, std::byte{1});
        const auto seed = direction_seed(token, 1, 0);
        const auto head = pack(right, seal{1, frame_sum(with, seed)}, seed);
        blob all(head.begin(), head.end());
        all.insert(all.end(), with.begin(), with.end());
        all[bit / 8] ^= std::byte{1} << (bit % 8);
        p.peer.send(all, in_seconds(5));
        EXPECT_THAT(p.failure(), HasSubstr("rank 1 (worker 1) sent ")) << bit;
    }
    pair p;
    p.say({sort::bye, 0, 0, 0, 0}, 0, 1);
    p.say(right, 8, 2);
    EXPECT_THAT(p.failure(), HasSubstr("sent a message after its last one"));
}

TEST(wires, no_more_may_wait_than_the_job_allows) {
    pair p;
    for (std::uint64_t i = 1; i <= 3; ++i) p.say({sort::message, 1, 0, 0, 8}, 8, i);
    EXPECT_THAT(p.failure(), HasSubstr("sent message 1 before it was wanted"));
    pair q;
    for (std::uint64_t i = 1; i <= 2; ++i) q.say({sort::part, 5, 1, 10, 20}, 20, i);
    EXPECT_THAT(q.failure(), HasSubstr("sent a share of turn 1 of group 5 twice"));
}

TEST(wires, a_sum_that_is_shorter_than_the_others_is_no_sum) {
    pair p;
    p.say({sort::sum, 0, 1, 2, 16}, 16, 1);
    std::array<double, 3> values{1, 2, 3};
    try {
        p.end->sum(values);
        FAIL() << "added up";
    } catch (const bad_message& e) {
        EXPECT_THAT(e.what(), HasSubstr("rank 1 (worker 1) sent 2 numbers of a sum of 3"));
    }
}

TEST(wires, anothers_last_words_are_one_line) {
    pair p;
    const std::string text = "\x1b[2J\nlost";
    const auto seed = direction_seed(token, 1, 0);
    const auto bytes = std::as_bytes(std::span(text));
    p.peer.send(pack({sort::abort, 0, 0, 0, text.size()}, seal{1, frame_sum(bytes, seed)}, seed), in_seconds(5));
    p.peer.send(bytes, in_seconds(5));
    EXPECT_EQ(p.failure(), "other: \\x1b[2J\\x0alost");
}

/// What comes before this worker knows what may come waits in the connection, and no memory is taken for it.
TEST(wires, what_comes_early_waits) {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    std::vector<detail::socket> to(2);
    to[1] = detail::socket(ends[0]);
    detail::socket peer(ends[1]);
    process_endpoint end(0, std::move(to), {token, {0, 1}}, 1);
    const auto seed = direction_seed(token, 1, 0);
    const blob with(8, std::byte{9});
    peer.send(pack({sort::message, 0, 0, 0, 8}, seal{1, frame_sum(with, seed)}, seed), in_seconds(5));
    peer.send(with, in_seconds(5));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::array<std::byte, 8> data{};
    const transfer t{data.data(), data.size(), 1, 0, false};
    end.expect({&t, 1}, 1);
    end.prepare(1);
    end.start({&t, 1});
    end.wait(0);
    EXPECT_EQ(data[7], std::byte{9});
}

/// Ports at which this process listens.
std::vector<std::uint16_t> listening() {
    std::vector<std::uint16_t> all;
    for (int fd = 3; fd < 256; ++fd) {
        int accepts = 0;
        socklen_t size = sizeof accepts;
        sockaddr_in at{};
        socklen_t length = sizeof at;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts == 1 &&
            getsockname(fd, reinterpret_cast<sockaddr*>(&at), &length) == 0)
            all.push_back(ntohs(at.sin_port));
    }
    return all;
}

TEST(wires, silent_strangers_at_data_ports_cost_no_time) {
    const std::uint16_t port = ports::free_port();
    const auto start = std::chrono::steady_clock::now();
    std::vector<detail::socket> silent;
    std::vector<std::thread> threads;
    for (int r = 0; r < 2; ++r)
        threads.emplace_back([&, r] {
            const auto met = meet({r, 2, -1}, {"127.0.0.1", port, "", 20});
            if (r == 1) {  // rank 0 listens, and waits for this one
                while (listening().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
                for (int i = 0; i < 20; ++i)
                    for (const std::uint16_t at : listening())
                        silent.push_back(connect_to("127.0.0.1", at, in_seconds(5)));
            }
            process_world world(*met, std::array{r}, 2, 20);
            std::array<double, 1> one{1};
            world.ends()[0]->prepare(0);
            world.ends()[0]->sum(one);
            EXPECT_EQ(one[0], 2);
        });
    for (auto& t : threads) t.join();
    EXPECT_GE(silent.size(), 20U);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

}  // namespace
