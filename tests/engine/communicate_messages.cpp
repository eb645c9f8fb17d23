// SPDX-License-Identifier: Apache-2.0
#include "worlds.hpp"

#include <executor/communicate/core_semaphore.hpp>

#include <array>
#include <atomic>

namespace {

using namespace worlds;

template <typename Rig>
class world : public testing::Test {};
TYPED_TEST_SUITE(world, worlds::all);

/// Those that can also be strict: a send blocks until its receive is there.
template <typename Rig>
class strict_world : public testing::Test {};
TYPED_TEST_SUITE(strict_world, worlds::strict);

TYPED_TEST(world, eager_sends_return_and_the_data_may_be_overwritten) {
    TypeParam rig(2);
    rig.prepare(3);
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
            EXPECT_TRUE(rig.arrives(1, m));
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

TYPED_TEST(strict_world, rendezvous_blocks_a_send_until_its_receive) {
    TypeParam rig(2, local_mode::rendezvous);
    rig.prepare(1);
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
    rig.prepare(2);
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
TYPED_TEST(strict_world, a_group_exchanges_under_rendezvous) { exchange<TypeParam>(local_mode::rendezvous); }
TYPED_TEST(world, a_group_exchanges_eagerly) { exchange<TypeParam>(local_mode::eager); }

TYPED_TEST(world, what_was_sent_is_kept_until_it_is_fetched) {
    constexpr int turns = 50, ahead = 4;
    TypeParam rig(2);
    rig.prepare(ahead);
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
    for (const bool size : {false, true})
        for (const bool sent_first : {false, true}) {
            TypeParam rig(2);
            rig.prepare(2);
            std::vector<int> a(1), b(1), c(2);
            const auto sent = sends(1, 0, a);
            const auto received = size ? receives(0, 0, c) : receives(0, 1, b);
            const auto send = [&] { rig.at(0).start({&sent, 1}); };
            const auto receive = [&] { rig.at(1).start({&received, 1}); };
            sent_first ? send() : receive();
            EXPECT_THROW(
                {
                    sent_first ? receive() : send();
                    rig.at(1).wait(received.message);  // where that is known only when it has come
                },
                mismatched);
            rig.finish(0);
        }
}

TYPED_TEST(world, messages_and_peers_that_do_not_exist_are_refused) {
    TypeParam rig(2);
    rig.prepare(2);
    std::vector<int> a(1);
    const auto nowhere = sends(2, 0, a), nothing = sends(1, 2, a), itself = sends(0, 0, a);
    for (const transfer& wrong : {nowhere, nothing, itself}) EXPECT_THROW(rig.at(0).start({&wrong, 1}), chimera::error);
    rig.finish(0);
}

TYPED_TEST(world, abort_wakes_every_kind_of_wait) {
    for (int kind = 0; kind < 6; ++kind) {
        TypeParam rig(2, kind == 0 ? local_mode::rendezvous : local_mode::eager);
        core_gate gate(1, 2);
        gate.acquire(0);
        rig.prepare(1);
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

}  // namespace
