// SPDX-License-Identifier: Apache-2.0

// One training step of GPT-2 on this machine's cores through engine and replicas, as the trainer takes it: full gradient, clipping by
// the global norm, AdamW. Runs a step for each line on standard input and answers with its wall and processor seconds, so that
// another program can be timed in turn with it (bench/peers/turns.py); at the end of the input it prints what it ran and its peak memory.
//
//     yes | head -5 | bench_train_step [--layers L] [--channels C] [--heads H] [--vocabulary V] [--context X] [--tokens T]
//                                      [--sequences B] [--family F] [--stages D] [--micro-batches N] [--width W] [--blocks 9,3] [--threads T]
//                                      [--precision fp32|bf16]
//
// --sequences is of the whole step: each of the width · N micro-batches has B / (width · N).

#include <chimera/core/error.hpp>
#include <executor/engine/engine.hpp>
#include <executor/forecast/predict.hpp>
#include <executor/job/programs.hpp>
#include <executor/workers/clipping.hpp>
#include <executor/workers/replicas.hpp>

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <string>

namespace {

using namespace chimera;
using namespace chimera::executor;

struct wish {
    job what;
    int sequences = 4, threads = 1;
};

std::vector<int> numbers(const std::string& text) {
    std::vector<int> all;
    for (std::size_t at = 0; at < text.size();
         at = text.find(',', at) == text.npos ? text.size() : text.find(',', at) + 1)
        all.push_back(std::atoi(text.c_str() + at));
    return all;
}

wish read(int count, char** words) {
    wish with;
    job& w = with.what;
    w.model = named_model("gpt2");
    w.batch.tokens = 64;
    w.schedule = {};
    w.schedule.which = chimera::family::zb_h1;
    w.schedule.stages = 2;
    w.schedule.micro_batches = 4;
    auto& m = w.model;
    auto& of = w.schedule;
    const auto into = [](auto& place) { return [&place](int value) { place = value; }; };
    const std::map<std::string, std::function<void(int)>> whole{{"--layers", into(m.layers)},
                                                                {"--channels", into(m.channels)},
                                                                {"--heads", into(m.heads)},
                                                                {"--vocabulary", into(m.vocabulary)},
                                                                {"--context", into(m.context)},
                                                                {"--tokens", into(w.batch.tokens)},
                                                                {"--sequences", into(with.sequences)},
                                                                {"--threads", into(with.threads)},
                                                                {"--stages", into(of.stages)},
                                                                {"--width", into(of.width)},
                                                                {"--micro-batches", into(of.micro_batches)}};
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string name = words[i], value = words[i + 1];
        if (name == "--family")
            w.schedule.which = family_named(value);
        else if (name == "--precision")
            w.precision = value == "bf16" ? training_precision::bf16 : training_precision::fp32;
        else if (name == "--blocks")
            w.blocks = numbers(value);
        else if (const auto found = whole.find(name); found != whole.end())
            found->second(std::atoi(value.c_str()));
        else
            refuse("unknown option " + name + " (see the head of bench/train_step.cpp) use one of those");
    }
    return with;
}

double processor_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

long peak_kilobytes() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

batch random_batch(int units, int sequences, int tokens, int vocabulary) {
    batch made{units, sequences, tokens, {}, {}};
    std::uint32_t state = 1;
    for (auto* each : {&made.inputs, &made.targets})
        for (std::size_t i = 0; i < static_cast<std::size_t>(units) * made.unit_size(); ++i) {
            state = state * 1664525u + 1013904223u;
            each->push_back(static_cast<std::int32_t>((state >> 8) % static_cast<std::uint32_t>(vocabulary)));
        }
    return made;
}

int run(const wish& with) {
    const job& w = with.what;
    const job_program proven(w);
    const program_view& of = proven.view();
    const int units = of.head.units();
    if (with.sequences % units != 0)
        refuse(std::to_string(with.sequences) + " sequences do not fill " + std::to_string(units) +
               " units (each takes as many) change --sequences or --micro-batches");
    const unit_shape unit{with.sequences / units, w.tokens()};
    const gpt2_sizes config = w.model;
    const auto layers = stage_layers(config, of.head.stages, w.blocks);
    const auto on = make_host_backend({with.threads, w.in_bf16()});
    replicas model(*on, of, config, layers, unit, 1);
    const batch data = random_batch(units, unit.sequences, unit.tokens, config.vocabulary);
    model.set_batch(data);
    const auto joined = on->join(of);
    const auto ends = joined->ends();
    clipping clip(model, of, w.optimiser, true, ends);
    engine_options options;
    options.cores = shared_cores(0, of.head.workers, with.threads);
    options.hooks.before_update = [&](communicator& end) { clip.before_update(end); };
    options.hooks.each_update = [&](int worker, int stage, int update) { clip.each_update(worker, stage, update); };
    engine iterations(of, model.lookup(), ends, options);
    std::int64_t step = 0;
    for (std::string line; std::getline(std::cin, line); ++step) {
        const auto begin = std::chrono::steady_clock::now();
        const double used = processor_seconds();
        clip.begin(step, 1e-4);
        iterations.run_iteration();
        clip.norm();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        std::printf("%.6f %.6f\n", seconds, processor_seconds() - used);
        std::fflush(stdout);
    }
    const auto losses = model.losses();
    const double loss = std::accumulate(losses.begin(), losses.end(), 0.0) / units;
    std::printf(
        "{\"name\": \"chimera, %s, %s, %d stages, %d micro-batches, %d workers of %d threads\", \"parameters\": %lld, "
        "\"tokens\": %d, "
        "\"loss\": %.6f, \"peak_kilobytes\": %ld}\n",
        name(w.precision).data(), name(w.schedule.which).data(), of.head.stages, of.head.micro_batches, of.head.workers,
        with.threads, static_cast<long long>(parameter_count(config)), with.sequences * unit.tokens, loss,
        peak_kilobytes());
    return 0;
}

}  // namespace

int main(int count, char** words) {
    try {
        return run(read(count, words));
    } catch (const chimera_error& wrong) {
        std::fprintf(stderr, "bench_train_step: %s\n", wrong.what());
        return 2;
    }
}
