// SPDX-License-Identifier: Apache-2.0
#include "steps.hpp"

#include <chimera/program/lower.hpp>

#include <executor/engine/engine.hpp>
#include <executor/gpu/gpu_backend.hpp>
#include <executor/io/family_options.hpp>
#include <executor/memory/measured_memory.hpp>
#include <executor/workers/clipping.hpp>
#include <executor/workers/replicas.hpp>

#include <chrono>
#include <random>

namespace chimera::bench {

namespace {

using namespace executor;
using clock = std::chrono::steady_clock;
constexpr int warm = 3;

batch random_batch(int units, int sequences, int tokens, int vocabulary) {
    batch made;
    made.units = units;
    made.sequences = sequences;
    made.tokens = tokens;
    std::mt19937 random(1);
    made.inputs.resize(static_cast<std::size_t>(units) * made.unit_size());
    for (auto& t : made.inputs) t = static_cast<std::int32_t>(random() % static_cast<unsigned>(vocabulary));
    made.targets = made.inputs;
    return made;
}

double last_end(const timeline& t) {
    double end = 0;
    for (const step& s : t.steps) end = std::max(end, s.end);
    return end;
}

program program_of(const step_job& job) {
    family_options of;
    of.which = executor::family_named(job.family);
    of.stages = job.workers * stages_a_worker(job.family);
    of.micro_batches = job.micro_batches;
    return lower(make_schedule(of));
}

}  // namespace

int stages_a_worker(std::string_view family) { return family == "interleaved" || family == "zb_v" ? 2 : 1; }

step_result run_steps(const step_job& job) {
    const program what = program_of(job);
    const auto layers = stage_layers(job.config, what.head.stages);
    const auto on = make_gpu_backend({.workers = 1, .bf16 = true});  // one GPU, however many there are
    const unit_shape unit{job.sequences / what.head.micro_batch_parts, job.config.context};
    step_result out;
    out.predicted = static_cast<double>(check_device_memory(what, job.config, layers, unit, *on->room()));
    replicas model(*on, what, job.config, layers, unit, 1);
    const batch data = random_batch(what.head.units(), unit.sequences, unit.tokens, job.config.vocabulary);
    const auto joined = on->join(what);
    const auto ends = joined->ends();
    const optimiser_settings still{.learning_rate = 0};
    clipping clip(model, what, still, false, ends);
    engine_options options;
    options.work_queues = on->work_queues();
    options.watchdog_seconds = 120;
    options.graph = joined->graph();
    options.plain_iterations = job.plain > 0 ? warm + job.plain : 1;
    options.hooks.before_update = [&](communicator& end) { clip.before_update(end); };
    engine runs(what, model.lookup(), ends, options);
    std::vector<double> plain, graph, events;
    for (int i = 0; i < options.plain_iterations + warm + job.count; ++i) {
        const auto begin = clock::now();
        model.set_batch(data);
        clip.begin(i, 0);
        const timeline& measured = runs.run_iteration();
        const double took = std::chrono::duration<double>(clock::now() - begin).count();
        if (i >= warm && i < options.plain_iterations) plain.push_back(took);
        if (i >= options.plain_iterations + warm) graph.push_back(took), events.push_back(last_end(measured));
        out.bytes = std::max(out.bytes, static_cast<double>(on->room()->taken()));
    }
    if (!plain.empty()) out.plain = spread_of(plain);
    out.graph = spread_of(graph), out.events = spread_of(events);
    out.tokens = static_cast<double>(data.inputs.size());
    return out;
}

}  // namespace chimera::bench
