// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/shared_workers/shared.hpp>
#include <chimera/plan/report_builder.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/family_placement.hpp>
#include <chimera/schedule/order_ticks.hpp>

#include <executor/job/programs.hpp>
#include <executor/memory/run_memory.hpp>
#include <executor/planner/plan_json.hpp>
#include <executor/planner/plan_on_machine.hpp>
#include <executor/profile/forecast.hpp>

#include <algorithm>
#include <optional>

namespace chimera::executor {

namespace {

void check_profile(const plan_task& task, const profile& from) {
    const job& of = *task.training;
    gpt2_sizes wanted = of.model;
    gpt2_sizes has = from.model;
    wanted.layers = has.layers = 1;
    if (!(wanted == has) || from.tokens != of.tokens())
        refuse(
            "the profile is of another model (channels, heads, vocabulary, context and tokens must be the job's) "
            "profile the job's own");
    if (of.device == training_device::cuda)
        refuse("the job is for GPUs (a profile is of this machine's cores) use \"device\": \"cpu\"");
    const auto numbers = [](int threads, bool in_bf16) {
        return std::string(in_bf16 ? "bf16" : "fp32") + " with " + std::to_string(threads) +
               (threads > 1 ? " threads a worker" : " thread a worker");
    };
    if (from.threads != of.threads || from.bf16 != (of.in_bf16()))
        refuse("the profile is of " + numbers(from.threads, from.bf16) + " (the job wants " +
               numbers(of.threads, of.in_bf16()) + ") profile the job's own");
    const auto& asked = task.asked;
    if (asked.tensors != std::vector<int>{1} || asked.zero != std::vector<int>{0})
        refuse("the request allows tensor slices or ZeRO (chimera train has neither) leave tensor and zero out");
}

/// Seconds of every layer: the embedding, the blocks, the head.
std::vector<double> layer_times(const profiled_batch& batch, int blocks) {
    const profiled_passes& p = batch.passes.front();
    std::vector<double> out(static_cast<std::size_t>(blocks) + 2, p.forward.block + p.backward.block);
    out.front() = p.forward.embedding + p.backward.embedding;
    out.back() = p.forward.head + p.backward.head;
    return out;
}

class search_here {
public:
    search_here(const plan_task& task, const profile& from) : task_(task), from_(from), report_(task.asked) {}

    plan_report run() {
        plan_request asked = task_.asked;
        asked.recompute = {recompute_mode::none};
        if (std::isfinite(task_.on.memory)) asked.recompute.push_back(recompute_mode::full);
        const auto modes = static_cast<std::int64_t>(asked.recompute.size() * asked.synchronisation.size());
        for_each_candidate(asked, task_.on, task_.training->model.layers + 2, [&](configuration& one) {
            const std::size_t which = report_.consider(one.schedule, modes);
            const profiled_batch* batch = find(one);
            if (batch == nullptr)
                return report_.refuse(which, modes, "no such micro-batch was profiled (profile it with --sequences)");
            if (const refusal why = one.schedule.refused(); why != refusal::none)
                return report_.refuse(which, modes, text(why));
            for (const recompute_mode mode : asked.recompute) {
                one.recompute = mode;
                if (const std::optional<ranked> best = best_of(one, *batch, which)) {
                    report_.enter(which, *best);
                    break;
                }
            }
        });
        return report_.finish();
    }

private:
    const profiled_batch* find(const configuration& of) const {
        const int parts = of.schedule.scale == scale::halving ? 2 : 1;
        if (of.micro_batch % parts != 0) return nullptr;
        for (const profiled_batch& each : from_.batches)
            if (each.sequences == of.micro_batch / parts) return &each;
        return nullptr;
    }

    /// The fastest stages, and the fastest workers where those hold several.
    std::vector<std::vector<int>> cuts_of(const configuration& of, const profiled_batch& batch) const {
        const std::vector<double> seconds = layer_times(batch, task_.training->model.layers);
        std::vector<std::vector<int>> out{partition(seconds, of.schedule.stages)};
        const std::vector<int> on = shared_workers(of.schedule);
        if (on.empty()) return out;
        out.push_back(coupled(seconds, on).cuts);
        if (out[1] == out[0] || out[1].empty()) out.pop_back();
        return out;
    }

    /// Returns the fastest cuts and synchronisation; nothing where none fits the memory.
    std::optional<ranked> best_of(configuration one, const profiled_batch& batch, std::size_t which) {
        std::optional<ranked> best;
        for (const std::vector<int>& cuts : cuts_of(one, batch))
            for (const reduction_start mode : task_.asked.synchronisation) {
                one.cuts = cuts;
                one.synchronisation = mode;
                const evaluation found = evaluate(one);
                report_.simulated(which, 1, 0);
                if (!found.fits())
                    report_.too_large(which, 1, found.lacking);
                else if (!best || found.seconds < best->found.seconds)
                    best = ranked{one, found, 0};
            }
        if (best) time_order(*best);
        return best;
    }

    /// Takes an order made for the stages' times, where the family takes ticks and that order is faster.
    void time_order(ranked& best) const {
        pass_times passes{};
        evaluate(best.with, &passes);
        configuration timed = best.with;
        timed.schedule = with_ticks(timed.schedule, passes);
        if (timed.schedule == best.with.schedule) return;
        const evaluation found = evaluate(timed);
        if (found.fits() && found.seconds < best.found.seconds) best = ranked{timed, found, 0};
    }

    evaluation evaluate(const configuration& of, pass_times* passes = nullptr) const {
        job wanted = job_of(*task_.training, of);
        wanted.device = training_device::cpu;
        const program played = lower(make_schedule(wanted.schedule), of.synchronisation);
        const gpt2_sizes config = wanted.model;
        const std::vector<layer_range> layers = stage_layers(config, played.head.stages, wanted.blocks);
        std::vector<profiled_stage> stages;
        for (const layer_range& each : layers) stages.push_back({each, of.recompute == recompute_mode::full});
        const forecast found = forecast_of(from_, played, stages, of.micro_batch);
        if (passes != nullptr) *passes = found.passes;
        evaluation out;
        out.seconds = found.iteration;
        out.compute = found.makespan;
        const unit_shape unit{of.micro_batch / played.head.micro_batch_parts, wanted.tokens()};
        const auto memory =
            memory_timeline(played, training_memory(played, config, layers, unit, 0, numbers_of(wanted)));
        for (const memory_row& row : memory) out.memory = std::max(out.memory, row.reserved());
        out.lacking = out.memory - task_.on.memory;
        return out;
    }

    const plan_task& task_;
    const profile& from_;
    report_builder report_;
};

}  // namespace

plan_report plan_here(const plan_task& task, const profile& from) {
    if (!task.training)
        refuse("a profile tells what training jobs take (the request has a model of the catalogue) give a chimera.job");
    check_request(task.what, task.on, task.asked);
    check_profile(task, from);
    return search_here(task, from).run();
}

}  // namespace chimera::executor
