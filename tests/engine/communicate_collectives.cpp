// SPDX-License-Identifier: Apache-2.0
#include "worlds.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

namespace {

using namespace worlds;

template <typename Rig>
class collectives : public testing::Test {};
TYPED_TEST_SUITE(collectives, worlds::all);

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

TYPED_TEST(collectives, all_reduce_adds_in_the_order_of_the_members) {
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

TYPED_TEST(collectives, a_reduction_needs_nobody_elses_wait) {
    TypeParam rig(2);
    rig.prepare(1);
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

TYPED_TEST(collectives, scatter_and_gather_make_an_all_reduce) {
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

TYPED_TEST(collectives, a_group_of_one_and_an_empty_gradient_are_fine) {
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

TYPED_TEST(collectives, members_of_different_size_are_refused) {
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
        } catch (const chimera::chimera_error& e) {
            EXPECT_THAT(e.what(), testing::HasSubstr("elements"));
            ++refused;
            end.abort();
        }
        rig.finish(end.worker());
    });
    EXPECT_GE(refused, 1);  // between processes each member may find out by itself
}

TYPED_TEST(collectives, sum_is_in_the_order_of_the_workers) {
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

}  // namespace
