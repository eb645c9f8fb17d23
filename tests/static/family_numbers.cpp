// SPDX-License-Identifier: Apache-2.0

// What is published about the families other than Chimera, as static_asserts. Compiling this file is the test.
// "simulated": an independent simulation of the published order.

#include <chimera/algebra/fill.hpp>
#include <chimera/algebra/split.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/core/query.hpp>
#include <chimera/schedule.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

using namespace chimera;

namespace {

constexpr int peak(schedule_argument of) {
    int most = 0;
    for (int w = 0; w < of.head.workers; ++w) most = std::max(most, peak_units(of, worker{w}));
    return most;
}
constexpr bool all_idle(schedule_argument of, int ticks) {
    for (int w = 0; w < of.head.workers; ++w)
        if (idle(of, worker{w}) != ticks) return false;
    return true;
}
constexpr bool all_peaks(schedule_argument of, int units) {
    for (int w = 0; w < of.head.workers; ++w)
        if (peak_units(of, worker{w}) != units) return false;
    return true;
}
/// Every worker's idle time, in seconds, under these costs.
constexpr bool idles_are(schedule_argument of, const costs& c, double seconds) {
    const metrics_report m = metrics(simulate(of, c));
    for (const worker_metrics& w : m.workers)
        if (w.idle - seconds > 1e-9 || seconds - w.idle > 1e-9) return false;
    return true;
}

// ---- gpipe, one_f_one_b: idle (D-1)(F+B); peaks N and min(D-s, N) --------------------------------------------------

constexpr bool flush_numbers(int depth, int n) {
    const schedule g = generate(gpipe{depth, n}), o = generate(one_f_one_b{depth, n});
    costs c{.forward = 2, .backward = 5};  // not const: GCC 12 could not destroy it in constant evaluation
    bool good = idles_are(g, c, 7 * (depth - 1)) && all_peaks(g, n);
    if (n >= depth) good = good && idles_are(o, c, 7 * (depth - 1));
    for (int s = 0; s < depth; ++s) good = good && peak_units(o, worker{s}) == std::min(depth - s, n);
    return good;
}
static_assert(flush_numbers(1, 3) && flush_numbers(2, 2) && flush_numbers(4, 8) && flush_numbers(7, 9));

// ---- gems (Jain et al., SC'20): one live activation; ratio near (D-1)/(D+1/2) with B = 2F ---------------------------

constexpr bool gems_numbers(int depth, int n) {
    const schedule s = generate(gems{depth, n});
    if (makespan(s) != (depth + 1) * n + depth - 1 || !all_peaks(s, 1)) return false;
    const double ratio = metrics(simulate(s, {.forward = 1, .backward = 2})).bubble_ratio;
    const double published = (depth - 1) / (depth + 0.5);
    return ratio > published - 1e-9 && ratio < published + 1.0 / n;  // the first forward and the last drain remain
}
static_assert(gems_numbers(2, 8) && gems_numbers(4, 16) && gems_numbers(8, 9) && gems_numbers(5, 7));

// ---- interleaved (Narayanan et al., SC'21): idle (D-1)(F+B) of a chunk, simulated peaks ------------------------------

constexpr bool interleaved_numbers(int workers, int n, int chunks) {
    const schedule s = generate(interleaved{workers * chunks, n, chunks});
    return all_idle(s, 2 * (workers - 1)) && idles_are(s, {.forward = 1, .backward = 2}, 3 * (workers - 1)) &&
           peak_units(s, worker{0}) == std::min(n * chunks, 2 * (workers - 1) + (chunks - 1) * workers + 1);
}
static_assert(interleaved_numbers(2, 4, 2) && interleaved_numbers(4, 8, 2) && interleaved_numbers(4, 12, 3) &&
              interleaved_numbers(8, 16, 4) && interleaved_numbers(4, 4, 4));

constexpr costs thirds() { return {.forward = 1, .backward = 2}; }  // F = I = W = 1
static_assert(metrics(simulate(generate(interleaved{8, 8, 2}), thirds())).makespan == 57);
static_assert(peak(generate(interleaved{8, 8, 2})) == 11);

/// The table in Megatron-LM's description of its schedule: pipeline of 2, 5 micro-batches, 2 chunks, groups of 3.
constexpr bool megatron_table() {
    const schedule s = generate(interleaved{4, 5, 2, 3});
    constexpr int micro_batch[] = {0, 1, 2, 0, 1, 2, 3, 4, 3, 4};
    constexpr int chunk[] = {0, 0, 0, 1, 1, 1, 0, 0, 1, 1};
    for (int w = 0; w < 2; ++w) {
        int f = 0, b = 0, ahead = 0;
        for (const slot& x : s.view().row(w)) {
            const bool forward = x.op == pass::forward;
            const int k = forward ? f++ : b++;
            if (forward && b == 0) ++ahead;
            if (x.first != micro_batch[k] || x.stage / 2 != (forward ? chunk[k] : 1 - chunk[k])) return false;
        }
        if (f != 10 || b != 10 || ahead != 2 * (2 - w - 1) + 3 + 1)
            return false;  // warm-up and the first steady forward
    }
    return true;
}
static_assert(megatron_table());

// ---- breadth_first (Lamy-Poirier, arXiv 2211.05953) --------------------------------------------------------------

static_assert(makespan(generate(breadth_first{8, 8, 2})) == 2 * (8 * 2 + 3) &&
              all_peaks(generate(breadth_first{8, 8, 2}), 16));
static_assert(idles_are(generate(breadth_first{12, 6, 3}), {.forward = 1, .backward = 3}, 3 * 4));

// ---- zb_h1, zb_h2 (Qi et al., arXiv 2401.10241): (D-1)(F+I-W) at peak D; (D-1)(F+I-2W) within a span at peak 2D-1 ------

constexpr double span_bubble(schedule_argument of, const costs& c) {
    const metrics_report m = metrics(simulate(of, c));
    double most = 0;
    for (const worker_metrics& w : m.workers) most = std::max(most, w.busy);
    return m.longest_span - most;
}
constexpr bool zero_bubble_numbers(int depth, int n) {
    const schedule one = generate(zb_h1{depth, n}), two = generate(zb_h2{depth, n});
    return all_idle(one, depth - 1) && peak(one) == depth && makespan(two) == 3 * n + depth - 1 &&
           peak(two) == 2 * depth - 1 && span_bubble(two, {}) == 0 && span_bubble(one, {}) == depth - 1;
}
static_assert(zero_bubble_numbers(2, 4) && zero_bubble_numbers(4, 8) && zero_bubble_numbers(8, 16));
static_assert(makespan(generate(zb_h1{4, 8})) == 27);
// Other costs, F = 3, I = 4, W = 3 and 2: D = 4.
static_assert(span_bubble(generate(zb_h1{4, 12}), {.forward = 3, .input_gradient = 4, .weight_gradient = 3}) == 3 * 4);
static_assert(span_bubble(generate(zb_h2{4, 12}), {.forward = 3, .input_gradient = 4, .weight_gradient = 2}) == 3 * 3);

// ---- zb_v, v_half, v_min (arXiv 2405.15362): peaks D, ⌊(D+2)/2⌋, ⌊(D+4)/3⌋ in stages twice as deep; simulated makespans --

constexpr bool vee_numbers(int workers, int n) {
    const schedule v = generate(zb_v{2 * workers, n}), h = generate(v_half{2 * workers, n}),
                   m = generate(v_min{2 * workers, n});
    return makespan(v) == 6 * n + workers - 1 && span_bubble(v, {}) == 0 && peak(v) <= 2 * workers &&
           peak(h) <= 2 * ((workers + 2) / 2) && peak(m) <= 2 * ((workers + 4) / 3);
}
static_assert(vee_numbers(2, 4) && vee_numbers(3, 6) && vee_numbers(4, 8));
static_assert(vee_numbers(5, 10));
static_assert(vee_numbers(8, 16));
static_assert(makespan(generate(zb_v{8, 8})) == 51 && peak(generate(zb_v{8, 8})) == 8);
static_assert(makespan(generate(v_half{8, 8})) == 53 && peak(generate(v_half{8, 8})) == 6);
static_assert(makespan(generate(v_min{8, 8})) == 59 && peak(generate(v_min{8, 8})) == 4);

// Any memory between, where `v_auto` of sail-sg's generators finds the same.
static_assert(makespan(generate(v_half{12, 12, 7})) == 86 && peak(generate(v_half{12, 12, 7})) == 7);
static_assert(makespan(generate(v_half{16, 8, 10})) == 65 && makespan(generate(v_min{16, 4})) == 39);
static_assert(makespan(generate(v_min{8, 2})) == 19 &&
              generate(v_half{8, 2}).entries == generate(v_half{8, 2, 8}).entries);

// ---- zb_h2 with few micro-batches, zb_interleaved, v_1f1b: not above sail-sg's zb 2p-1, PyTorch's and sail-sg's v1f1b ---

static_assert(makespan(generate(zb_h2{8, 8})) == 31);
static_assert(makespan(generate(zb_interleaved{8, 4, 2})) == 3 * 4 * 2 + 3 &&
              peak(generate(zb_interleaved{8, 4, 2})) <= 8);
// Ticks in proportion give orders in proportion.
static_assert(makespan(generate(zb_h1{4, 8, 2, 2, 2})) == 2 * 27);
static_assert(makespan(generate(zb_v{8, 8, 0, 3, 3, 3})) == 3 * 51);
static_assert(makespan(generate(zb_interleaved{8, 4, 2, 0, 2, 2, 2})) == 2 * 27);
static_assert(makespan(generate(v_1f1b{6, 6})) <= 44 && peak(generate(v_1f1b{6, 6})) <= 6);

// ---- dualpipe, dualpipe_v: F = I = W = 1, a pair 3: idle (D/2-1)(F&B + B - 3W), peak D + 1 on every worker -------------

constexpr bool dualpipe_numbers(int depth, int n) {
    const schedule s = generate(dualpipe{depth, n});
    return all_idle(s, 2 * (depth / 2 - 1)) && all_peaks(s, depth + 1) && makespan(s) == 3 * n + depth - 2;
}
static_assert(dualpipe_numbers(2, 4) && dualpipe_numbers(4, 8) && dualpipe_numbers(8, 20) && dualpipe_numbers(10, 20));
static_assert(makespan(generate(dualpipe{4, 8})) == 26 && makespan(generate(dualpipe{8, 20})) == 66);
constexpr schedule folded_dualpipe() { return generate(dualpipe_v{8, 10}); }
static_assert(makespan(folded_dualpipe()) == 66 && all_idle(folded_dualpipe(), 6) && all_peaks(folded_dualpipe(), 9));

/// DualPipeV is DualPipe cut in half: worker for worker and slot for slot at the same ticks.
constexpr bool cut_in_half(int workers, int n) {
    const schedule whole = generate(dualpipe{2 * workers, 2 * n}), half = generate(dualpipe_v{2 * workers, n});
    for (int w = 0; w < workers; ++w) {
        const auto a = whole.view().row(w), b = half.view().row(w);
        if (a.size() != b.size()) return false;
        for (std::size_t i = 0; i < a.size(); ++i)
            if (a[i].tick != b[i].tick || a[i].ticks != b[i].ticks || a[i].op != b[i].op || a[i].stage != b[i].stage ||
                a[i].first - a[i].pipeline * n != b[i].first || a[i].overlap != b[i].overlap)
                return false;
    }
    return true;
}
static_assert(cut_in_half(1, 2) && cut_in_half(2, 5) && cut_in_half(4, 9));

// ---- wave (Hanayo, SC'23) below 1F1B, bitpipe (arXiv 2410.19367) at half Chimera's bubble ----------------------------

constexpr bool folded_numbers(int workers, int k, int waves) {
    const int n = k * workers;
    const schedule s = generate(wave{2 * waves * workers, n, waves});
    return all_idle(s, 2 * workers - 2) && makespan(s) == 4 * waves * n + 2 * workers - 2 &&
           peak(s) <= 2 * waves * workers;
}
static_assert(folded_numbers(2, 1, 1) && folded_numbers(4, 2, 1) && folded_numbers(4, 1, 2) && folded_numbers(3, 3, 3));
/// One wave: (2W - 2) B for any N >= W and any costs, below 1F1B's 2 (W-1)(F+B) in the same units.
constexpr bool one_wave_numbers(int workers, int n) {
    const schedule s = generate(wave{2 * workers, n});
    return idles_are(s, {.forward = 1, .backward = 2}, 4 * (workers - 1)) &&
           idles_are(s, {.forward = 2, .backward = 7}, 14 * (workers - 1)) && peak(s) == 2 * workers;
}
static_assert(one_wave_numbers(2, 2) && one_wave_numbers(4, 4) && one_wave_numbers(4, 13) && one_wave_numbers(5, 16));
/// B = 2F, N = D: (D-2)/(3N+D-2), where Chimera has (D-2)/(3N/2+D-2).
constexpr bool bitpipe_numbers(int workers) {
    const schedule s = generate(bitpipe{2 * workers, workers});
    const double ratio = metrics(simulate(s, {.forward = 1, .backward = 2})).bubble_ratio;
    const double published = (workers - 2.0) / (3.0 * workers + workers - 2);
    return all_idle(s, workers - 2) && ratio < published + 1e-12 && ratio > published - 1e-12;
}
static_assert(bitpipe_numbers(2) && bitpipe_numbers(4) && bitpipe_numbers(8));

// ---- pipedream, pipedream_2bw: the order of 1F1B; data_parallel never idles -------------------------------------------

static_assert(all_idle(generate(data_parallel{.micro_batches = 3, .width = 4}), 0) &&
              all_peaks(generate(data_parallel{.micro_batches = 3, .width = 4}), 1));
constexpr bool never_idle_in_steady_state(int depth, int n) {
    const schedule s = generate(pipedream{depth, n});
    for (int w = 0; w < depth; ++w) {
        const auto row = s.view().row(w);
        const int from = 2 * depth - 1 - w, to = 2 * n - 1 + w;  // from the first backward to the last forward
        for (std::size_t i = 1; i < row.size(); ++i)
            if (row[i].tick > from && row[i].tick < to && row[i - 1].end() != row[i].tick) return false;
        if (peak_units(s, worker{w}) != std::min(depth - w, n)) return false;
    }
    return s.head.update == update_rule::stashed && s.head.update_every == 1;
}
static_assert(never_idle_in_steady_state(4, 8) && never_idle_in_steady_state(3, 9));

// ---- bidirectional with split backward: ours. 3N + D/(2f) - 1 at Chimera's own peaks ------------------------------------

constexpr bool split_numbers(int depth, int pairs, int k) {
    const bidirectional spec{.stages = depth, .micro_batches = k * depth, .pipelines = 2 * pairs};
    bidirectional in_halves = spec;
    in_halves.split = true;
    const schedule whole = generate(spec), s = generate(in_halves);
    for (int w = 0; w < depth; ++w)
        if (peak_units(s, worker{w}) > peak_units(whole, worker{w})) return false;
    return makespan(s) == 3 * k * depth + depth / (2 * pairs) - 1;
}
static_assert(split_numbers(2, 1, 1) && split_numbers(4, 1, 1) && split_numbers(4, 1, 3) && split_numbers(4, 2, 2) &&
              split_numbers(8, 1, 2) && split_numbers(8, 2, 1) && split_numbers(8, 4, 2) && split_numbers(16, 1, 1));

}  // namespace

TEST(family_numbers, compiled) { SUCCEED(); }
