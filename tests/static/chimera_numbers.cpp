// SPDX-License-Identifier: Apache-2.0

// Every number published for Chimera schedules, as a static_assert. Compiling this file is the test.
// "SC'21": Li and Hoefler, Chimera, arXiv 2107.06925v5. "simulated": an independent in-order simulation of the same orders.

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/core/query.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gtest/gtest.h>

#include <string_view>

using namespace chimera;

namespace {

// ---- SC'21, Fig. 3: D = N = 4, worker by worker -------------------------------------------------------------------

/// One row as text: d, D forward and backward of the down pipeline, u, U of the up pipeline, with the micro-batch's number
/// within its pipeline; a dot is an idle tick.
constexpr bool row_is(schedule_view of, int w, std::string_view expected) {
    std::int32_t tick = 0;
    std::size_t at = 0;
    const std::int32_t per_pipeline = of.head.micro_batches / of.head.pipelines;
    for (const slot& s : of.row(w)) {
        for (; tick < s.tick; ++tick, ++at)
            if (at >= expected.size() || expected[at] != '.') return false;
        if (at + 1 >= expected.size()) return false;
        const char letter = "dDuU"[2 * s.pipeline + (s.op == pass::backward ? 1 : 0)];
        if (expected[at] != letter || expected[at + 1] != static_cast<char>('0' + s.first % per_pipeline)) return false;
        at += 2;
        ++tick;
    }
    for (; at < expected.size(); ++at)
        if (expected[at] != '.') return false;
    return true;
}

constexpr auto& four = fixed<bidirectional{.stages = 4, .micro_batches = 4}>;
static_assert(row_is(four, 0, "d0.d1u0U0u1U1D0.D1"));
static_assert(row_is(four, 1, ".d0u0d1u1U0D0U1D1."));
static_assert(row_is(four, 2, ".u0d0u1d1D0U0D1U1."));
static_assert(row_is(four, 3, "u0.u1d0D0d1D1U0.U1"));

// ---- F = B = 1: idle D/f - 2 per worker, makespan 2N + D/f - 2, ratio (D-2)/(2N+D-2) and (D-2f)/(2fN+D-2f) -----------

constexpr bool near(double a, double b) { return a - b < 1e-12 && b - a < 1e-12; }

/// SC'21, section 3.1, 3.6 and table 2, for N = k D; peak activations in [D - D/(2f) + 1, D] (tables 2 and 3).
constexpr bool direct_numbers(int depth, int pairs, int k) {
    const int n = k * depth;
    const schedule s = generate(bidirectional{.stages = depth, .micro_batches = n, .pipelines = 2 * pairs});
    bool good = makespan(s) == 2 * n + depth / pairs - 2;
    int least = depth + 1;
    int most = 0;
    for (int w = 0; w < depth; ++w) {
        good = good && idle(s, worker{w}) == depth / pairs - 2;
        least = std::min(least, peak_units(s, worker{w}));
        most = std::max(most, peak_units(s, worker{w}));
    }
    const double ratio = static_cast<double>(depth - 2 * pairs) / (2.0 * pairs * n + depth - 2 * pairs);
    return good && least >= depth - depth / (2 * pairs) + 1 && most <= depth && near(bubble_ratio(s), ratio);
}

constexpr bool all_direct(int depth) {
    for (int pairs = 1; 2 * pairs <= depth; ++pairs)
        for (int k = 1; k <= 2; ++k)
            if (depth / 2 % pairs == 0 && !direct_numbers(depth, pairs, k)) return false;
    return true;
}
static_assert(all_direct(2) && all_direct(4) && all_direct(6) && all_direct(8));
static_assert(all_direct(10) && all_direct(12));
static_assert(all_direct(14));
static_assert(all_direct(16));

/// The ends of the interval are met: D/2 + 1 at the first worker, D in the middle (SC'21, table 2).
constexpr auto& eight = fixed<bidirectional{.stages = 8, .micro_batches = 8}>;
static_assert(peak_units(eight, worker{0}) == 5 && peak_units(eight, worker{3}) == 8);

// ---- Other costs: in-order simulation of the program ------------------------------------------------------------------

constexpr metrics_report run(bidirectional spec, double forward, double backward) {
    costs c;
    c.forward = forward;
    c.backward = backward;
    const schedule s = generate(spec);
    const program p = lower(s);
    return metrics(simulate(p, c));
}

/// SC'21, section 3.1: N = D leaves (D/f - 2) B idle for B/F from 1 to 4.
constexpr bool idle_at(int depth, int pairs, double backward) {
    const metrics_report m = run({.stages = depth, .micro_batches = depth, .pipelines = 2 * pairs}, 1, backward);
    const int bubbles = depth / pairs - 2;
    for (const worker_metrics& w : m.workers)
        if (!near(w.idle, bubbles * backward)) return false;
    return true;
}
constexpr bool idle_at_all(int depth) {
    for (int pairs = 1; 2 * pairs <= depth; ++pairs)
        for (double backward = 1; backward <= 4; backward += 1.5)
            if (depth / 2 % pairs == 0 && !idle_at(depth, pairs, backward)) return false;
    return true;
}
static_assert(idle_at_all(2) && idle_at_all(4) && idle_at_all(6));
static_assert(idle_at_all(8));
static_assert(idle_at(10, 1, 2) && idle_at(10, 5, 2));
static_assert(idle_at(12, 1, 2) && idle_at(12, 3, 2));
static_assert(idle_at(16, 1, 2));
static_assert(idle_at(16, 2, 2) && idle_at(16, 8, 2));

/// Simulated: K D micro-batches end to end, F = 1, B = 2: idle (D - 2)(B + (K - 1)(B - F)).
static_assert(run({.stages = 4, .micro_batches = 8}, 1, 2).makespan == 30);
static_assert(run({.stages = 8, .micro_batches = 8}, 1, 2).makespan == 36);
static_assert(run({.stages = 8, .micro_batches = 16}, 1, 2).makespan == 66);

/// SC'21, table 2: at N = D with B = 2F the bubble ratio is (D - 2)/(3N/2 + D - 2).
static_assert(near(run({.stages = 8, .micro_batches = 8}, 1, 2).bubble_ratio, 6.0 / (12 + 6)));

/// Simulated: forward doubling, K even, B = 2F: idle (D - 2)(F + B)/2; SC'21, table 2: ratio (D - 2)/(2N + D - 2).
static_assert(run({.stages = 4, .micro_batches = 8, .scale = scale::doubling}, 1, 2).makespan == 27);
static_assert(run({.stages = 8, .micro_batches = 16, .scale = scale::doubling}, 1, 2).makespan == 57);
static_assert(near(run({.stages = 8, .micro_batches = 16, .scale = scale::doubling}, 1, 2).bubble_ratio,
                   6.0 / (32 + 6)));
static_assert(near(run({.stages = 4, .micro_batches = 16, .scale = scale::doubling}, 1, 2).bubble_ratio,
                   2.0 / (32 + 2)));

/// Backward halving is the same schedule over halves: 2N halves take the place of N micro-batches in the ratio.
static_assert(near(run({.stages = 4, .micro_batches = 4, .scale = scale::halving}, 1, 2).bubble_ratio, 2.0 / (16 + 2)));

/// SC'21, table 2, doubling: activations between 3D/2 + 1 and 2D.
constexpr auto& doubled = fixed<bidirectional{.stages = 8, .micro_batches = 16, .scale = scale::doubling}>;
static_assert(peak_units(doubled, worker{0}) == 13 && peak_units(doubled, worker{3}) == 16);

/// SC'21, section 3.4, example of Eq. 1: the critical path at N = D = 6 has 6 forwards and 10 backwards.
constexpr critical_path six = run({.stages = 6, .micro_batches = 6}, 1, 2).critical;
static_assert(six.forwards == 6 && six.backwards == 10 && six.others == 0);

// ---- The baselines ------------------------------------------------------------------------------------------------------

/// GPipe and DAPPLE idle (D - 1)(F + B) (SC'21, table 2); peaks N and min(D - s, N).
constexpr bool baselines(int depth, int n) {
    const schedule all = generate(gpipe{depth, n});
    const schedule one = generate(one_f_one_b{depth, n});
    for (int s = 0; s < depth; ++s) {
        if (idle(all, worker{s}) != 2 * (depth - 1) || idle(one, worker{s}) != 2 * (depth - 1)) return false;
        if (peak_units(all, worker{s}) != n || peak_units(one, worker{s}) != std::min(depth - s, n)) return false;
    }
    return true;
}
static_assert(baselines(1, 1) && baselines(1, 5) && baselines(4, 1) && baselines(4, 3) && baselines(4, 8));
static_assert(baselines(8, 5) && baselines(8, 32) && baselines(16, 16));
static_assert(makespan(fixed<one_f_one_b{.stages = 4, .micro_batches = 8}>) == 22);  // 33 at F = 1, B = 2

constexpr auto& copies = fixed<data_parallel{.micro_batches = 5, .width = 3}>;
static_assert(makespan(copies) == 10 && idle(copies, worker{2}) == 0 && peak_units(copies, worker{1}) == 1);

TEST(chimera_numbers, hold_at_compile_time) { SUCCEED(); }

}  // namespace
