// SPDX-License-Identifier: Apache-2.0
// The iterations that are measured before a run: how many, and how many passes through layers they take.
#include "made.hpp"

#include <executor/device/cpu/cpu.hpp>
#include <executor/forecast/predict.hpp>
#include <executor/layers/layer_passes.hpp>
#include <executor/workers/process_group.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <string_view>

namespace chimera::executor {
namespace {

constexpr gpt2_sizes small{.layers = 5, .heads = 2, .channels = 8, .vocabulary = 17, .context = 6};

struct counted {
    prediction made;
    std::uint64_t passes = 0;  // done
    std::uint64_t each = 0;    // foretold of an iteration
    std::uint64_t first = 0;   // done before it: one forward through the largest stage
};

counted measure(const program& order, double seconds) {
    const auto layers = stage_layers(small, order.head.stages);
    const unit_shape unit{2, 5};
    batch sample{order.head.units(), unit.sequences, unit.tokens, {}, {}};
    sample.inputs.assign(static_cast<std::size_t>(sample.units) * sample.unit_size(), 3);
    sample.targets = sample.inputs;
    process_group alone;
    alone.deal(order.head.workers);
    const auto on = make_host_backend();
    counted out;
    out.each = passes_through_layers(alone, order, layers);
    for (const layer_range& held : layers)
        out.first = std::max(out.first, static_cast<std::uint64_t>(held.last - held.first));
    const auto before = layer_passes.load();
    out.made = predict(alone, *on,
                       {.order = order,
                        .model = small,
                        .layers = layers,
                        .unit = unit,
                        .sample = sample,
                        .cores = {1, 1},
                        .seconds = seconds,
                        .graph = true});  // of no account on the CPU
    out.passes = layer_passes.load() - before;
    return out;
}

TEST(measuring, takes_one_iteration_that_is_long_or_else_three_after_the_first) {
    std::mt19937 draw(19);
    int measured = 0;
    for (int k = 0; k < 60; ++k) {
        const std::string_view family = family_names()[draw() % family_names().size()];
        const int stages = 1 + static_cast<int>(draw() % 7), micro_batches = 1 + static_cast<int>(draw() % 9);
        const bool full = draw() % 2 != 0;
        program order;
        try {
            order = chimera::test::made(std::string(family).c_str(), stages, micro_batches, full ? "full" : "none");
        } catch (const chimera_error&) {
            continue;  // not in so many stages and micro-batches
        }
        SCOPED_TRACE(std::string(family) + " " + std::to_string(stages) + " " + std::to_string(micro_batches));
        const counted once = measure(order, 0);
        // Forward, backward or its two halves, and once more what is recomputed: of each unit and layer.
        std::set<action> kinds;
        for (const instruction& i : order.instructions)
            if (is_compute(i.op)) kinds.insert(i.op);
        const auto one_kind = static_cast<std::size_t>(small.layers * order.head.units());
        if (kinds.contains(action::backward) && kinds.contains(action::input_gradient)) {  // whole for some units only
            EXPECT_GT(once.each, (kinds.size() - 2) * one_kind);
            EXPECT_LT(once.each, (kinds.size() - 1) * one_kind);
        } else {
            EXPECT_EQ(once.each, kinds.size() * one_kind);
        }
        EXPECT_EQ(once.passes, once.each + once.first);
        EXPECT_GT(once.made.makespan, 0);
        EXPECT_GT(once.made.iteration, once.made.makespan);
        const counted often = measure(order, 1e6);
        EXPECT_EQ(often.passes, 4 * often.each + often.first);
        ++measured;
    }
    EXPECT_GT(measured, 20);
}

}  // namespace
}  // namespace chimera::executor
