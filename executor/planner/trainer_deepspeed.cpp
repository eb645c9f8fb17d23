// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>

#include <executor/planner/trainer_words.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

constexpr const char* deepspeed = "DeepSpeed";
constexpr trainer::family_word deepspeed_families[] = {{family::one_f_one_b, ""}, {family::data_parallel, ""}};

void check_deepspeed(const configuration& with) {
    trainer::word_of(deepspeed_families, with.schedule.which, deepspeed);
    if (with.tensor > 1)
        refuse(
            "DeepSpeed itself has no tensor slices in a pipeline (they are Megatron-LM's) plan with --tensor 1, or "
            "use --format megatron");
    if (with.zero > 1 && with.schedule.stages > 1)
        refuse("DeepSpeed's pipelines have no ZeRO " + std::to_string(with.zero) +
               " (they shard the optimiser at most) plan with --zero 0,1");
    if (trainer::recompute_of_all(with, deepspeed) == recompute_mode::selective)
        refuse(
            "DeepSpeed recomputes whole layers (attention alone is for the model's own code) plan with "
            "--recompute none,layers,full");
}

/// The most layers of a stage.
int longest_stage(const std::vector<int>& cuts) {
    int most = 0;
    for (std::size_t s = 1; s < cuts.size(); ++s) most = std::max(most, cuts[s] - cuts[s - 1]);
    return most;
}

/// partition_method="uniform" gives each stage equally many layers, and one more to the first ones.
bool cut_uniformly(const std::vector<int>& cuts) {
    const int stages = static_cast<int>(cuts.size()) - 1, layers = cuts.back();
    for (int s = 0; s < stages; ++s)
        if (cuts[static_cast<std::size_t>(s)] != s * (layers / stages) + std::min(s, layers % stages)) return false;
    return true;
}

/// Says the arguments of the PipelineModule; the file has no place for them.
std::string pipeline_note(const trainer_plan& of) {
    const std::vector<int>& cuts = of.with.cuts;
    std::string out;
    if (cut_uniformly(cuts)) {
        format::put(out, "make the model PipelineModule(layers, num_stages=", of.with.schedule.stages,
                    ", partition_method=\"uniform\") of its ", cuts.back(), " layers, embedding and head one each");
        return out;
    }
    format::put(out, "no partition_method makes this cut: give PipelineModule one module a stage, num_stages=",
                of.with.schedule.stages, ", partition_method=\"uniform\"; the first layers of the stages are ");
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s) format::put(out, s == 0 ? "" : ",", cuts[s]);
    return out;
}

std::vector<std::string> deepspeed_notes(const trainer_plan& of) {
    const configuration& with = of.with;
    std::vector<std::string> out;
    if (with.schedule.stages > 1) {
        out.push_back(pipeline_note(of));
        if (with.width > 1 && with.synchronisation != reduction_start::lazy)
            out.emplace_back("DeepSpeed's pipeline reduces after all passes; --sync lazy prices that");
        if (with.width > 1 && with.order == chimera::layout::stages_together)
            out.emplace_back(
                "the stages of a copy stand together: give PipelineModule topology=ProcessTopology([\"data\", "
                "\"pipe\"], [" +
                std::to_string(with.width) + ", " + std::to_string(with.schedule.stages) + "]), not num_stages");
    } else if (with.recompute_of(0) != recompute_mode::none) {
        out.emplace_back("the model itself calls deepspeed.checkpointing.checkpoint on what it recomputes");
    }
    if (!of.found.fits()) out.emplace_back("the plan does not fit its workers");
    out.emplace_back("left to you: model, data, optimiser, learning rate, steps, and " +
                     std::to_string(with.workers()) + " processes");
    return out;
}

}  // namespace

trainer_answer deepspeed_text(const trainer_plan& of) {
    const configuration& with = of.with;
    check_deepspeed(with);
    const recompute_mode mode = with.recompute_of(0);
    const bool pipeline = with.schedule.stages > 1, again = mode != recompute_mode::none;
    nlohmann::ordered_json zero{{"stage", with.zero}};
    if (!pipeline && with.width > 1) zero["overlap_comm"] = with.synchronisation != reduction_start::lazy;
    nlohmann::ordered_json out{{"train_batch_size", with.samples()},
                               {"train_micro_batch_size_per_gpu", with.micro_batch},
                               {"gradient_accumulation_steps", with.schedule.micro_batches},
                               {"zero_optimization", std::move(zero)}};
    if (of.task.what.bytes.activation == 2) out["bf16"] = {{"enabled", true}};
    if (pipeline) {
        out["pipeline"]["stages"] = with.schedule.stages;
        // A unit keeps its input: one layer, or as many as a stage has.
        if (again)
            out["pipeline"]["activation_checkpoint_interval"] =
                mode == recompute_mode::layers ? 1 : longest_stage(with.cuts);
    }
    if (again) out["activation_checkpointing"] = {{"partition_activations", false}, {"cpu_checkpointing", false}};
    return {out.dump(2) + "\n", deepspeed_notes(of)};
}

}  // namespace chimera::executor
