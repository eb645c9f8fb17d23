// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>

#include <executor/forecast/predict.hpp>
#include <executor/profile/batch_probes.hpp>
#include <executor/profile/forecast.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace chimera::executor {

namespace {

/// The stages of the small model: embedding, nothing, two blocks, two blocks, head. Two, because a block that is alone
/// in its stage finds its weights and their gradients in a core's own cache, and those of longer stages do not.
constexpr int kinds = 5, small_blocks = 4;
constexpr std::array<layer_range, kinds> small_model{
    {{0, 0, true, false}, {0, 0, false, false}, {0, 2, false, false}, {2, 4, false, false}, {4, 4, false, true}}};
constexpr double most_lost = 25e-6;                      // seconds at a step beyond the gaps between steps
constexpr double slack_least = 0.98, slack_most = 1.05;  // beyond that, other programs had a hand in it
constexpr int some_work = 8;                             // micro-batches of an iteration, at least
constexpr int deepest = 16;                              // micro-batches alive
constexpr double out_of_cache = 128e6;                   // bytes of activations that no cache keeps

gpt2_sizes with_layers(gpt2_sizes model, int layers) {
    model.layers = layers;
    return model;
}

/// All stages on one worker: so many forwards before their backwards, and again until there is some work for an update.
schedule one_worker(int alive) {
    const schedule unit = generate(breadth_first{kinds, alive, kinds});
    return repeat(unit, std::max(1, some_work / alive), makespan(unit));
}

double sum(const per_stage& each) {
    double all = 0;
    for (const double one : each.values) all += one;
    return all;
}

host_choice host_of(const profile_request& wanted) {
    return {.threads = wanted.threads, .bf16 = wanted.bf16, .together = nullptr};
}

program widened(const schedule& of, int copies) { return lower(widen(of, copies)); }

}  // namespace

batch_probes::batch_probes(const profile_request& wanted, int sequences, int cores, int copies)
    : unit_{sequences, wanted.tokens},
      boundary_bytes_((wanted.bf16 ? 2.0 : 4.0) * sequences * wanted.tokens * wanted.model.channels),
      alone_(make_crowd(wanted, copies, cores, 2)) {
    if (wanted.workers.back() > std::max(cores, copies)) crowded_ = make_crowd(wanted, wanted.workers.back(), cores, 4);
    const std::vector<std::uint8_t> all(kinds, 1);
    const int some = std::min(4, alone_.depths.back().micro_batches);
    recomputing_ = std::make_unique<probe>(widened(recompute(one_worker(some), all), copies), *alone_.on,
                                           cores < copies ? cores : 0, wanted.watchdog);
    for (const int w : wanted.workers) add_pipeline(wanted, w, cores, false);
    add_pipeline(wanted, wanted.workers.front(), cores, true);
}

batch_probes::crowd batch_probes::make_crowd(const profile_request& wanted, int copies, int cores, int step) const {
    crowd made;
    made.copies = copies;
    made.on = std::make_unique<ground>(widened(one_worker(1), copies), with_layers(wanted.model, small_blocks),
                                       small_model, unit_, deepest * copies, host_of(wanted));
    for (int s = 0; s < kinds; ++s) made.activations += copies * made.on->stash_bytes(s);
    const int shared = cores < copies ? cores : 0;
    for (int n = 1, before = 0; n <= deepest && (n == 1 || before * made.activations < out_of_cache); n *= step) {
        before = n;
        depth next;
        next.micro_batches = n;
        next.whole = std::make_unique<probe>(widened(one_worker(n), copies), *made.on, shared, wanted.watchdog);
        next.split =
            std::make_unique<probe>(widened(split_backward(one_worker(n)), copies), *made.on, shared, wanted.watchdog);
        made.depths.push_back(std::move(next));
    }
    return made;
}

void batch_probes::add_pipeline(const profile_request& wanted, int workers, int cores, bool versions) {
    const schedule order =
        versions ? generate(pipedream{workers, 2 * workers}) : generate(one_f_one_b{workers, 2 * workers});
    const gpt2_sizes model = with_layers(wanted.model, 2 * workers);
    const std::vector<int> blocks(static_cast<std::size_t>(workers), 2);
    pipeline& made = versions ? versions_ : pipelines_.emplace_back();
    made.on = std::make_unique<ground>(lower(order), model, stage_layers(model, workers, blocks), unit_, 2 * workers,
                                       host_of(wanted));
    made.run = std::make_unique<probe>(lower(order), *made.on, cores < workers ? cores : 0, wanted.watchdog);
}

std::size_t batch_probes::count() const {
    return 2 * (alone_.depths.size() + crowded_.depths.size()) + pipelines_.size() + 2;
}

void batch_probes::round(double seconds_each) {
    for (crowd* each : {&alone_, &crowded_}) {
        for (depth& one : each->depths) {
            one.whole->round(seconds_each);
            one.split->round(seconds_each);
        }
    }
    recomputing_->round(seconds_each);
    for (pipeline& each : pipelines_) each.run->round(seconds_each);
    versions_.run->round(seconds_each);
}

by_kind batch_probes::by_stage(const per_stage& each) const {
    const auto beside = [&](double seconds) { return std::max(0.0, seconds - each[1]); };
    return {beside(each[0]), (beside(each[2]) + beside(each[3])) / small_blocks, beside(each[4]), each[1]};
}

namespace {

/// Of the stages of blocks; the others' passes are short.
reuse_bytes reuse(const program& of, ground& on) {
    std::vector<double> kept;
    for (int s = 0; s < kinds; ++s) kept.push_back(on.stash_bytes(s));
    const auto found = reuse_of(of, kept);
    const auto middle = [&](double reuse_bytes::*axis) { return std::sqrt(found[2].*axis * (found[3].*axis)); };
    return {middle(&reuse_bytes::forward), middle(&reuse_bytes::backward), middle(&reuse_bytes::input_gradient),
            middle(&reuse_bytes::weight_gradient)};
}

}  // namespace

std::vector<profiled_passes> batch_probes::passes_of(const crowd& from) const {
    std::vector<profiled_passes> out;
    for (const depth& each : from.depths) {
        const costs whole = each.whole->middle_round().each, split = each.split->middle_round().each;
        const reuse_bytes halves = reuse(each.split->what(), *from.on);
        reuse_bytes both = reuse(each.whole->what(), *from.on);
        both.input_gradient = halves.input_gradient;
        both.weight_gradient = halves.weight_gradient;
        out.push_back({both, by_stage(whole.forward), by_stage(whole.backward), by_stage(split.input_gradient),
                       by_stage(split.weight_gradient)});
    }
    return out;
}

profiled_batch batch_probes::result() const {
    profiled_batch out;
    out.sequences = unit_.sequences;
    out.activations = {alone_.on->stash_bytes(0), 2 * alone_.on->stash_bytes(2) / small_blocks,
                       alone_.on->stash_bytes(4), 0};
    out.boundary_bytes = boundary_bytes_;
    out.passes = passes_of(alone_);
    out.crowded = passes_of(crowded_);
    const costs again = recomputing_->middle_round().each;
    out.light_forward = by_stage(again.forward);
    out.recompute = by_stage(again.recompute);
    for (const pipeline& each : pipelines_) {
        probe_round found = each.run->middle_round();
        found.engine.settle = std::max(0.0, found.engine.settle - found.norm);
        out.engine.push_back(found.engine);
    }
    return out;
}

void batch_probes::calibrate(profile& all, std::size_t which) const {
    for (std::size_t i = 0; i < pipelines_.size(); ++i) {
        const program& ran = pipelines_[i].run->what();
        const probe_round found = pipelines_[i].run->middle_round();
        const int workers = ran.head.workers;
        std::vector<profiled_stage> stages;
        for (int s = 0; s < workers; ++s) stages.push_back({{2 * s, 2 * s + 2, s == 0, s == workers - 1}, false});
        profiled_engine& engine = all.batches[which].engine[i];
        costs own = found.each;
        own.transfer = engine.transfer;
        const auto said = [&] { return forecast_with(all, ran, stages, unit_.sequences, own).makespan; };
        // Steps also take longer where others wake up beside them: what the gaps do not show, the makespan does.
        double low = engine.hand_over, high = low + most_lost;
        for (int halving = 0; halving < 12; ++halving) {
            engine.hand_over = (low + high) / 2;
            (said() < found.makespan ? low : high) = engine.hand_over;
        }
        engine.hand_over = low;
        engine.slack = std::clamp(found.makespan / said(), slack_least, slack_most);
    }
}

namespace {

/// seconds = latency + bytes · rate through what was measured, both at least 0.
void fit_reductions(std::span<const std::pair<double, double>> measured, profile& into) {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const auto& [bytes, seconds] : measured)
        n += 1, x += bytes, y += seconds, xx += bytes * bytes, xy += bytes * seconds;
    const double slope = (n * xy - x * y) / (n * xx - x * x), offset = (y - slope * x) / n;
    into.reduce_byte = slope > 0 && offset > 0 ? slope : y / x;
    into.reduce_latency = slope > 0 && offset > 0 ? offset : 0;
}

/// Returns the width of the middle half of the rounds, relative to its lower end.
double spread_of(const probe& of) {
    std::vector<double> all;
    for (const probe_round& r : of.rounds()) all.push_back(r.each.forward[2]);
    std::sort(all.begin(), all.end());
    const double low = all[(all.size() - 1) / 4], high = all[all.size() * 3 / 4];
    return (high - low) / low;
}

}  // namespace

profile batch_probes::totals() const {
    profile out;
    out.parameters = {alone_.on->parameters(0), 2 * alone_.on->parameters(2) / small_blocks, alone_.on->parameters(4),
                      0};
    const double small = out.parameters.embedding + small_blocks * out.parameters.block + out.parameters.head;
    std::vector<double> updates, norms;
    std::vector<std::pair<double, double>> reductions;
    for (const depth& each : alone_.depths) {
        const probe_round found = each.whole->middle_round();
        updates.push_back(sum(found.each.update) / small);
        norms.push_back(found.norm / small);
    }
    for (const depth& each : (alone_.copies > 1 ? alone_ : crowded_).depths) {  // one copy has nothing to reduce
        const probe_round found = each.whole->middle_round();
        for (const int s : {0, 2, 3, 4})
            reductions.emplace_back(4 * alone_.on->parameters(s), found.each.reduce.seconds[s]);
    }
    out.update = median(updates);
    out.norm = median(norms);
    fit_reductions(reductions, out);
    const int workers = versions_.run->what().head.workers;
    double held = 0;
    for (int s = 0; s < workers; ++s) held += versions_.on->parameters(s);
    out.update_versions = sum(versions_.run->middle_round().each.update) / held;
    for (const depth& each : alone_.depths) out.spread = std::max(out.spread, spread_of(*each.whole));
    return out;
}

double probe_bytes(const profile_request& wanted, int sequences, int copies) {
    const gpt2_sizes& m = wanted.model;
    const double c = m.channels, rows = static_cast<double>(sequences) * wanted.tokens;
    const double real = wanted.bf16 ? 2 : 4, state = wanted.bf16 ? 18 : 16;  // master weights beside the weights
    const double block = 12 * c * c + 13 * c, ends = (2.0 * m.vocabulary + m.context + 2) * c;
    const double stash = real * rows * std::max(20.0 * c + m.heads, 3.0 * c + m.vocabulary + 4);
    double bytes =
        state * copies * (small_blocks * block + ends) + 2 * stash * copies * kinds * 3;  // whole, split, recomputing
    if (const int most = wanted.workers.back(); most > copies)
        bytes += state * most * (small_blocks * block + ends) + 2 * stash * most * kinds * 2;
    for (const int w : wanted.workers) bytes += state * (2 * w * block + ends) + stash * w * (w + 1);
    const double first = wanted.workers.front();
    return bytes + (state + real * (first - 1)) * (2 * first * block + ends) + stash * first * (first + 1);
}

}  // namespace chimera::executor
