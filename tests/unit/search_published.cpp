// SPDX-License-Identifier: Apache-2.0
// Zero bubble under real costs (arXiv 2401.10241, tables 5 and 9): the published orders, played by the library, give
// the published ratios; the search against its own bounds and against ZB-2p.
#include "search_support.hpp"

#include <chimera/algebra/compact.hpp>
#include <chimera/schedule.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace search_test;

struct table_row {
    int stages, micro_batches;
    double forward, input, weight, transfer;  // milliseconds
    double one_f_one_b, h1, h2, zb_2p;        // ratios
};

constexpr table_row rows[] = {
    {8, 24, 18.522, 18.086, 9.337, .601, .2431, .1585, .1083, .0433},
    {8, 32, 18.513, 18.086, 9.331, .626, .1985, .1242, .0837, .0039},
    {8, 24, 29.718, 29.444, 19.927, .527, .2347, .1323, .0698, .0029},
    {8, 32, 29.802, 29.428, 19.530, .577, .1898, .1045, .0559, .0022},
};

double ratio(const table_row& r, const schedule& order) {
    const double span = metrics(simulate(order.view(), cost_of(r.forward, r.input, r.weight, r.transfer))).longest_span;
    return 1 - r.micro_batches * (r.forward + r.input + r.weight) / span;
}

/// Warm-up forwards, then per micro-batch an input gradient, a weight gradient once they are more than `behind` late, a
/// forward while any is left; the other weight gradients at the end.
schedule h_order(const table_row& r, bool second) {
    schedule out;
    out.head = {"by hand", r.stages, r.stages, 1, r.micro_batches};
    out.offsets.push_back(0);
    for (int s = 0; s < r.stages; ++s) {
        const int warm = std::min(second ? 2 * (r.stages - s) - 1 : r.stages - s, r.micro_batches);
        const int behind = second ? 2 * s : s;
        int counts[3] = {0, 0, 0};
        const auto put = [&](int kind) {
            const pass ops[] = {pass::forward, pass::input_gradient, pass::weight_gradient};
            slot one;
            one.op = ops[kind];
            one.stage = static_cast<std::uint16_t>(s);
            one.first = counts[kind]++;
            out.entries.push_back(one);
        };
        for (int i = 0; i < warm; ++i) put(0);
        for (int m = 0; m < r.micro_batches; ++m) {
            put(1);
            if (counts[1] - counts[2] > behind) put(2);
            if (counts[0] < r.micro_batches) put(0);
        }
        while (counts[2] < r.micro_batches) put(2);
        out.placement.push_back(s);
        out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
    }
    return compact(out);
}

TEST(search_published, orders_give_the_published_ratios) {
    for (const table_row& r : rows) {
        EXPECT_NEAR(ratio(r, generate(one_f_one_b{r.stages, r.micro_batches})), r.one_f_one_b, 5e-5);
        EXPECT_NEAR(ratio(r, h_order(r, false)), r.h1, 5e-5);
        EXPECT_NEAR(ratio(r, h_order(r, true)), r.h2, 5e-5);
        limits held;
        held.activations = r.stages;
        EXPECT_TRUE(verify(h_order(r, false), held).ok());
        held.activations = 2 * r.stages - 1;
        EXPECT_TRUE(verify(h_order(r, true), held).ok());
    }
}

search_problem problem_of(const table_row& r) {
    return {.stages = r.stages,
            .micro_batches = r.micro_batches,
            .cost = cost_of(r.forward, r.input, r.weight, r.transfer),
            .memory = {2.0 * r.stages}};
}

void check_lawful(const search_problem& of, const search_result& found) {
    limits held;
    held.activations = static_cast<std::int32_t>(of.memory[0]);
    const report laws = verify(found.order, held);
    EXPECT_TRUE(laws.ok()) << message(laws.faults.front());
}

/// ZB-2p lets go of most of an activation at the input gradient (the paper's memory model: M_W < M_B). Where all of it
/// stays to the weight gradient, as everywhere in this library, a linear pipeline cannot be that short, and the bound
/// says so: the search meets it.
TEST(search_published, linear_is_proven_least) {
    for (const table_row& r : rows) {
        const search_problem of = problem_of(r);
        const search_result found = search(of);
        check_lawful(of, found);
        EXPECT_LT(found.makespan_gap(), 1e-9);
        EXPECT_LT(found.span_gap(), 1e-6);
        EXPECT_LT(ratio(r, found.order), r.h2);
        const double bound = 1 - r.micro_batches * (r.forward + r.input + r.weight) / found.span_bound;
        EXPECT_GT(bound, r.zb_2p);
    }
}

/// With the share that the paper's models keep (32 of 34 + 5 a s / h parts of an activation, a s / h = 10.7 and 8) the same
/// search is at or below ZB-2p and proves it least.
TEST(search_published, linear_meets_zb_2p_in_its_memory_model) {
    for (const table_row& r : rows) {
        search_problem of = problem_of(r);
        of.kept = r.weight < 10 ? 0.37 : 0.43;  // 1.5 B, 6.2 B
        const search_result found = search(of);
        EXPECT_LE(ratio(r, found.order), r.zb_2p + 5e-5);
        EXPECT_LT(found.span_gap(), 5e-4);
        EXPECT_LT(found.makespan_gap(), 5e-4);
    }
}

/// At whole activations, two mirrored pipelines are at or below ZB-2p.
TEST(search_published, overlay_is_below_zb_2p) {
    for (const table_row& r : rows) {
        search_problem of = problem_of(r);
        of.placement = placing::overlay;
        const search_result found = search(of);
        check_lawful(of, found);
        EXPECT_LE(ratio(r, found.order), r.zb_2p);
        EXPECT_LT(found.makespan_gap(), 5e-3);
        EXPECT_LT(found.span_gap(), 5e-3);
    }
}

}  // namespace
