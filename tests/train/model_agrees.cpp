// SPDX-License-Identifier: Apache-2.0
// The descriptor of the executor's models says what its layers say themselves: counts and bytes, one by one.
#include "ledger_device.hpp"

#include <chimera/memory/stage_bytes.hpp>
#include <chimera/model/catalogue.hpp>
#include <executor/job/job.hpp>
#include <executor/layers/gpt2_stage.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <vector>

namespace {

using namespace chimera;
using namespace chimera::executor;

gpt2_sizes sizes_of(gpt2_sizes c, int tokens) {
    c.tokens = tokens;
    return c;
}

/// Layers of the descriptor that a stage of the executor holds.
std::array<int, 2> layers_of(const gpt2_sizes& c, const layer_range& r) {
    return {r.embedding ? 0 : 1 + r.first, r.head ? c.layers + 2 : 1 + r.last};
}

constexpr gpt2_sizes configs[] = {{4, 2, 32, 256, 32}, {4, 4, 64, 256, 64}, {5, 1, 1, 2, 3},
                                  {3, 3, 21, 17, 9},   {8, 5, 20, 50, 12},  {2, 2, 34, 101, 40}};
constexpr unit_shape units[] = {{1, 1}, {1, 3}, {2, 3}, {3, 2}};

/// `check(config, unit, stages, stage, range, core, bytes)` for every stage of every cut.
template <class Check>
void each_stage(Check check) {
    for (const gpt2_sizes& c : configs)
        for (const unit_shape& unit : units) {
            const model m = executed_gpt2(sizes_of(c, unit.tokens), unit.sequences);
            for (int stages = 1; stages <= c.layers + 2; ++stages)
                for (const layer_range& r : stage_layers(c, stages)) {
                    ledger::device device;
                    gpt2_stage<ledger::device> core(device, c, r, unit, 1);
                    const auto [from, to] = layers_of(c, r);
                    SCOPED_TRACE(testing::Message()
                                 << c.layers << " layers of " << c.channels << ", " << stages << " stages, units of "
                                 << unit.sequences << " x " << unit.tokens << ", layers " << from << " to " << to);
                    check(m, core, device, bytes_of(m, from, to, unit.sequences));
                }
        }
}

TEST(ExecutedModel, ParametersAreThoseOfTheLayers) {
    for (const gpt2_sizes& c : configs) EXPECT_EQ(parameters(executed_gpt2(sizes_of(c, 0))), parameter_count(c));
    each_stage([](const model&, gpt2_stage<ledger::device>& core, ledger::device&, const stage_bytes& of) {
        EXPECT_EQ(of.parameters, static_cast<double>(core.gradients().size()));
    });
}

TEST(ExecutedModel, LayersHaveTheParametersOfTheirTensors) {
    const gpt2_sizes c{3, 3, 21, 17, 9};
    const model m = executed_gpt2(sizes_of(c, 0));
    for (int i = 0; i < static_cast<int>(m.layers.size()); ++i) {
        ledger::device device;
        const bool first = i == 0, last = i == c.layers + 1;
        const int block = std::clamp(i - 1, 0, c.layers);
        const layer_range range{first || last ? 0 : block, first || last ? 0 : block + 1, first, last};
        gpt2_stage<ledger::device> core(device, c, range, {1, 9}, 1);
        std::size_t sum = 0;
        for (const auto& p : core.parameters()) sum += p.what.size;
        EXPECT_EQ(m.layers[static_cast<std::size_t>(i)].parameters, static_cast<std::int64_t>(sum)) << i;
    }
}

TEST(ExecutedModel, ActivationsAndBoundariesAreThoseOfTheLayers) {
    each_stage([](const model&, gpt2_stage<ledger::device>& core, ledger::device&, const stage_bytes& of) {
        const auto bytes = [](std::size_t elements) { return static_cast<double>(4 * elements); };
        EXPECT_DOUBLE_EQ(of.kept, bytes(core.stash_size(false)));
        EXPECT_DOUBLE_EQ(of.selective, of.kept);
        EXPECT_DOUBLE_EQ(of.kept_by(recompute_mode::full), bytes(core.stash_size(true)));
        EXPECT_DOUBLE_EQ(of.input, bytes(core.input_size()));
        EXPECT_DOUBLE_EQ(of.output, bytes(core.output_size()));
    });
}

TEST(ExecutedModel, AllocationsAreStateAndWorkSpace) {
    each_stage([](const model& m, gpt2_stage<ledger::device>& core, ledger::device& device, const stage_bytes& of) {
        const double state = of.parameters * (m.bytes.weight + m.bytes.gradient + m.bytes.optimiser);
        EXPECT_DOUBLE_EQ(static_cast<double>(device.bytes), state + of.workspace);
        const std::size_t before = device.bytes;
        core.keep_versions(3);
        EXPECT_DOUBLE_EQ(static_cast<double>(device.bytes - before), 2 * 4 * of.parameters);
    });
}

TEST(ExecutedModel, FlopsAreThoseOfTheProducts) {
    for (const gpt2_sizes& c : configs)
        for (const unit_shape& unit : units) {
            const model m = executed_gpt2(sizes_of(c, unit.tokens), unit.sequences);
            ledger::device device;
            gpt2_stage<ledger::device> core(device, c, {0, c.layers, true, true}, unit, 1);
            const std::vector<std::int32_t> numbers(unit.size(1), 0);
            const unit_batch batch{numbers, numbers};
            core.set_batch({&batch, 1});
            std::vector<float> stash(core.stash_size(false));
            core.forward(0, stash.data(), nullptr, nullptr);
            core.backward(0, stash.data(), nullptr, nullptr);
            double forward = 0, input = 0, weight = 0;
            for (const layer& l : m.layers) {
                forward += unit.sequences * l.forward;
                input += unit.sequences * l.input_gradient;
                weight += unit.sequences * l.weight_gradient;
            }
            EXPECT_DOUBLE_EQ(device.forward, forward);
            EXPECT_DOUBLE_EQ(device.input_gradient, input);
            EXPECT_DOUBLE_EQ(device.weight_gradient, weight);
        }
}

TEST(ExecutedModel, UnitsOfNoSequenceAreRefused) {
    EXPECT_THROW((void)executed_gpt2(configs[0], 0), chimera_error);
    EXPECT_THROW((void)executed_gpt2(configs[0], (1 << 20) + 1), chimera_error);
}

TEST(ExecutedModel, UnknownNamesAreAnsweredWithTheKnown) {
    try {
        (void)known_model("gpt-2");
        FAIL();
    } catch (const chimera_error& e) {
        for (const char* name : {"tiny, bytes, gpt2, gpt2-124m", "resnet-20"})
            EXPECT_NE(std::string(e.what()).find(name), std::string::npos) << name;
    }
}

TEST(ExecutedModel, NamedModelsAreThoseOfTheTrainer) {
    for (const char* name : {"tiny", "bytes", "gpt2"}) {
        const gpt2_sizes of = named_model(name);
        const model own = executed_gpt2(of);
        const model found = known_model(name);
        EXPECT_EQ(found.tokens, of.context);
        ASSERT_EQ(found.layers.size(), own.layers.size());
        for (std::size_t i = 0; i < own.layers.size(); ++i) {
            EXPECT_EQ(found.layers[i].parameters, own.layers[i].parameters);
            EXPECT_EQ(found.layers[i].activations, own.layers[i].activations);
            EXPECT_EQ(found.layers[i].forward, own.layers[i].forward);
        }
    }
}

}  // namespace
