// SPDX-License-Identifier: Apache-2.0
// Recompute by layers and sequence parallelism, beside the closed formulas of Korthikanti et al. (arXiv 2205.05198),
// beside sums over layers written out, and beside a play of the slots.

#include <chimera/memory/memory_timeline.hpp>
#include <chimera/model/gpt2.hpp>
#include <chimera/plan/estimator.hpp>
#include <chimera/plan/family_variants.hpp>
#include <chimera/schedule/families.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace chimera;

namespace {

struct random_numbers {
    std::mt19937 random{20205};
    int operator()(int low, int high) {
        return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
    }
};

/// Random layers of every kind: some keep less than they are handed.
model random_chain(random_numbers& roll) {
    model out;
    const int count = roll(2, 13);
    for (int i = 0; i < count; ++i) {
        layer l;
        l.kind = i == 0 ? layer_kind::embedding : i + 1 == count ? layer_kind::head : layer_kind::block;
        l.activations = roll(1, 97);
        l.replicated = roll(0, static_cast<int>(l.activations));
        l.selective = roll(static_cast<int>(l.replicated), static_cast<int>(l.activations));
        l.output = roll(1, 31);
        l.forward = roll(1, 53) * 1e9;
        l.input_gradient = l.weight_gradient = l.forward;
        out.layers.push_back(l);
    }
    return out;
}

}  // namespace

TEST(recompute_by_layers, blocks_keep_what_the_paper_says) {
    random_numbers roll;
    for (int k = 0; k < 200; ++k) {
        const int t = roll(1, 9), heads = t * roll(1, 5), channels = heads * roll(1, 40), tokens = t * roll(1, 70);
        const int blocks = roll(1, 7), b = roll(1, 5);
        const model m = gpt2({.layers = blocks, .heads = heads, .channels = channels, .context = tokens, .how = {}});
        const double s = tokens, h = channels, a = heads, sbh = s * b * h;
        const stage_bytes plain = bytes_of(m, 1, 1 + blocks, b, t), shared = bytes_of(m, 1, 1 + blocks, b, {t, true});
        const double near = 1e-12;
        const auto same = [&](double found, double wanted) { EXPECT_NEAR(found, wanted, near * wanted); };
        same(plain.kept_by(recompute_mode::layers), blocks * 2 * sbh);
        same(plain.layer, sbh * (10 + 24.0 / t + 5 * a * s / (h * t)) - 2 * sbh);
        const double parts = t;
        same(shared.kept_by(recompute_mode::none), blocks * sbh / parts * (34 + 5 * a * s / h));
        same(shared.kept_by(recompute_mode::selective), blocks * sbh / parts * 34);
        same(shared.kept_by(recompute_mode::layers), blocks * 2 * sbh / parts);
        same(shared.kept_by(recompute_mode::full), 2 * sbh / parts);
    }
}

TEST(recompute_by_layers, stages_keep_the_inputs_of_their_blocks_and_the_ends_whole) {
    random_numbers roll;
    for (int k = 0; k < 500; ++k) {
        const model m = random_chain(roll);
        const int count = static_cast<int>(m.layers.size()), from = roll(0, count - 1), to = roll(from + 1, count);
        double kept = 0, largest = 0, again = 0;
        for (int i = from; i < to; ++i) {
            const layer& l = m.layers[static_cast<std::size_t>(i)];
            const double input = i > 0 ? m.layers[static_cast<std::size_t>(i) - 1].output : 0;
            const bool alone = i > 0 && i + 1 < count && l.activations > input;
            kept += 3 * (alone ? input : l.activations);
            if (alone) largest = std::max(largest, 3 * (l.activations - input)), again += 3 * l.forward / 1e12;
        }
        const stage_bytes of = bytes_of(m, from, to, 3);
        EXPECT_DOUBLE_EQ(of.by_layers, kept);
        EXPECT_DOUBLE_EQ(of.layer, largest);
        hardware on;
        on.flops = 1e12;
        const stage_sums sums = layer_sums(m, on, 3, 1).of(from, to);
        EXPECT_NEAR(sums.by_layers, kept, 1e-9 * kept);
        EXPECT_NEAR(sums.layers_time, again, 1e-9 * again);
    }
}

TEST(recompute_by_layers, peaks_are_those_of_the_slots_played) {
    random_numbers roll;
    int split = 0, whole = 0;
    for (int k = 0; k < 600; ++k) {
        const auto which = static_cast<family>(roll(0, static_cast<int>(family_labels.size()) - 1));
        const auto specs = variants(which, roll(1, 6), roll(1, 13), 64);
        if (specs.empty()) continue;
        const family_spec spec = specs[static_cast<std::size_t>(roll(0, static_cast<int>(specs.size()) - 1))];
        if (spec.refused() != refusal::none) continue;
        const schedule order = generate(spec);
        const bool halves = splits_backward(spec);
        (halves ? split : whole) += 1;
        std::vector<stage_memory> stages;
        std::vector<stage_bytes> bytes;
        for (int s = 0; s < spec.stages; ++s) {
            stage_bytes of;
            of.kept = roll(10, 99), of.by_layers = roll(1, 9), of.layer = roll(1, 20), of.selective = of.kept;
            bytes.push_back(of);
            stages.push_back(memory_of(of, {}, recompute_mode::layers, 0, 1, 1, halves));
        }
        for (int w = 0; w < spec.workers(); ++w) {
            double live = 0, most = 0, before = 0;
            for (const slot& x : order.view().row(w)) {
                const stage_bytes& of = bytes[x.stage];
                if (x.op == pass::forward) live += of.by_layers * x.count;
                // A family that splits backwards may have whole ones, too: they count as if they were split.
                const bool unfolds = halves && x.op != pass::forward && x.op != pass::weight_gradient;
                if (unfolds) live += (of.kept - of.by_layers) * x.count;
                most = std::max(most, live);
                live -= before, before = 0;
                if (x.op == pass::backward || x.op == pass::weight_gradient) {
                    const double freed = (halves ? of.kept : of.by_layers) * x.count;
                    x.overlap != 0 ? before += freed : live -= freed;
                }
            }
            EXPECT_DOUBLE_EQ(activation_peak(order.view().row(w), stages), most) << label_of(spec);
        }
        for (int s = 0; s < spec.stages; ++s)
            EXPECT_EQ(stages[static_cast<std::size_t>(s)].workspace,
                      halves ? 0 : bytes[static_cast<std::size_t>(s)].layer);
    }
    EXPECT_GT(std::min(split, whole), 100);
}

TEST(recompute_by_layers, sequence_parallelism_takes_neither_more_time_nor_more_memory) {
    random_numbers roll;
    for (int k = 0; k < 200; ++k) {
        const int t = roll(2, 8);
        const model m =
            gpt2({.layers = roll(4, 9), .heads = 2 * t, .channels = 2 * t * roll(1, 40), .context = t * roll(1, 50)});
        cluster on;
        on.nodes = roll(1, 3);
        on.workers_per_node = t * 6;
        on.each.flops = 1e13;
        on.each.memory_bandwidth = 1e11;
        on.each.inside = on.each.between = {0, 1e14};  // gathers hide behind products
        configuration one;
        one.schedule = {.which = family::one_f_one_b, .stages = roll(2, 4), .micro_batches = roll(1, 9)};
        one.tensor = t;
        one.recompute = static_cast<recompute_mode>(roll(0, 2));
        order_cache orders;
        estimator estimate(m, on, orders);
        const evaluation without = estimate(one);
        configuration other = one;  // with the same cuts
        other.sequence_parallel = true;
        const evaluation with = estimate(other);
        EXPECT_LE(with.seconds, without.seconds * (1 + 1e-12));
        EXPECT_LT(with.memory, without.memory);
    }
}
