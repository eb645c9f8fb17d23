// SPDX-License-Identifier: Apache-2.0
// What the memory model says a worker needs is what the executor allocates for it: state, work space and the engine's pool, over all
// families, with and without recompute.
#include "ledger_device.hpp"

#include "tests/engine/sweep.hpp"

#include <chimera/memory/memory_timeline.hpp>
#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>
#include <executor/engine/worker_plan.hpp>
#include <executor/layers/gpt2_stage.hpp>
#include <executor/memory/run_memory.hpp>

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
template <int Threads, class Real = float>
struct counting_device : cpu_device_in<Real> {
    std::size_t bytes = 0;
    counting_device() : cpu_device_in<Real>(Threads) {}
    host_memory allocate(std::size_t size) {
        bytes += size;
        return host_memory(size);
    }
};
std::size_t allocated(const ledger::device& of) { return of.bytes; }
template <int Threads, class Real>
std::size_t allocated(const counting_device<Threads, Real>& of) {
    return of.bytes + of.scratch_bytes();
}

/// Threads of a device that has scratch memory of its own; 0 for others.
template <class Device>
constexpr int threads_of = 0;
template <int Threads, class Real>
constexpr int threads_of<counting_device<Threads, Real>> = Threads;

/// A model, and how its stages are cut for a program.
struct setting {
    gpt2_sizes config{12, 2, 10, 37, 12};
    int sequences = 2, tokens = 7;  ///< of a unit
};

/// Bytes that each worker's stages ask of their devices in an iteration, and that the engine lays out for it.
template <class Device>
std::vector<std::size_t> measure(const setting& with, const program_argument& p) {
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
            h.model->set_batch(batch);
        }
    const stage_lookup lookup = [&](int worker, int s) -> executor::stage* { return all.at({worker, s}).model.get(); };
    local_world world(p.head.workers), drafts(p.head.workers);
    engine run(p, lookup, world.ends());
    run.run_iteration();
    std::vector<std::size_t> bytes;
    for (communicator* end : drafts.ends()) {
        end->prepare(p.messages);
        bytes.push_back(make_worker_plan(p, *end, lookup).bytes);
    }
    for (const auto& [where, h] : all) bytes[static_cast<std::size_t>(where.first)] += allocated(*h.device);
    return bytes;
}

template <class Device>
void compare(const setting& with, const program_argument& p, const std::string& name) {
    SCOPED_TRACE(name);
    const auto measured = measure<Device>(with, p);
    const auto stages =
        training_memory(p, with.config, stage_layers(with.config, p.head.stages), {with.sequences, with.tokens},
                        threads_of<Device>, has_master<Device> ? numbers_on_cpu_in_bf16 : numbers_on_cpu);
    const auto predicted = memory_timeline(p, stages);
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

TEST(MemoryOnTheCpu, OfWorkersWithSeveralThreadsToo) {
    const setting with{{2, 4, 64, 4000, 64}, 2, 64};  // large enough for products to be cut
    family_options of;
    of.which = chimera::family::one_f_one_b;
    of.stages = 2;
    of.micro_batches = 3;
    const program p = lower(make_schedule(of));
    compare<counting_device<1>>(with, p, "1 thread");
    compare<counting_device<3>>(with, p, "3 threads");
}

TEST(MemoryOnTheCpu, InBf16Too) {
    if (!cpu_has_bf16()) GTEST_SKIP() << "this CPU lacks avx512_bf16";
    for (const std::string_view family : {"one_f_one_b", "bidirectional", "zb_v", "pipedream_2bw"}) {
        family_options of;
        of.which = family_named(family);
        of.stages = 4;
        of.micro_batches = 8;
        const schedule made = make_schedule(of);
        const setting odd{{11, 4, 20, 67, 19}, 1, 19}, with{{6, 2, 32, 256, 32}, 2, 32};
        compare<counting_device<1, bf16>>(odd, lower(made), std::string(family) + ", odd sizes");
        compare<counting_device<3, bf16>>(with, lower(made), std::string(family) + ", 3 threads");
        if (made.head.update == update_rule::flushed) {
            const auto stages = sweep::flags(sweep::recomputed::some, made.head.stages);
            compare<counting_device<1, bf16>>(with, lower(recompute(made, stages)),
                                              std::string(family) + ", even stages recomputed");
        }
    }
}

TEST(MemoryOnTheCpu, IsWhatTheExecutorAllocates) {
    for (const std::string_view family : family_names()) {
        family_options of;
        of.which = family_named(family);
        of.stages = family == "data_parallel" ? 1 : 4;
        of.micro_batches = 8;
        const schedule made = make_schedule(of);
        const setting with{{6, 2, 32, 256, 32}, 2, 32};
        compare<counting_device<1>>(with, lower(made), std::string(family));
        if (made.head.update == update_rule::flushed) {
            const auto stages = sweep::flags(sweep::recomputed::some, made.head.stages);
            compare<counting_device<1>>(with, lower(recompute(made, stages)),
                                        std::string(family) + ", even stages recomputed");
        }
    }
}

}  // namespace
