// SPDX-License-Identifier: Apache-2.0
#include "rigs.hpp"

#include <executor/communicate/core_gate.hpp>
#include <executor/communicate/rounds.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <thread>

namespace {

using namespace chimera::executor;

/// Everything that the threads of one process can be joined by.
template <typename Rig>
class world : public testing::Test {};
using all_rigs = testing::Types<rigs::local, rigs::lazy, rigs::hasty, rigs::random>;
TYPED_TEST_SUITE(world, all_rigs);

/// Runs `code(end)` on a thread for each worker.
template <typename Rig, typename Code>
void on_each(Rig& rig, int workers, Code code) {
    std::vector<std::thread> threads;
    for (int w = 0; w < workers; ++w) threads.emplace_back([&, w] { code(rig.at(w)); });
    for (auto& t : threads) t.join();
}

transfer sends(int peer, int message, std::vector<int>& data) {
    return {reinterpret_cast<std::byte*>(data.data()), data.size() * sizeof(int), peer, message, true};
}
transfer receives(int peer, int message, std::vector<int>& data) {
    return {reinterpret_cast<std::byte*>(data.data()), data.size() * sizeof(int), peer, message, false};
}

TYPED_TEST(world, eager_sends_return_and_the_data_may_be_overwritten) {
    TypeParam rig(2);
    rig.at(0).prepare(3);
    for (int turn = 0; turn < 3; ++turn) {
        std::vector<int> out{1, 2, 3}, in(3), early(3);
        for (int m = 0; m < 2; ++m) {
            rig.then(0, [&, m] { out[0] = 10 * turn + m; });
            const auto t = sends(1, m, out);
            rig.at(0).start({&t, 1});
        }
        rig.then(0, [&] { out[0] = -1; });
        const auto posted = receives(1, 2, early);
        rig.at(0).start({&posted, 1});
        EXPECT_FALSE(rig.at(0).poll(2));
        for (int m = 0; m < 2; ++m) {
            const auto t = receives(0, m, in);
            rig.at(1).start({&t, 1});
            EXPECT_TRUE(rig.at(1).poll(m));
            rig.at(1).wait(m);
            std::vector<int> seen;
            rig.then(1, [&] { seen = in; });
            rig.finish(1);
            EXPECT_THAT(seen, testing::ElementsAre(10 * turn + m, 2, 3));
        }
        const auto back = sends(0, 2, in);
        rig.at(1).start({&back, 1});
        rig.then(1, [&] { in[0] = -2; });
        rig.at(0).wait(2);
        rig.finish(0);
        rig.finish(1);
        EXPECT_THAT(early, testing::ElementsAre(10 * turn + 1, 2, 3));
    }
}

TYPED_TEST(world, rendezvous_blocks_a_send_until_its_receive) {
    TypeParam rig(2, local_mode::rendezvous);
    rig.at(0).prepare(1);
    std::atomic<bool> sent{false};
    std::vector<int> out{7}, in(1);
    std::thread sender([&] {
        const auto t = sends(1, 0, out);
        rig.at(0).start({&t, 1});
        sent = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(sent);
    const auto t = receives(0, 0, in);
    rig.at(1).start({&t, 1});
    sender.join();
    EXPECT_TRUE(sent);
    rig.at(1).wait(0);
    rig.finish(1);
    EXPECT_EQ(in[0], 7);
}

/// Two workers that pass data both ways, each overwriting what it sent as soon as it may.
template <typename Rig>
void exchange(local_mode mode) {
    Rig rig(2, mode);
    rig.at(0).prepare(2);
    on_each(rig, 2, [&](communicator& end) {
        const int me = end.worker(), peer = 1 - me;
        std::vector<int> out(100), in(100);
        std::vector<std::vector<int>> seen(200);
        for (int i = 0; i < 200; ++i) {
            rig.then(me, [&, i] { out.assign(100, 10 * i + me); });
            const std::array group{sends(peer, me, out), receives(peer, peer, in)};
            end.start(group);
            rig.then(me, [&] { out.assign(100, -1); });
            end.wait(peer);
            rig.then(me, [&, i] { seen[static_cast<std::size_t>(i)] = in; });
            rig.then(me, [&] { in.assign(100, -2); });
            if (i % 50 == 49 || mode == local_mode::eager) rig.finish(me);
        }
        for (int i = 0; i < 200; ++i)
            EXPECT_EQ(seen[static_cast<std::size_t>(i)], std::vector<int>(100, 10 * i + peer));
    });
}
TYPED_TEST(world, a_group_exchanges_under_rendezvous) { exchange<TypeParam>(local_mode::rendezvous); }
TYPED_TEST(world, a_group_exchanges_eagerly) { exchange<TypeParam>(local_mode::eager); }

TYPED_TEST(world, what_was_sent_is_kept_until_it_is_fetched) {
    constexpr int turns = 50, ahead = 4;
    TypeParam rig(2);
    rig.at(0).prepare(ahead);
    on_each(rig, 2, [&](communicator& end) {
        std::vector<int> data(64);
        for (int turn = 0; turn < turns; ++turn) {
            for (int m = 0; m < ahead; ++m) {  // several under way; the next turn's take the same places
                if (end.worker() == 0) {
                    rig.then(0, [&, turn, m] { data.assign(64, turn * ahead + m); });
                    const auto t = sends(1, m, data);
                    end.start({&t, 1});
                } else {
                    const auto t = receives(0, m, data);
                    end.start({&t, 1});
                    end.wait(m);
                    rig.then(1, [&, turn, m] { EXPECT_EQ(data, std::vector<int>(64, turn * ahead + m)); });
                }
            }
            std::array<double, 1> both_called{};  // which says nothing of when the copies are made
            end.sum(both_called);
        }
        rig.finish(end.worker());
    });
}

TYPED_TEST(world, workers_that_disagree_are_told) {
    TypeParam rig(2);
    rig.at(0).prepare(2);
    std::vector<int> a(1), b(1), c(2);
    for (const bool size : {false, true}) {
        const auto sent = sends(1, 0, a);
        const auto received = size ? receives(0, 0, c) : receives(0, 1, b);
        rig.at(0).start({&sent, 1});
        EXPECT_THROW(rig.at(1).start({&received, 1}), mismatched);
        rig.at(1).start({&received, 1});
        EXPECT_THROW(rig.at(0).start({&sent, 1}), mismatched);
    }
    const auto nowhere = sends(2, 0, a);
    EXPECT_THROW(rig.at(0).start({&nowhere, 1}), chimera::error);
    const auto nothing = sends(1, 2, a);
    EXPECT_THROW(rig.at(0).start({&nothing, 1}), chimera::error);
    rig.finish(0);
}

float value(int member, std::size_t i, int turn) {
    return std::sin(static_cast<float>(member * 1000 + turn) + static_cast<float>(i) * 0.7F);
}

void fill(std::vector<float>& data, int member, int turn) {  // where it is: calls hold on to its place
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = value(member, i, turn);
}

/// ((g0 + g1) + g2) + … element by element.
std::vector<float> summed(const std::vector<int>& members, std::size_t size, int turn) {
    std::vector<float> total(size);
    fill(total, members[0], turn);
    for (std::size_t m = 1; m < members.size(); ++m)
        for (std::size_t i = 0; i < size; ++i) total[i] += value(members[m], i, turn);
    return total;
}

TYPED_TEST(world, all_reduce_adds_in_the_order_of_the_members) {
    const std::vector<int> members{0, 2, 3};
    TypeParam rig(4);
    on_each(rig, 4, [&](communicator& end) {
        const int me = end.worker();
        if (me == 1) return;
        const int large = end.join(5, members), small = end.join(6, members);
        std::vector<float> a(50000), b(3);
        for (int turn = 0; turn < 20; ++turn) {
            rig.then(me, [&, turn] { fill(a, me, turn), fill(b, me, turn); });
            end.start_all_reduce(large, a);
            end.start_all_reduce(small, b);
            if (turn % 4 == me) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            // Who waits for which first is each one's own business.
            if (me != 2) end.wait_all_reduce(small);
            end.wait_all_reduce(large);
            if (me == 2) end.wait_all_reduce(small);
            rig.then(me, [&, turn] {
                EXPECT_EQ(b, summed(members, 3, turn));
                EXPECT_EQ(a, summed(members, a.size(), turn));
            });
        }
        rig.finish(me);
    });
}

TYPED_TEST(world, a_reduction_needs_nobody_elses_wait) {
    TypeParam rig(2);
    rig.at(0).prepare(1);
    on_each(rig, 2, [&](communicator& end) {
        const std::array<std::int32_t, 2> both{0, 1};
        const int group = end.join(0, both);
        std::vector<float> a(1, 1.0F);
        std::vector<int> word(1);
        end.start_all_reduce(group, a);
        const auto t = end.worker() == 0 ? sends(1, 0, word) : receives(0, 0, word);
        if (end.worker() == 0)
            end.wait_all_reduce(group);  // before the other one has the message without which it does not wait
        end.start({&t, 1});
        if (end.worker() == 1) {
            end.wait(0);
            end.wait_all_reduce(group);
        }
        rig.finish(end.worker());
        EXPECT_EQ(a[0], 2.0F);
    });
}

TYPED_TEST(world, scatter_and_gather_make_an_all_reduce) {
    const std::vector<int> members{0, 1, 2};
    TypeParam rig(3);
    on_each(rig, 3, [&](communicator& end) {
        const int me = end.worker(), group = end.join(0, members);
        std::vector<float> a(1000);
        for (int turn = 0; turn < 50; ++turn) {
            const auto right = summed(members, 1000, turn);
            rig.then(me, [&, turn] { fill(a, me, turn); });
            end.reduce_scatter(group, a);
            const auto r = static_cast<std::size_t>(me);
            rig.then(me, [&, r, right] {
                for (std::size_t i = 0; i < 1000; ++i)
                    if (i < r * 1000 / 3 || i >= (r + 1) * 1000 / 3) a[i] = -1;
                for (std::size_t i = r * 1000 / 3; i < (r + 1) * 1000 / 3; ++i) ASSERT_EQ(a[i], right[i]);
            });
            end.all_gather(group, a);
            rig.then(me, [&, right] { EXPECT_EQ(a, right); });
        }
        rig.finish(me);
    });
}

TYPED_TEST(world, a_group_of_one_and_an_empty_gradient_are_fine) {
    TypeParam rig(2);
    on_each(rig, 2, [&](communicator& end) {
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
        rig.finish(end.worker());
        EXPECT_THAT(a, testing::ElementsAre(1, 2));
    });
}

TYPED_TEST(world, members_of_different_size_are_refused) {
    TypeParam rig(2);
    std::atomic<int> refused{0};
    on_each(rig, 2, [&](communicator& end) {
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
        rig.finish(end.worker());
    });
    EXPECT_EQ(refused, 1);
}

TYPED_TEST(world, sum_is_in_the_order_of_the_workers) {
    TypeParam rig(4);
    on_each(rig, 4, [](communicator& end) {
        for (int turn = 0; turn < 100; ++turn) {
            const auto part = [&](int w) { return std::exp(static_cast<double>(w * 7 % 4) * 9.0) + turn * 0.1; };
            std::array<double, 2> values{part(end.worker()), 1.0};
            end.sum(values);
            EXPECT_EQ(values[0], ((part(0) + part(1)) + part(2)) + part(3));
            EXPECT_EQ(values[1], 4.0);
        }
    });
}

TYPED_TEST(world, abort_wakes_every_kind_of_wait) {
    for (int kind = 0; kind < 6; ++kind) {
        TypeParam rig(2, kind == 0 ? local_mode::rendezvous : local_mode::eager);
        core_gate gate(1, 2);
        gate.acquire(0);
        rig.at(0).prepare(1);
        std::vector<int> data(1);
        std::vector<float> gradient(1);
        std::thread blocked([&] {
            std::array<double, 1> values{};
            communicator& end = rig.at(1);
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
                    if (kind == 4) end.sum(values);
                    if (kind == 5) end.reduce_scatter(group, gradient);
                    end.start({&t, 1});
                    end.wait(0);
                },
                aborted);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        gate.abort();
        rig.at(0).abort();
        blocked.join();
        rig.finish(1);
    }
}

TEST(rounds, keep_groups_apart_that_share_a_worker) {
    const std::vector<members> groups{{0, 3}, {1, 2}, {1, 2}, {0, 3}, {2}, {0, 1, 2, 3}, {2, 3}};
    const auto rounds = rounds_of(groups);
    std::vector<members> all;
    for (const auto& round : rounds) {
        std::vector<std::int32_t> seen;
        for (const members& group : round) {
            all.push_back(group);
            seen.insert(seen.end(), group.begin(), group.end());
        }
        std::ranges::sort(seen);
        EXPECT_EQ(std::ranges::adjacent_find(seen), seen.end());
    }
    EXPECT_THAT(all, testing::UnorderedElementsAre(members{0, 3}, members{1, 2}, members{0, 1, 2, 3}, members{2, 3}));
    auto shuffled = groups;
    std::ranges::reverse(shuffled);
    EXPECT_EQ(rounds_of(shuffled), rounds);
    EXPECT_EQ(rounds.size(), 3U);
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
