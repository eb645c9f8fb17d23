// SPDX-License-Identifier: Apache-2.0
// What the benchmark times, on a host that stands in for a GPU: every family that it names runs, plain and as a graph.
#include "bench/gpu/steps.hpp"

#include <gtest/gtest.h>

namespace chimera::bench {
namespace {

const gpt2_sizes small{8, 2, 16, 31, 8};

TEST(benchmark_steps, are_counted_without_those_that_warm_up) {
    const step_result r = run_steps({"one_f_one_b", 1, small, 2, 3, 4, 5});
    EXPECT_EQ(r.plain.count, 4);
    EXPECT_EQ(r.graph.count, 5);
    EXPECT_EQ(r.events.count, 5);
    EXPECT_EQ(r.tokens, 2 * 3 * 8);
    EXPECT_GT(r.graph.least, 0);
    EXPECT_GT(r.events.least, 0);
    EXPECT_LE(r.events.median, r.graph.most);
    EXPECT_EQ(r.bytes, r.predicted);
}

TEST(benchmark_steps, run_every_family_of_the_suite) {
    for (const char* family : {"gpipe", "one_f_one_b", "bidirectional", "zb_h1", "zb_v", "interleaved"}) {
        const step_result r = run_steps({family, 4, small, 2, 8, 0, 2});
        EXPECT_EQ(r.plain.count, 0) << family;
        EXPECT_EQ(r.graph.count, 2) << family;
        EXPECT_EQ(r.tokens, 2 * 8 * 8) << family;
        EXPECT_EQ(r.bytes, r.predicted) << family;
    }
}

}  // namespace
}  // namespace chimera::bench
