// SPDX-License-Identifier: Apache-2.0
// What the memory model says a worker needs is what the executor allocates for it: state, work space and the engine's pool, over all
// families, with and without recompute.
#include "ledger_device.hpp"

#include "tests/engine/sweep.hpp"

#include <chimera/model/catalogue.hpp>
#include <chimera/partition/memory.hpp>
#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>
#include <executor/engine/plan.hpp>
#include <executor/layers/gpt2_stage.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace {

using namespace chimera;
using namespace chimera::executor;

/// A device of the executor that counts what is allocated.
struct counting_device : cpu_device {
    std::size_t bytes = 0;
    memory allocate(std::size_t size) {
        bytes += size;
        return cpu_device::allocate(size);
    }
};

/// A model, and how its stages are cut for a program.
struct setting {
    gpt2_config config{12, 2, 10, 37, 12};
    int sequences = 2, tokens = 7;  ///< of a unit
};

std::vector<stage_memory> stages_of(const setting& with, const program_view& p) {
    const gpt2_config& c = with.config;
    const model m = executed_gpt2({.layers = c.layers,
                                   .heads = c.heads,
                                   .channels = c.channels,
                                   .vocabulary = c.vocabulary,
                                   .context = c.context,
                                   .tokens = with.tokens,
                                   .how = {}},
                                  with.sequences);
    std::vector<int> cuts{0};
    for (const layer_range& r : stage_layers(c, p.head.stages)) cuts.push_back(r.head ? c.layers + 2 : 1 + r.last);
    const auto recomputes = [&](int s) {
        return std::ranges::any_of(p.instructions,
                                   [&](const instruction& i) { return i.op == action::recompute && i.stage == s; });
    };
    std::vector<stage_memory> out;
    const auto all = bytes_of(m, cuts, with.sequences);
    for (int s = 0; s < p.head.stages; ++s)
        out.push_back(memory_of(all[static_cast<std::size_t>(s)], m.bytes,
                                recomputes(s) ? recompute_mode::full : recompute_mode::none, 0, 1,
                                weight_versions(p.head, s)));
    return out;
}

/// Bytes that each worker's stages ask of their devices in an iteration, and that the engine lays out for it.
template <class Device>
std::vector<std::size_t> measure(const setting& with, const program_view& p) {
    const auto ranges = stage_layers(with.config, p.head.stages);
    const unit_shape unit{with.sequences, with.tokens};
    const std::vector<std::int32_t> numbers(unit.size(1), 1);
    const std::vector<unit_batch> batch(static_cast<std::size_t>(p.head.units()), {numbers, numbers});
    struct held {
        std::unique_ptr<Device> device = std::make_unique<Device>();
        std::unique_ptr<gpt2_stage<Device>> model;
    };
    std::map<std::pair<int, int>, held> all;
    for (int s = 0; s < p.head.stages; ++s)
        for (const int w : p.replica_group(s)) {
            held& h = all[{w, s}];
            h.model = std::make_unique<gpt2_stage<Device>>(*h.device, with.config, ranges[static_cast<std::size_t>(s)],
                                                           unit, 1);
            h.model->core().set_batch(batch);
        }
    const stage_lookup lookup = [&](int worker, int s) -> executor::stage* { return all.at({worker, s}).model.get(); };
    local_world world(p.head.workers), drafts(p.head.workers);
    engine run(p, lookup, world.ends());
    run.run_iteration();
    std::vector<std::size_t> bytes;
    for (communicator* end : drafts.ends()) {
        end->prepare(p.messages);
        bytes.push_back(make_plan(p, *end, lookup).bytes);
    }
    for (const auto& [where, h] : all) bytes[static_cast<std::size_t>(where.first)] += h.device->bytes;
    return bytes;
}

template <class Device>
void compare(const setting& with, const program_view& p, const std::string& name) {
    SCOPED_TRACE(name);
    const auto measured = measure<Device>(with, p);
    const auto predicted = memory_timeline(p, stages_of(with, p));
    ASSERT_EQ(predicted.size(), measured.size());
    for (std::size_t w = 0; w < measured.size(); ++w) {
        EXPECT_EQ(std::llround(predicted[w].reserved()), static_cast<long long>(measured[w])) << "worker " << w;
        EXPECT_LE(predicted[w].peak(), predicted[w].reserved() * (1 + 1e-12)) << "worker " << w;
    }
}

class Memory : public testing::TestWithParam<sweep::variant> {};

TEST_P(Memory, IsWhatTheExecutorAllocates) {
    sweep::each_choice(GetParam(), [](const sweep::job& j, int choice) {
        setting with;
        if (choice % 2 == 1) with = {{11, 4, 16, 64, 16}, 1, 16};
        compare<ledger::device>(with, sweep::program_of(j, choice), sweep::name_of(j, choice));
    });
}

std::vector<sweep::variant> all_variants() {
    auto all = sweep::variants(true);
    for (auto& v : sweep::variants(false)) all.push_back(std::move(v));
    return all;
}

INSTANTIATE_TEST_SUITE_P(All, Memory, testing::ValuesIn(all_variants()), [](const auto& of) { return of.param.name; });

TEST(MemoryOnTheCpu, IsWhatTheExecutorAllocates) {
    for (const char* family : {"one_f_one_b", "bidirectional", "zb_h1", "pipedream"}) {
        family_options of;
        of.family = family;
        of.stages = of.micro_batches = 4;
        const schedule made = make_schedule(of);
        compare<counting_device>({{6, 2, 32, 256, 32}, 2, 32}, lower(made), family);
        if (made.head.update == weights::flushed)
            compare<counting_device>({{6, 2, 32, 256, 32}, 2, 32},
                                     lower(recompute(made, sweep::flags(sweep::recomputed::full, 4))), family);
    }
}

}  // namespace
