// SPDX-License-Identifier: Apache-2.0
// Where the slices of a layer stand, beside a count of every group's workers, and what their exchanges take.

#include <chimera/model/llama.hpp>
#include <chimera/plan/layer_time.hpp>
#include <chimera/plan/make_plan.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

using namespace chimera;

namespace {

cluster nodes_of(int nodes, int each) {
    cluster out;
    out.nodes = nodes;
    out.workers_per_node = each;
    out.each = {.flops = 1e14,
                .exchange_latency = 2e-5,
                .collective = 1.5,
                .inside = {0, 200e9},
                .between = {3e-6, 25e9},
                .node_bandwidth = 60e9};
    return out;
}

/// Of all groups that the cluster has, the largest (nodes - 1) / nodes / fewest slices in a node, counted one by one.
double worst_share(const cluster& on, int slices) {
    double worst = 0;
    for (int group = 0; (group + 1) * slices <= on.workers(); ++group) {
        std::map<int, int> held;
        for (int i = 0; i < slices; ++i) ++held[(group * slices + i) / on.workers_per_node];
        int fewest = slices;
        for (const auto& [node, count] : held) fewest = std::min(fewest, count);
        worst = std::max(worst, (static_cast<double>(held.size()) - 1) / static_cast<double>(held.size()) / fewest);
    }
    return worst;
}

}  // namespace

TEST(tensor_group, stands_where_its_workers_are_counted_one_by_one) {
    std::mt19937 random(5);
    int spread = 0;
    for (int k = 0; k < 4000; ++k) {
        const cluster on = nodes_of(1 + static_cast<int>(random() % 9), 1 + static_cast<int>(random() % 12));
        const int slices = 1 + static_cast<int>(random() % 24);
        if (slices > on.workers()) continue;
        const tensor_group found = tensor_group_of(on, slices);
        const double share = (found.nodes - 1.0) / found.nodes / found.together;
        ASSERT_NEAR(share, worst_share(on, slices), 1e-12)
            << on.nodes << " nodes of " << on.workers_per_node << ", " << slices << " slices";
        spread += found.nodes > 1 ? 1 : 0;
    }
    EXPECT_GT(spread, 1000);
}

TEST(tensor_group, exchanges_take_what_their_links_do) {
    const double bytes = 1e9;
    const hardware on = nodes_of(1, 1).each;
    const auto seconds = [&](int nodes, int each, int slices) {
        return exchange_seconds(bytes, 2, on, tensor_group_of(nodes_of(nodes, each), slices));
    };
    const double latency = 2 * 2e-5, inside = 200e9 * 1.5, across = 25e9 * 1.5;
    EXPECT_DOUBLE_EQ(seconds(1, 8, 8), latency + 2 * 7.0 / 8 * bytes / inside);
    EXPECT_DOUBLE_EQ(seconds(4, 8, 8), latency + 2 * 7.0 / 8 * bytes / inside);
    EXPECT_DOUBLE_EQ(seconds(8, 1, 8), latency + 2 * 2 * 3 * 3e-6 + 2 * 7.0 / 8 * bytes / across);
    // Four of a node send at a time, over a network of 60 GB/s.
    EXPECT_DOUBLE_EQ(seconds(2, 4, 8),
                     latency + 2 * 2 * 3e-6 + 2 * 3.0 / 4 * bytes / inside + 2 * 1.0 / 2 * bytes / 4 / (60e9 / 4));
    // Of 6 workers a node and 4 slices, the second group has two on either side.
    EXPECT_DOUBLE_EQ(seconds(2, 6, 4),
                     latency + 2 * 2 * 3e-6 + 2 * 1.0 / 2 * bytes / inside + 2 * 1.0 / 2 * bytes / 2 / (60e9 / 6));
}

/// The bounds that leave candidates out stay below what is simulated where slices span nodes.
TEST(tensor_group, ranks_as_trying_everything_does) {
    const model network = llama({.layers = 6, .heads = 12, .shared_heads = 6, .channels = 768, .inner = 2048});
    for (const auto& [nodes, each] : {std::pair{3, 2}, {2, 3}, {6, 1}, {1, 6}}) {
        plan_request asked;
        asked.samples = 24;
        asked.tensors = {1, 2, 3, 6};
        asked.families = {family::one_f_one_b, family::zb_h1, family::interleaved};
        plan_cache first, second;
        const plan_report quick = make_plan(network, nodes_of(nodes, each), asked, first);
        asked.prune = false;
        const plan_report whole = make_plan(network, nodes_of(nodes, each), asked, second);
        ASSERT_EQ(quick.ranking.size(), whole.ranking.size());
        for (std::size_t i = 0; i < quick.ranking.size(); ++i)
            EXPECT_DOUBLE_EQ(quick.ranking[i].found.seconds, whole.ranking[i].found.seconds)
                << nodes << " nodes of " << each << ", place " << i;
    }
}

TEST(tensor_group, refuses_slices_without_whole_heads) {
    const model network = llama(llama_2_70b);
    const auto refused = [&](int width, const char* part) {
        plan_request asked;
        asked.tensors = {1, width};
        EXPECT_THAT([&] { check_request(network, nodes_of(1, 64), asked); },
                    testing::ThrowsMessage<chimera_error>(testing::HasSubstr(part)))
            << width;
    };
    refused(5, "5 does not divide the 64 heads of block.0 (each slice computes whole heads) give one of 1, 2, 4, 8");
    refused(16, "16 does not divide the 8 key-value heads");
    refused(3, "give one of 1, 2, 4, 8");
    for (const int width : {1, 2, 4, 8}) EXPECT_NO_THROW(check_slices(network, width));
}
