// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/io/profile.hpp>
#include <executor/profile/forecast.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace chimera::executor {

namespace {

double sum(const by_kind& each, const layer_range& layers) {
    return each.boundary + (layers.last - layers.first) * each.block + (layers.embedding ? each.embedding : 0) +
           (layers.head ? each.head : 0);
}

/// Layers alone: parameters and activations have no boundary.
double parameters(const profile& from, const layer_range& layers) { return sum(from.parameters, layers); }

const profiled_batch& find_batch(const profile& from, int sequences) {
    std::string known;
    for (const profiled_batch& each : from.batches) {
        if (each.sequences == sequences) return each;
        known += (known.empty() ? "" : ", ") + std::to_string(each.sequences);
    }
    refuse("the profile has no micro-batches of " + std::to_string(sequences) + " sequences (measured were " + known +
           ") profile them with --sequences");
}

/// Between the two measurements around it, on a logarithmic scale; at the ends the last one holds.
by_kind kind_at(const std::vector<profiled_passes>& all, double bytes, double reuse_bytes::*axis,
                by_kind profiled_passes::*pass) {
    const auto above =
        std::find_if(all.begin(), all.end(), [&](const profiled_passes& p) { return p.reuse.*axis >= bytes; });
    if (above == all.begin()) return all.front().*pass;
    if (above == all.end()) return all.back().*pass;
    const double low = above[-1].reuse.*axis, high = above->reuse.*axis,
                 x = std::log(bytes / low) / std::log(high / low);
    const by_kind &a = above[-1].*pass, &b = *above.*pass;
    const auto mix = [x](double p, double q) { return p + (q - p) * x; };
    return {mix(a.embedding, b.embedding), mix(a.block, b.block), mix(a.head, b.head), mix(a.boundary, b.boundary)};
}

/// The measurement with as many workers, or else the nearest one on the same side of the cores.
const profiled_engine& engine_with(const profile& from, const profiled_batch& with, int workers) {
    const auto distance = [&](const profiled_engine& e) {
        const bool other_side = (e.workers > from.at_once()) != (workers > from.at_once());
        return std::abs(e.workers - workers) + (other_side ? 1'000'000 : 0);
    };
    return *std::min_element(with.engine.begin(), with.engine.end(),
                             [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
}

/// Simulates work that all workers begin together and do on their own, `seconds(stage, worker, size of its group)`,
/// sharing cores.
template <class Seconds>
double phase(const program_argument& of, int cores, Seconds seconds) {
    std::vector<double> each(static_cast<std::size_t>(of.head.workers));
    for (int s = 0; s < of.head.stages; ++s) {
        const auto group = of.replica_group(s);
        for (const std::int32_t w : group) each[static_cast<std::size_t>(w)] += seconds(s, w == group[0], group.size());
    }
    double all = 0, longest = 0;
    for (const double one : each) all += one, longest = std::max(longest, one);
    return std::max(longest, all / cores);
}

/// From the last pass to the end: reductions, whose work is done by those who wait for them, and at their end alone;
/// the norm, to which a stage's first copy adds; the updates.
double closing_seconds(const profile& from, const program_argument& of, std::span<const profiled_stage> stages,
                       const costs& with) {
    const auto reduce = [&](int s, bool, std::size_t members) { return members > 1 ? with.reduce.seconds[s] : 0.0; };
    const auto norm = [&](int s, bool first, std::size_t) {
        return first ? from.norm * parameters(from, stages[static_cast<std::size_t>(s)].layers) : 0.0;
    };
    const auto update = [&](int s, bool, std::size_t) { return with.update[s]; };
    return phase(of, from.at_once(), reduce) + phase(of, from.at_once(), norm) + phase(of, from.at_once(), update);
}

}  // namespace

costs costs_of(const profile& from, std::span<const profiled_stage> stages, int sequences, int parts,
               std::span<const reuse_bytes> reuse, int workers) {
    const profiled_batch& unit = find_batch(from, sequences / parts);
    const auto& passes = workers > from.at_once() && !unit.crowded.empty() ? unit.crowded : unit.passes;
    costs out;
    for (per_stage* each : {&out.forward, &out.backward, &out.input_gradient, &out.weight_gradient, &out.recompute,
                            &out.transfer, &out.update, &out.reduce.seconds})
        each->values.clear();
    const profiled_engine& engine = engine_with(from, unit, workers);
    for (std::size_t s = 0; s < stages.size(); ++s) {
        // Recomputed activations are still in the cache.
        const reuse_bytes& back = stages[s].recompute ? passes.front().reuse : reuse[s];
        const layer_range& layers = stages[s].layers;
        const auto add = [&](per_stage& to, const by_kind& each) { to.values.push_back(parts * sum(each, layers)); };
        add(out.forward, stages[s].recompute
                             ? unit.light_forward
                             : kind_at(passes, back.forward, &reuse_bytes::forward, &profiled_passes::forward));
        add(out.backward, kind_at(passes, back.backward, &reuse_bytes::backward, &profiled_passes::backward));
        add(out.input_gradient,
            kind_at(passes, back.input_gradient, &reuse_bytes::input_gradient, &profiled_passes::input_gradient));
        add(out.weight_gradient,
            kind_at(passes, back.weight_gradient, &reuse_bytes::weight_gradient, &profiled_passes::weight_gradient));
        add(out.recompute, unit.recompute);
        const double own = parameters(from, layers);
        out.update.values.push_back(from.update * own);
        out.reduce.seconds.values.push_back(from.reduce_latency + from.reduce_byte * 4 * own);
    }
    out.transfer = parts * engine.transfer;
    return out;
}

void add_hand_over(costs& to, const profile& from, int sequences, int parts, int workers) {
    const double seconds = engine_with(from, find_batch(from, sequences / parts), workers).hand_over;
    for (per_stage* each : {&to.forward, &to.backward, &to.input_gradient, &to.weight_gradient, &to.recompute})
        for (double& value : each->values) value += seconds * parts;
}

std::vector<double> kept_bytes(const profile& from, std::span<const profiled_stage> stages, int sequences) {
    const profiled_batch& unit = find_batch(from, sequences);
    std::vector<double> kept;
    for (std::size_t s = 0; s < stages.size(); ++s)
        kept.push_back(!stages[s].recompute ? sum(unit.activations, stages[s].layers)
                       : s > 0              ? unit.boundary_bytes
                                            : 0);
    return kept;
}

forecast forecast_with(const profile& from, const program_argument& of, std::span<const profiled_stage> stages,
                       int sequences, costs with) {
    const int parts = of.head.micro_batch_parts, workers = of.head.workers;
    const int cores = from.at_once() < workers ? from.at_once() : 0;
    const profiled_engine& engine = engine_with(from, find_batch(from, sequences / parts), workers);
    add_hand_over(with, from, sequences, parts, workers);
    forecast made;
    made.passes = mean_passes(with, std::ranges::any_of(of.instructions, [](const instruction& i) {
                                  return i.op == action::weight_gradient;
                              }));
    made.makespan = engine.start;
    if (of.head.update == update_rule::flushed) {  // nobody updates before the norm of all gradients is known
        made.makespan += engine.settle + closing_seconds(from, of, stages, with);
        with.update = with.reduce.seconds = 0;
    } else {
        for (double& update : with.update.values) update += engine.hand_over;
    }
    double end = 0;
    const timeline played = simulate(of, with, cores);
    for (const step& s : played.steps) end = std::max(end, s.end);
    for (const step& s : played.reductions) end = std::max(end, s.end);
    made.makespan = engine.slack * (made.makespan + end);
    made.iteration = made.makespan + engine.around;
    return made;
}

forecast forecast_of(const profile& from, const program_argument& of, std::span<const profiled_stage> stages,
                     int sequences) {
    const int parts = of.head.micro_batch_parts;
    const auto reuse = reuse_of(of, kept_bytes(from, stages, sequences / parts));
    costs with = costs_of(from, stages, sequences, parts, reuse, of.head.workers);
    if (of.head.update != update_rule::flushed)
        for (std::size_t s = 0; s < stages.size(); ++s)
            with.update.values[s] = (from.norm + from.update_versions) * parameters(from, stages[s].layers);
    return forecast_with(from, of, stages, sequences, std::move(with));
}

}  // namespace chimera::executor
