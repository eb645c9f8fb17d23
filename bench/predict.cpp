// SPDX-License-Identifier: Apache-2.0

// This machine predicts itself: profiles layers, forecasts an iteration of every family on 2 and 4 workers without running
// any, then runs them all and compares; several times over. Prints a table in Markdown: medians over the cycles.
//
//     bench_predict [--layers L] [--channels C] [--heads H] [--tokens T] [--sequences B] [--micro-batches N]
//                   [--vocabulary V] [--seconds S] [--cycles C] [--profile-seconds P] [--workers W]
//                   [--threads T] [--precision fp32|bf16]

#include <chimera/program/lower.hpp>

#include <executor/forecast/predict.hpp>
#include <executor/io/family_options.hpp>
#include <executor/profile/forecast.hpp>
#include <executor/profile/measure_profile.hpp>
#include <executor/profile/other_load.hpp>
#include <executor/profile/probe.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

using namespace chimera;
using namespace chimera::executor;

struct wish {
    gpt2_sizes model{.layers = 8, .heads = 4, .channels = 128, .vocabulary = 256, .context = 64};
    int sequences = 4, micro_batches = 8, cycles = 5;
    double seconds = 0.3;        // of every configuration in every cycle
    double profile_seconds = 8;  // of every cycle
    std::vector<int> workers{2, 4};
    int threads = 1;  // of each worker
    bool bf16 = false;
};

struct contender {
    std::string name;
    int workers = 0, stages = 0;
    program what;
    std::vector<layer_range> layers;
    std::vector<double> expected, measured, off;  // of every cycle: seconds, seconds, error
};

/// The family's schedule with as few stages as give `workers` workers; null where none does or the model is too shallow.
std::unique_ptr<contender> contender_of(const std::string& family, int workers, const wish& with) {
    for (int k = 1; k <= 2; ++k) {
        family_options of;
        of.which = family_named(family);
        of.stages = k * workers;
        of.micro_batches = with.micro_batches;
        if (family == "data_parallel") of.stages = 1, of.width = workers, of.micro_batches /= workers;
        try {
            auto made = std::make_unique<contender>();
            made->what = lower(make_schedule(of));
            if (made->what.head.workers != workers) continue;
            made->name = family;
            made->workers = workers;
            made->stages = made->what.head.stages;
            if (made->stages > with.model.layers) return nullptr;
            made->layers = stage_layers(with.model, made->stages);
            return made;
        } catch (const chimera_error&) {
        }
    }
    return nullptr;
}

/// A profile, forecasts with it, then the same configurations run: all within so short a time that the machine is as fast, or as
/// busy with other things, in both. Returns the share of the cores that others used.
double cycle(std::vector<std::unique_ptr<contender>>& all, const wish& with) {
    const other_load others;
    profile_request wanted;
    wanted.model = with.model;
    wanted.tokens = with.model.context;
    wanted.sequences = {with.sequences};
    wanted.workers = with.workers;
    wanted.seconds = with.profile_seconds;
    wanted.threads = with.threads;
    wanted.bf16 = with.bf16;
    const profile known = measure_profile(wanted);
    for (const auto& one : all) {
        std::vector<profiled_stage> stages;
        for (const layer_range& r : one->layers) stages.push_back({r, false});
        one->expected.push_back(forecast_of(known, one->what, stages, with.sequences).makespan);
    }
    for (const auto& one : all) {
        ground on(one->what, with.model, one->layers, {with.sequences, with.model.context}, one->what.head.units(),
                  {with.threads, with.bf16});
        probe running(one->what, on, shared_cores(0, one->workers, with.threads), 60);
        one->measured.push_back(running.makespan(with.seconds));
        one->off.push_back(one->expected.back() / one->measured.back() - 1);
    }
    return others.share();
}

void report(std::vector<std::unique_ptr<contender>>& all, const wish& with) {
    std::printf("| workers | family | stages | predicted ms | measured ms | error | of each cycle |\n");
    std::printf("|---:|---|---:|---:|---:|---:|---|\n");
    double worst = 0;
    for (const auto& c : all) {
        worst = std::max(worst, std::abs(median(c->off)));
        std::printf("| %d | %s | %d | %.3f | %.3f | %+.1f %% |", c->workers, c->name.c_str(), c->stages,
                    1e3 * median(c->expected), 1e3 * median(c->measured), 100 * median(c->off));
        for (const double off : c->off) std::printf(" %+.1f", 100 * off);
        std::printf(" |\n");
    }
    std::printf("\nLargest error %.1f %%.\n", 100 * worst);
    for (const int w : with.workers) {
        const contender *chosen = nullptr, *best = nullptr;
        for (const auto& c : all) {
            if (c->workers != w) continue;
            if (!chosen || median(c->expected) < median(chosen->expected)) chosen = c.get();
            if (!best || median(c->measured) < median(best->measured)) best = c.get();
        }
        if (chosen)
            std::printf("%d workers: predicted best %s, truly best %s, %.1f %% apart.\n", w, chosen->name.c_str(),
                        best->name.c_str(), 100 * (median(chosen->measured) / median(best->measured) - 1));
    }
}

wish wish_of(int count, char** arguments) {
    wish out;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string key = arguments[i];
        const char* value = arguments[i + 1];
        if (key == "--layers") out.model.layers = std::atoi(value);
        if (key == "--channels") out.model.channels = std::atoi(value);
        if (key == "--heads") out.model.heads = std::atoi(value);
        if (key == "--tokens") out.model.context = std::atoi(value);
        if (key == "--vocabulary") out.model.vocabulary = std::atoi(value);
        if (key == "--sequences") out.sequences = std::atoi(value);
        if (key == "--micro-batches") out.micro_batches = std::atoi(value);
        if (key == "--seconds") out.seconds = std::atof(value);
        if (key == "--profile-seconds") out.profile_seconds = std::atof(value);
        if (key == "--cycles") out.cycles = std::atoi(value);
        if (key == "--threads") out.threads = std::atoi(value);
        if (key == "--precision") out.bf16 = std::strcmp(value, "bf16") == 0;
        if (key == "--workers") out.workers = {std::atoi(value)};
    }
    return out;
}

}  // namespace

int main(int count, char** arguments) {
    const wish with = wish_of(count, arguments);
    std::vector<std::unique_ptr<contender>> all;
    for (const int w : with.workers)
        for (const auto family : family_names())
            if (auto one = contender_of(std::string(family), w, with)) all.push_back(std::move(one));
    std::printf(
        "%d layers, %d channels, %d sequences of %d tokens, %d micro-batches, %s, workers of %d threads. Others used",
        with.model.layers, with.model.channels, with.sequences, with.model.context, with.micro_batches,
        with.bf16 ? "bf16" : "fp32", with.threads);
    for (int c = 0; c < with.cycles; ++c) std::printf(" %.0f", 100 * cycle(all, with));
    std::printf(" %% of the cores.\n\n");
    report(all, with);
}
