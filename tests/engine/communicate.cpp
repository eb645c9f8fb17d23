// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/core_gate.hpp>
#include <executor/communicate/local/local.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

namespace {

using namespace chimera::executor;

/// Runs `code(end)` on a thread for each worker.
template <typename Code>
void on_each(local_world& world, int workers, Code code) {
    std::vector<std::thread> threads;
    for (int w = 0; w < workers; ++w) threads.emplace_back([&, w] { code(world.at(w)); });
    for (auto& t : threads) t.join();
}

transfer sends(int peer, int message, std::vector<int>& data) {
    return {reinterpret_cast<std::byte*>(data.data()), data.size() * sizeof(int), peer, message, true};
}
transfer receives(int peer, int message, std::vector<int>& data) {
    return {reinterpret_cast<std::byte*>(data.data()), data.size() * sizeof(int), peer, message, false};
}

TEST(transfers, eager_sends_return_and_the_data_may_be_overwritten) {
    local_world world(2);
    world.at(0).prepare(3);
    for (int turn = 0; turn < 3; ++turn) {
        std::vector<int> out{1, 2, 3}, in(3), early(3);
        for (int m = 0; m < 2; ++m) {
            out[0] = 10 * turn + m;
            const auto t = sends(1, m, out);
            world.at(0).start({&t, 1});
        }
        const auto posted = receives(1, 2, early);
        world.at(0).start({&posted, 1});
        EXPECT_FALSE(world.at(0).poll(2));
        for (int m = 0; m < 2; ++m) {
            const auto t = receives(0, m, in);
            world.at(1).start({&t, 1});
            EXPECT_TRUE(world.at(1).poll(m));
            world.at(1).wait(m);
            EXPECT_THAT(in, testing::ElementsAre(10 * turn + m, 2, 3));
        }
        const auto back = sends(0, 2, in);
        world.at(1).start({&back, 1});
        world.at(0).wait(2);
        EXPECT_EQ(early, in);
    }
}

TEST(transfers, rendezvous_blocks_a_send_until_its_receive) {
    local_world world(2, local_mode::rendezvous);
    world.at(0).prepare(1);
    std::atomic<bool> sent{false};
    std::vector<int> out{7}, in(1);
    std::thread sender([&] {
        const auto t = sends(1, 0, out);
        world.at(0).start({&t, 1});
        sent = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(sent);
    const auto t = receives(0, 0, in);
    world.at(1).start({&t, 1});
    sender.join();
    EXPECT_TRUE(sent);
    EXPECT_EQ(in[0], 7);
}

TEST(transfers, a_group_exchanges_under_rendezvous) {
    local_world world(2, local_mode::rendezvous);
    world.at(0).prepare(2);
    on_each(world, 2, [](communicator& end) {
        const int me = end.worker(), peer = 1 - me;
        for (int i = 0; i < 200; ++i) {
            std::vector<int> out(100, 10 * i + me), in(100);
            const std::array group{sends(peer, me, out), receives(peer, peer, in)};
            end.start(group);
            end.wait(peer);
            EXPECT_EQ(in, std::vector<int>(100, 10 * i + peer));
        }
    });
}

float value(int member, std::size_t i, int turn) {
    return std::sin(static_cast<float>(member * 1000 + turn) + static_cast<float>(i) * 0.7F);
}

std::vector<float> data_of(int member, std::size_t size, int turn) {
    std::vector<float> data(size);
    for (std::size_t i = 0; i < size; ++i) data[i] = value(member, i, turn);
    return data;
}

/// ((g0 + g1) + g2) + … element by element.
std::vector<float> summed(const std::vector<int>& members, std::size_t size, int turn) {
    std::vector<float> total = data_of(members[0], size, turn);
    for (std::size_t m = 1; m < members.size(); ++m)
        for (std::size_t i = 0; i < size; ++i) total[i] += value(members[m], i, turn);
    return total;
}

TEST(reductions, all_reduce_adds_in_the_order_of_the_members) {
    const std::vector<int> members{0, 2, 3};
    local_world world(4);
    on_each(world, 4, [&](communicator& end) {
        if (end.worker() == 1) return;
        const int large = end.join(5, members), small = end.join(6, members);
        for (int turn = 0; turn < 20; ++turn) {
            std::vector<float> a = data_of(end.worker(), 50000, turn), b = data_of(end.worker(), 3, turn);
            end.start_all_reduce(large, a);
            end.start_all_reduce(small, b);
            if (turn % 4 == end.worker()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            end.wait_all_reduce(small);
            EXPECT_EQ(b, summed(members, 3, turn));
            end.wait_all_reduce(large);
            EXPECT_EQ(a, summed(members, 50000, turn));
        }
    });
}

TEST(reductions, scatter_and_gather_make_an_all_reduce) {
    const std::vector<int> members{0, 1, 2};
    local_world world(3);
    on_each(world, 3, [&](communicator& end) {
        const int group = end.join(0, members);
        for (int turn = 0; turn < 50; ++turn) {
            std::vector<float> a = data_of(end.worker(), 1000, turn);
            const auto expected = summed(members, 1000, turn);
            end.reduce_scatter(group, a);
            const auto r = static_cast<std::size_t>(end.worker());
            for (std::size_t i = r * 1000 / 3; i < (r + 1) * 1000 / 3; ++i) ASSERT_EQ(a[i], expected[i]);
            end.all_gather(group, a);
            EXPECT_EQ(a, expected);
        }
    });
}

TEST(reductions, a_group_of_one_and_an_empty_gradient_are_fine) {
    local_world world(2);
    on_each(world, 2, [](communicator& end) {
        const std::array<std::int32_t, 1> alone{end.worker()};
        const std::array<std::int32_t, 2> both{0, 1};
        const int own = end.join(0, alone), empty = end.join(1, both);
        std::vector<float> a{1, 2};
        for (int i = 0; i < 3; ++i) {
            end.start_all_reduce(own, a);
            end.start_all_reduce(empty, {});
            end.wait_all_reduce(empty);
            end.wait_all_reduce(own);
        }
        EXPECT_THAT(a, testing::ElementsAre(1, 2));
    });
}

TEST(reductions, members_of_different_size_are_refused) {
    local_world world(2);
    std::atomic<int> refused{0};
    on_each(world, 2, [&](communicator& end) {
        const std::array<std::int32_t, 2> both{0, 1};
        const int group = end.join(0, both);
        std::vector<float> a(static_cast<std::size_t>(3 + end.worker()));
        try {
            end.start_all_reduce(group, a);
            end.wait_all_reduce(group);
        } catch (const aborted&) {
        } catch (const chimera::error& e) {
            EXPECT_THAT(e.what(), testing::HasSubstr("elements"));
            ++refused;
            end.abort();
        }
    });
    EXPECT_EQ(refused, 1);
}

TEST(sum, is_in_the_order_of_the_workers) {
    local_world world(4);
    on_each(world, 4, [](communicator& end) {
        for (int turn = 0; turn < 100; ++turn) {
            const auto part = [&](int w) { return std::exp(static_cast<double>(w * 7 % 4) * 9.0) + turn * 0.1; };
            std::array<double, 2> values{part(end.worker()), 1.0};
            end.sum(values);
            EXPECT_EQ(values[0], ((part(0) + part(1)) + part(2)) + part(3));
            EXPECT_EQ(values[1], 4.0);
        }
    });
}

TEST(abort, wakes_every_kind_of_wait) {
    for (int kind = 0; kind < 4; ++kind) {
        local_world world(2, kind == 0 ? local_mode::rendezvous : local_mode::eager);
        core_gate gate(1, 2);
        gate.acquire(0);
        world.at(0).prepare(1);
        std::thread blocked([&] {
            std::vector<int> data(1);
            std::vector<float> gradient(1);
            communicator& end = world.at(1);
            const std::array<std::int32_t, 2> both{0, 1};
            const int group = end.join(0, both);
            const auto t = kind == 0 ? sends(0, 0, data) : receives(0, 0, data);
            EXPECT_THROW(
                {
                    if (kind == 2) gate.acquire(1);
                    if (kind == 3) {
                        end.start_all_reduce(group, gradient);
                        end.wait_all_reduce(group);
                    }
                    end.start({&t, 1});
                    end.wait(0);
                },
                aborted);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        gate.abort();
        world.at(0).abort();
        blocked.join();
    }
}

TEST(core_gate, is_first_come_first_served) {
    core_gate gate(1, 5);
    std::vector<int> order;
    gate.acquire(0);
    std::vector<std::thread> threads;
    for (int w = 1; w < 5; ++w) {
        threads.emplace_back([&, w] {
            const core_hold core(&gate, w);
            order.push_back(w);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    gate.release(0);
    for (auto& t : threads) t.join();
    EXPECT_THAT(order, testing::ElementsAre(1, 2, 3, 4));
}

}  // namespace
