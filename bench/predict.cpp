// SPDX-License-Identifier: Apache-2.0

// This machine predicts itself: profiles layers, forecasts an iteration of every family on 2 and 4 workers without running
// any, then runs them all and compares. Prints a table in Markdown.
//
//     bench_predict [--layers L] [--channels C] [--heads H] [--tokens T] [--sequences B] [--micro-batches N]
//                   [--vocabulary V] [--seconds S] [--rounds R] [--profile FILE] [--workers 2,4]

#include <chimera/program/lower.hpp>

#include <executor/io/family.hpp>
#include <executor/profile/measure_profile.hpp>
#include <executor/profile/other_load.hpp>
#include <executor/profile/probe.hpp>
#include <executor/train/calibrate.hpp>

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
    gpt2_config model{.layers = 8, .heads = 4, .channels = 128, .vocabulary = 256, .context = 64};
    int sequences = 4, micro_batches = 8, rounds = 6;
    double seconds = 1;  // of every configuration in every round
    double profile_seconds = 30;
    std::string profile;
    std::vector<int> workers{2, 4};
};

struct contender {
    std::string name;
    int workers = 0, stages = 0;
    program what;
    std::vector<layer_range> layers;
    forecast expected;
    std::vector<std::pair<double, double>> rounds;  // share of the cores that others used, makespan
    double measured = 0;
};

/// The family's schedule with as few stages as give `workers` workers; null where none does or the model is too shallow.
std::unique_ptr<contender> contender_of(const std::string& family, int workers, const wish& with) {
    for (int k = 1; k <= 2; ++k) {
        family_options of;
        of.family = family;
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
        } catch (const error&) {
        }
    }
    return nullptr;
}

/// The median makespan of a round.
std::pair<double, double> run(const contender& what, const wish& with) {
    ground on(what.what, with.model, what.layers, {with.sequences, with.model.context}, what.what.head.units());
    probe one(what.what, on, shared_cores(0, what.workers), 60);
    const other_load others;
    const double makespan = one.makespan(with.seconds);
    return {others.share(), makespan};
}

profile profile_of(const wish& with) {
    if (!with.profile.empty()) return load_profile(with.profile);
    profile_request wanted;
    wanted.model = with.model;
    wanted.tokens = with.model.context;
    wanted.sequences = {with.sequences};
    wanted.workers = with.workers;
    wanted.seconds = with.profile_seconds;
    return measure_profile(wanted);
}

void report(std::vector<std::unique_ptr<contender>>& all, const wish& with) {
    std::printf(
        "| workers | family | stages | predicted ms | measured ms | rounds ms (others %%) | error "
        "|\n|---|---|---|---:|---:|---|---:|\n");
    double worst = 0;
    for (const auto& c : all) {
        const double off = c->expected.makespan / c->measured - 1;
        worst = std::max(worst, std::abs(off));
        std::printf("| %d | %s | %d | %.3f | %.3f |", c->workers, c->name.c_str(), c->stages,
                    1e3 * c->expected.makespan, 1e3 * c->measured);
        for (const auto& [others, makespan] : c->rounds) std::printf(" %.2f (%.0f)", 1e3 * makespan, 100 * others);
        std::printf(" | %+.1f %% |\n", 100 * off);
    }
    std::printf("\nLargest error %.1f %%.\n", 100 * worst);
    for (const int w : with.workers) {
        const contender *chosen = nullptr, *best = nullptr;
        for (const auto& c : all) {
            if (c->workers != w) continue;
            if (!chosen || c->expected.makespan < chosen->expected.makespan) chosen = c.get();
            if (!best || c->measured < best->measured) best = c.get();
        }
        if (chosen)
            std::printf("%d workers: predicted best %s, truly best %s, %.1f %% apart.\n", w, chosen->name.c_str(),
                        best->name.c_str(), 100 * (chosen->measured / best->measured - 1));
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
        if (key == "--rounds") out.rounds = std::atoi(value);
        if (key == "--profile") out.profile = value;
        if (key == "--workers") out.workers = {std::atoi(value)};
    }
    return out;
}

}  // namespace

int main(int count, char** arguments) {
    const wish with = wish_of(count, arguments);
    const profile known = profile_of(with);
    std::fprintf(stderr, "profiled, spread %.1f %%\n", 100 * known.spread);
    std::vector<std::unique_ptr<contender>> all;
    for (const int w : with.workers)
        for (const auto family : family_names())
            if (auto one = contender_of(std::string(family), w, with)) {
                std::vector<profiled_stage> stages;
                for (const layer_range& r : one->layers) stages.push_back({r, false});
                one->expected = forecast_of(known, one->what, stages, with.sequences);
                all.push_back(std::move(one));
            }
    for (int r = 0; r < with.rounds; ++r)
        for (auto& one : all) one->rounds.push_back(run(*one, with));
    for (auto& one : all) {  // the quieter half of the rounds counts, and of these the lower quartile
        std::sort(one->rounds.begin(), one->rounds.end());
        std::vector<double> quiet;
        for (std::size_t r = 0; 2 * r < one->rounds.size(); ++r) quiet.push_back(one->rounds[r].second);
        std::sort(quiet.begin(), quiet.end());
        one->measured = quiet[(quiet.size() - 1) / 4];
    }
    std::printf(
        "%d layers, %d channels, %d sequences of %d tokens, %d micro-batches; spread of the profile's rounds %.1f "
        "%%\n\n",
        with.model.layers, with.model.channels, with.sequences, with.model.context, with.micro_batches,
        100 * known.spread);
    report(all, with);
}
