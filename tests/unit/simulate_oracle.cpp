// SPDX-License-Identifier: Apache-2.0
// Simulated times against a plain relaxation over maps, on random orders: with their own ticks, with none, with rows
// handed to other workers, with pairs. All costs are multiples of 1/8, so sums are exact in any order.

#include "attack_specs.hpp"
#include "tests/dose.hpp"

#include <chimera/schedule/dualpipe.hpp>
#include <chimera/schedule/interleaved.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera {
namespace {

using attack::dice;
using attack::roll;
using times = std::vector<std::pair<double, double>>;  // of every slot; empty when the rows wait for each other

double seconds(const slot& s, const costs& c) {
    const per_stage* each[] = {&c.forward, &c.backward, &c.input_gradient, &c.weight_gradient, &c.recompute};
    return (*each[static_cast<int>(s.op)])[s.stage] * s.count;
}

/// When the last input of `s` arrives; below 0 while one is missing.
double inputs_at(const schedule& t, const slot& s, const costs& c,
                 const std::map<std::tuple<bool, int, int>, double>& ends) {
    const bool forward = s.op == pass::forward;
    const int from = forward ? s.stage - 1 : s.stage + 1;
    if ((!forward && !sends_gradient(s.op)) || from < 0 || from == t.head.stages) return 0;
    const bool crosses = t.view().worker_of(s.pipeline, from) != t.view().worker_of(s.pipeline, s.stage);
    double latest = 0;
    for (int u = s.first; u < s.first + s.count; ++u) {
        const auto found = ends.find({forward, from, u});
        if (found == ends.end()) return -1;
        latest = std::max(latest, found->second + (crosses ? c.transfer[std::min<int>(from, s.stage)] * s.count : 0));
    }
    return latest;
}

times relax(const schedule& t, const costs& c) {
    times out(t.entries.size(), {-1, -1});
    std::map<std::tuple<bool, int, int>, double> ends;  // forward?, stage, unit
    std::vector<std::int32_t> next(t.offsets.begin(), t.offsets.end() - 1);
    std::vector<double> free_at(next.size(), 0);
    std::size_t done = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (std::size_t w = 0; w < next.size(); ++w) {
            if (next[w] == t.offsets[w + 1]) continue;
            const auto at = static_cast<std::size_t>(next[w]);
            const bool paired = t.entries[at].overlap && next[w] + 1 != t.offsets[w + 1];
            double begin = free_at[w], length = 0;
            bool ready = true;
            for (std::size_t i = at; i <= at + paired; ++i) {
                const double arrival = inputs_at(t, t.entries[i], c, ends);
                ready = ready && arrival >= 0;
                begin = std::max(begin, arrival);
                length += seconds(t.entries[i], c);
            }
            if (!ready) continue;
            for (std::size_t i = at; i <= at + paired; ++i, ++next[w], ++done) {
                const slot& s = t.entries[i];
                out[i] = {begin, begin + length};
                for (int u = s.first; u < s.first + s.count; ++u)
                    if (s.op == pass::forward || sends_gradient(s.op))
                        ends[{s.op == pass::forward, s.stage, u}] = begin + length;
            }
            free_at[w] = begin + length;
            moved = true;
        }
    }
    return done == t.entries.size() ? out : times{};
}

times simulated(const schedule& t, const costs& c) {
    times out;
    for (const step& s : simulate(t, c).steps) out.push_back({s.begin, s.end});
    return out;
}

/// Worker w's row and stages go to another worker.
schedule shuffled(const schedule& t, dice& d) {
    std::vector<int> to(static_cast<std::size_t>(t.head.workers));
    std::iota(to.begin(), to.end(), 0);
    for (std::size_t i = to.size(); i > 1; --i) std::swap(to[i - 1], to[d() % i]);
    schedule out{t.head, t.placement, {0}, {}};
    for (std::int32_t& w : out.placement) w = to[static_cast<std::size_t>(w)];
    for (int w = 0; w < t.head.workers; ++w) {
        const auto row = t.view().row(static_cast<int>(std::find(to.begin(), to.end(), w) - to.begin()));
        out.entries.insert(out.entries.end(), row.begin(), row.end());
        out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
    }
    return out;
}

per_stage random_costs(dice& d, int stages) {
    std::vector<double> each;
    for (int s = 0; s < stages; ++s) each.push_back(roll(d, 1, 24) / 8.0);
    return each;
}

costs random_costs(dice& d, const shape& head) {
    costs c;
    for (per_stage* each : {&c.forward, &c.backward, &c.input_gradient, &c.weight_gradient, &c.recompute})
        *each = random_costs(d, head.stages);
    if (roll(d, 0, 2) > 0) c.transfer = random_costs(d, head.stages);
    return c;
}

schedule random_order(dice& d, int k) {
    if (const int stages = 2 * roll(d, 1, 20); k % 8 == 0)
        return generate(dualpipe{.stages = stages, .micro_batches = 2 * (stages + roll(d, 0, 10))});
    if (k % 8 == 1)
        return generate(interleaved{.stages = 4 * roll(d, 1, 12), .micro_batches = roll(d, 1, 90), .chunks = 4});
    return attack::random_case(d, 48, 96).table;
}

void expect_equal(const schedule& t, const costs& c, const char* what) {
    ASSERT_EQ(simulated(t, c), relax(t, c))
        << what << ' ' << t.head.family.view() << " D=" << t.head.stages << " N=" << t.head.micro_batches;
}

TEST(simulate, equals_a_plain_relaxation) {
    dice d(1965);
    for (int k = 0; k < dose(300); ++k) {
        schedule t = random_order(d, k);
        t.head.micro_batches *= t.head.micro_batch_parts;
        t.head.micro_batch_parts = 1;  // costs are per unit then
        const costs c = random_costs(d, t.head);
        expect_equal(t, c, "own ticks");
        expect_equal(shuffled(t, d), c, "other workers");
        for (slot& s : t.entries) s.tick = 0;
        expect_equal(t, c, "no ticks");
        expect_equal(shuffled(t, d), c, "no ticks, other workers");
    }
}

/// Worker 1 starts long after worker 0 has ended, on its own grid: more activations wait than the player keeps at hand.
TEST(simulate, finds_inputs_that_have_waited_long) {
    for (const int units : {3, 70, 300, 1500}) {
        schedule t = generate(gpipe{2, units});
        for (slot& s : t.entries)
            if (s.stage == 1 || s.op == pass::backward) s.tick += 2 * units;
        const costs c{.forward = 1, .backward = 2, .transfer = 0.5};
        expect_equal(t, c, "late");
        const schedule early = compact(t);
        EXPECT_EQ(early.entries, compact(generate(gpipe{2, units})).entries);
    }
}

TEST(simulate, ticks_of_a_compact_order_are_the_times_of_its_slots_at_one_second_a_tick) {
    dice d(7);
    int compared = 0;
    for (int k = 0; k < 60; ++k) {
        schedule t = attack::random_case(d, 40, 60).table;
        if (std::any_of(t.entries.begin(), t.entries.end(), [](const slot& s) { return s.count != 1; })) continue;
        for (slot& s : t.entries) s.ticks = 1, s.tick = roll(d, 0, 5), s.overlap = 0;
        t.head.micro_batches *= t.head.micro_batch_parts;
        t.head.micro_batch_parts = 1;
        const times expected = relax(t, {});
        const schedule timed = compact(t);
        for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(timed.entries[i].tick, expected[i].first) << i;
        ++compared;
    }
    EXPECT_GT(compared, 20);
}

}  // namespace
}  // namespace chimera
