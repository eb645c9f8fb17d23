// SPDX-License-Identifier: Apache-2.0
// Training steps of whole models, alone and as pipelines whose workers share the GPU.
#include "suites.hpp"

#include <chimera/program/lower.hpp>

#include <executor/device/cuda/check.hpp>
#include <executor/engine/engine.hpp>
#include <executor/gpu/gpu_backend.hpp>
#include <executor/io/family.hpp>
#include <executor/train/clipping.hpp>
#include <executor/train/replicas.hpp>

#include <chrono>
#include <cstdio>
#include <random>

namespace chimera::bench {

namespace {

using namespace executor;
using clock = std::chrono::steady_clock;

struct step_result {
    spread whole;          ///< host's clock, all work done
    spread makespan;       ///< events
    double bytes = 0;      ///< taken from the GPU, most
    double predicted = 0;  ///< of these, by the planner
    double tokens = 0;     ///< of an iteration
};

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

/// `graph`: iterations as one CUDA graph.
step_result run(const char* family, int workers, const gpt2_config& config, int sequences, int micro_batches, int count,
                bool graph = false) {
    family_options of;
    of.family = family;
    of.stages = workers;
    of.micro_batches = micro_batches;
    const program what = lower(make_schedule(of));
    const auto layers = stage_layers(config, what.head.stages);
    const auto on = make_gpu_backend({.workers = 1, .bf16 = true});  // one GPU, however many there are
    const unit_shape unit{sequences / what.head.micro_batch_parts, config.context};
    const std::size_t predicted = check_device_memory(what, config, layers, unit, *on->room());
    replicas model(*on, what, config, layers, unit, 1);
    const batch data = random_batch(what.head.units(), unit.sequences, unit.tokens, config.vocabulary);
    const auto joined = on->join(what);
    const auto ends = joined->ends();
    const optimiser_settings still{.learning_rate = 0};
    clipping clip(model, what, still, false, ends);
    engine_options options;
    options.lanes = on->lanes();
    options.watchdog_seconds = 120;
    if (graph) options.graph = joined->graph();
    options.hooks.before_update = [&](communicator& end) { clip.before_update(end); };
    engine runs(what, model.lookup(), ends, options);
    std::vector<double> whole, makespan;
    step_result out;
    out.predicted = static_cast<double>(predicted);
    for (int i = 0; i < count + 2; ++i) {
        model.set_batch(data);
        clip.begin(i, 0);
        const auto begin = clock::now();
        const timeline& measured = runs.run_iteration();
        if (i >= 2) whole.push_back(std::chrono::duration<double>(clock::now() - begin).count());
        if (i >= 2) makespan.push_back(last_end(measured));
        out.bytes = std::max(out.bytes, static_cast<double>(on->room()->taken()));
    }
    out.whole = spread_of(whole);
    out.makespan = spread_of(makespan);
    out.tokens = static_cast<double>(data.inputs.size());
    return out;
}

}  // namespace

const std::vector<sized_model> models{
    {"124M", {12, 12, 768, 50257, 1024}, 32, 4},
    {"350M", {24, 16, 1024, 50257, 1024}, 16, 4},
    {"1558M", {48, 25, 1600, 50257, 1024}, 8, 4},
};

void models_suite(double peak, std::string_view only) {
    std::printf(
        "\nTraining steps in bf16, one worker: 6 · tokens · (layers · (12 c² + c · tokens a sequence) + c · "
        "vocabulary) FLOP.\n\n");
    std::printf(
        "| GPT-2 | sequences × micro-batches | TFLOP | step ms | events ms | tokens/s | MFU | GiB | predicted | spread "
        "|\n");
    std::printf("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (const sized_model& m : models) {
        if (!only.empty() && only != m.name) continue;
        const step_result r = run("gpipe", 1, m.config, m.sequences, m.micro_batches, 10);
        const double flops = step_flops(m.config, r.tokens, m.config.context);
        std::printf("| %s | %d × %d | %.1f | %.1f | %.1f | %.0f | %s | %.2f | %.2f | %.1f %% |\n", m.name, m.sequences,
                    m.micro_batches, 1e-12 * flops, 1e3 * r.whole.median, 1e3 * r.makespan.median,
                    r.tokens / r.whole.median, share(flops, r.whole.median, peak).c_str(), r.bytes / 0x1p30,
                    r.predicted / 0x1p30, 100 * r.whole.relative());
        std::printf(
            "json {\"suite\": \"model\", \"name\": \"%s\", \"sequences\": %d, \"micro_batches\": %d, "
            "\"tokens_per_second\": %g, \"bytes\": %.0f, \"predicted_bytes\": %.0f, \"spread\": %g}\n",
            m.name, m.sequences, m.micro_batches, r.tokens / r.whole.median, r.bytes, r.predicted, r.whole.relative());
    }
}

namespace {

/// What launching takes: an iteration as single launches, and as a graph.
void graph_table() {
    std::printf(
        "\n| GPT-2 | plain ms | graph ms | graph: host's clock over events | spreads |\n|---|---:|---:|---:|---:|\n");
    for (const sized_model& m : models) {
        const step_result plain = run("gpipe", 1, m.config, m.sequences, m.micro_batches, 10),
                          whole = run("gpipe", 1, m.config, m.sequences, m.micro_batches, 10, true);
        std::printf("| %s | %.2f | %.2f | %+.2f %% | %.1f %%, %.1f %% |\n", m.name, 1e3 * plain.whole.median,
                    1e3 * whole.whole.median, 100 * (whole.whole.median / whole.makespan.median - 1),
                    100 * plain.whole.relative(), 100 * whole.whole.relative());
    }
}

}  // namespace

void loopback_suite() {
    const gpt2_config config{12, 12, 768, 50257, 1024};
    const step_result alone = run("gpipe", 1, config, 8, 8, 10);
    std::printf("\nGPT-2 124M, 8 micro-batches of 8 sequences, on one GPU; one worker takes %.1f ms.\n\n",
                1e3 * alone.whole.median);
    std::printf("| family | workers | ms | of one worker's time | spread |\n|---|---:|---:|---:|---:|\n");
    for (const char* family : {"gpipe", "one_f_one_b", "bidirectional", "zb_h1", "interleaved"})
        for (const int workers : {2, 4}) {
            const int stages = std::string_view(family) == "interleaved" ? 2 * workers : workers;
            const step_result r = run(family, stages, config, 8, 8, 10);
            std::printf("| %s | %d | %.1f | %.3f | %.1f %% |\n", family, workers, 1e3 * r.whole.median,
                        r.whole.median / alone.whole.median, 100 * r.whole.relative());
        }
    graph_table();
}

}  // namespace chimera::bench
