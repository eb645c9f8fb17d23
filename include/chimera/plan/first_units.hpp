// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/bound.hpp>
#include <chimera/plan/evaluate.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace chimera::detail {

/// Returns the order of the first two basic units of a long bidirectional order, with whole backwards: its rows need no
/// more activations than those of the long order, which hold them in the same sequence among the slots of further
/// units, and which let go of nothing earlier where backwards are split. Nothing for other families, or no shorter one.
constexpr std::optional<family_spec> first_units(const family_spec& of) {
    if (of.which != family::bidirectional) return {};
    const int capacity = 2 * (of.scale == scale::doubling ? 2 * of.stages : of.stages);
    if (of.micro_batches <= capacity && !of.split) return {};
    family_spec out = of;
    out.micro_batches = (std::min)(of.micro_batches, capacity);
    out.split = false;
    return out;
}

/// Bytes of activations that recompute of one stage may save, and the least seconds that they cost.
struct saving {
    double bytes = 0;
    double seconds = 0;
};

/// Adds the steps from mode to mode of a stage to `out`, cheapest bytes first: the lower convex hull of their costs.
/// `units`: kept by the worker; `runs`: units of an iteration, over the speed.
inline void add_savings(std::vector<saving>& out, const stage_sums& sum, double units, double runs, bool by_layers) {
    const std::array<saving, 4> modes{
        {{0, 0},
         {units * (sum.activations - sum.selective), runs * sum.selective_time},
         {by_layers ? units * (sum.activations - sum.by_layers) : 0, by_layers ? runs * sum.layers_time : 0},
         {units * sum.activations, runs * sum.forward}}};
    for (saving at; at.bytes < modes[3].bytes;) {
        saving next;
        double price = std::numeric_limits<double>::infinity();
        for (const saving& to : modes) {
            const double bytes = to.bytes - at.bytes, seconds = (std::max)(0.0, to.seconds - at.seconds);
            if (bytes > 0 && seconds / bytes <= price) price = seconds / bytes, next = to;
        }
        out.push_back({next.bytes - at.bytes, (std::max)(0.0, next.seconds - at.seconds)});
        at = next;
    }
}

/// Returns the least seconds that buy so many bytes, where parts of steps can be had; infinity if all do not suffice.
inline double least_price(std::vector<saving>& all, double bytes) {
    std::sort(all.begin(), all.end(),
              [](const saving& a, const saving& b) { return a.seconds * b.bytes < b.seconds * a.bytes; });
    double out = 0;
    for (const saving& one : all) {
        if (bytes <= 0) return out;
        const double part = (std::min)(1.0, bytes / one.bytes);
        out += part * one.seconds;
        bytes -= one.bytes;
    }
    return bytes <= 0 ? out : std::numeric_limits<double>::infinity();
}

/// Returns the seconds that each worker recomputes at least, whatever the modes of the stages, so that its memory holds
/// the first unit. `begun`: the memory of that with nothing recomputed. Infinity where nothing suffices.
inline std::vector<double> least_recomputed(const evaluator& begun, const layer_sums& layers,
                                            const configuration& choice, const positions& at, bool by_layers) {
    const family_spec& order = choice.schedule;
    const int pipelines = pipelines_of(order), least = order.micro_batches / pipelines;  // of each pipeline
    const schedule_view first = begun.plain().view();
    std::vector<stage_sums> sums;
    std::vector<double> bytes;
    for (std::size_t s = 0; s + 1 < choice.cuts.size(); ++s) {
        sums.push_back(layers.of(choice.cuts[s], choice.cuts[s + 1]));
        bytes.push_back(sums.back().activations / first.head.micro_batch_parts);
    }
    std::vector<double> out(static_cast<std::size_t>(order.workers()), 0.0);
    for (int w = 0; w < order.workers(); ++w) {
        const double lacking = begun.lacking(w) * (1 - 1e-9) - 1;
        if (!(lacking > 0)) continue;
        const auto held_here = begun.plain().stages_of(w);
        const auto copies = begun.plain().copies_of(w);
        const auto kept = begun.plain().kept_at_peak(w, bytes);
        std::vector<saving> all;
        for (std::size_t k = 0; k < held_here.size(); ++k) {
            const auto i = static_cast<std::size_t>(held_here[k]);
            const double runs =
                static_cast<double>(copies[k]) * static_cast<double>(least) / at.speed[static_cast<std::size_t>(w)];
            add_savings(all, sums[i], static_cast<double>(kept[k]) / first.head.micro_batch_parts, runs, by_layers);
        }
        out[static_cast<std::size_t>(w)] = least_price(all, lacking);
    }
    return out;
}

}  // namespace chimera::detail
