// SPDX-License-Identifier: Apache-2.0
// Tiny searches in constant evaluation: the least makespan, proven by branch and bound, against numbers worked out by hand.
#include <chimera/search.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

namespace {

using namespace chimera;

/// The least makespan below `upper`, or -1.
constexpr double least(const search_problem& of, double upper) {
    const auto in = detail::seek::lay_out(of);
    detail::seek::exact_search exact(in, upper, 10'000);
    if (!exact.run() || !exact.found()) return -1;
    const schedule made = detail::seek::to_schedule(in, exact.rows());
    return verify(made).ok() && makespan(made) <= exact.length() ? exact.length() : -2;
}

// Two stages, two micro-batches, F = I = W = 1: worker 1 starts at 1 and has six passes to do.
static_assert(least({.stages = 2, .micro_batches = 2}, 20) == 7);
// Nothing is shorter.
static_assert(least({.stages = 2, .micro_batches = 2}, 7) == -1);
// One activation at a time: F F I I of the first, W anywhere before the next F of its worker: F0 at 0, I0 3 … 4, W0 to 5, then again.
static_assert(least({.stages = 2, .micro_batches = 2, .memory = {1}}, 20) == 10);
// A unit on each of two mirrored pipelines: both workers busy from 0 to 6.
static_assert(least({.stages = 2, .micro_batches = 2, .placement = placing::overlay}, 20) == 6);
// Both stages on one worker: twelve passes.
static_assert(least({.stages = 2, .micro_batches = 2, .placement = placing::fold}, 20) == 12);
// Full backwards of 1: F F B B, and the second unit one round behind on worker 0.
static_assert(least({.stages = 2, .micro_batches = 2, .split = false}, 20) == 6);

TEST(search_tiny, holds_at_compile_time) { SUCCEED(); }

}  // namespace
