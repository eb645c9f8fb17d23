// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/io/profile.hpp>

#include <algorithm>
#include <cmath>

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

by_kind between(const by_kind& a, const by_kind& b, double x) {
    const auto mix = [x](double p, double q) { return p + (q - p) * x; };
    return {mix(a.embedding, b.embedding), mix(a.block, b.block), mix(a.head, b.head), mix(a.boundary, b.boundary)};
}

/// Between the two measurements around it, on a logarithmic scale; at the ends the last one holds.
profiled_passes passes_at(const std::vector<profiled_passes>& all, double live_bytes) {
    const auto above = std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.live_bytes >= live_bytes; });
    if (above == all.begin()) return all.front();
    if (above == all.end()) return all.back();
    const profiled_passes &low = above[-1], &high = *above;
    const double x = std::log(live_bytes / low.live_bytes) / std::log(high.live_bytes / low.live_bytes);
    return {live_bytes, between(low.forward, high.forward, x), between(low.backward, high.backward, x),
            between(low.input_gradient, high.input_gradient, x), between(low.weight_gradient, high.weight_gradient, x)};
}

/// The measurement with as many workers, or else the nearest one on the same side of the cores.
const profiled_engine& engine_with(const profile& from, const profiled_batch& with, int workers) {
    const auto distance = [&](const profiled_engine& e) {
        const bool other_side = (e.workers > from.cores) != (workers > from.cores);
        return std::abs(e.workers - workers) + (other_side ? 1'000'000 : 0);
    };
    return *std::min_element(with.engine.begin(), with.engine.end(),
                             [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
}

/// What all workers begin together and do on their own, `seconds(stage, worker, size of its group)`, sharing cores.
template <class Seconds>
double phase(const program_view& of, int cores, Seconds seconds) {
    std::vector<double> each(static_cast<std::size_t>(of.head.workers));
    for (int s = 0; s < of.head.stages; ++s) {
        const auto group = of.replica_group(s);
        for (const std::int32_t w : group) each[static_cast<std::size_t>(w)] += seconds(s, w == group[0], group.size());
    }
    double all = 0, longest = 0;
    for (const double one : each) all += one, longest = std::max(longest, one);
    return std::max(longest, all / cores);
}

/// From the last pass to the end: reductions, whose work is done by those who wait for them, and at their end alone; the norm,
/// to which a stage's first copy adds; the updates.
double closing_seconds(const profile& from, const program_view& of, std::span<const profiled_stage> stages,
                       const costs& with) {
    const auto reduce = [&](int s, bool, std::size_t members) { return members > 1 ? with.reduce.seconds[s] : 0.0; };
    const auto norm = [&](int s, bool first, std::size_t) {
        return first ? from.norm * parameters(from, stages[static_cast<std::size_t>(s)].layers) : 0.0;
    };
    const auto update = [&](int s, bool, std::size_t) { return with.update[s]; };
    return phase(of, from.cores, reduce) + phase(of, from.cores, norm) + phase(of, from.cores, update);
}

}  // namespace

costs costs_of(const profile& from, std::span<const profiled_stage> stages, int sequences, int parts, double live_bytes,
               int workers) {
    const profiled_batch& unit = find_batch(from, sequences / parts);
    const auto& passes = workers > from.cores && !unit.crowded.empty() ? unit.crowded : unit.passes;
    const profiled_passes now = passes_at(passes, live_bytes), fresh = passes.front();
    costs out;
    for (per_stage* each : {&out.forward, &out.backward, &out.input_gradient, &out.weight_gradient, &out.recompute,
                            &out.transfer, &out.update, &out.reduce.seconds})
        each->values.clear();
    const profiled_engine& engine = engine_with(from, unit, workers);
    for (const profiled_stage& s : stages) {
        const profiled_passes& backward = s.recompute ? fresh : now;  // recomputed activations are still in the cache
        const auto add = [&](per_stage& to, const by_kind& each) { to.values.push_back(parts * sum(each, s.layers)); };
        add(out.forward, s.recompute ? unit.light_forward : now.forward);
        add(out.backward, backward.backward);
        add(out.input_gradient, backward.input_gradient);
        add(out.weight_gradient, backward.weight_gradient);
        add(out.recompute, unit.recompute);
        const double own = parameters(from, s.layers);
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

double live_bytes(const profile& from, const program_view& of, std::span<const profiled_stage> stages, int sequences) {
    const profiled_batch& unit = find_batch(from, sequences / of.head.micro_batch_parts);
    const auto kept = [&](int stage) {
        const profiled_stage& s = stages[static_cast<std::size_t>(stage)];
        return s.recompute ? (stage > 0 ? unit.boundary_bytes : 0.0) : sum(unit.activations, s.layers);
    };
    double total = 0;
    for (int w = 0; w < of.head.workers; ++w) {
        double live = 0, most = 0;
        for (const instruction& i : of.row(w)) {
            if (i.op == action::forward) live += i.count * kept(i.stage);
            most = std::max(most, live);
            if (i.op == action::backward || i.op == action::weight_gradient) live -= i.count * kept(i.stage);
        }
        total += most;
    }
    return total;
}

forecast forecast_of(const profile& from, const program_view& of, std::span<const profiled_stage> stages,
                     int sequences) {
    const int parts = of.head.micro_batch_parts, workers = of.head.workers;
    const int cores = from.cores < workers ? from.cores : 0;
    const profiled_engine& engine = engine_with(from, find_batch(from, sequences / parts), workers);
    costs with = costs_of(from, stages, sequences, parts, live_bytes(from, of, stages, sequences), workers);
    add_hand_over(with, from, sequences, parts, workers);
    forecast made;
    made.makespan = engine.start;
    if (of.head.update == weights::flushed) {  // nobody updates before the norm of all gradients is known
        made.makespan += engine.settle + closing_seconds(from, of, stages, with);
        with.update = with.reduce.seconds = 0;
    } else {
        for (std::size_t s = 0; s < stages.size(); ++s)
            with.update.values[s] =
                (from.norm + from.update_versions) * parameters(from, stages[s].layers) + engine.hand_over;
    }
    double end = 0;
    const timeline played = simulate(of, with, cores);
    for (const step& s : played.steps) end = std::max(end, s.end);
    for (const step& s : played.reductions) end = std::max(end, s.end);
    made.makespan = engine.slack * (made.makespan + end);
    made.iteration = made.makespan + engine.around;
    return made;
}

}  // namespace chimera::executor
