// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>

#include <executor/planner/model_layout.hpp>
#include <executor/planner/trainer_words.hpp>

#include <algorithm>
#include <cctype>

namespace chimera::executor {

namespace {

constexpr const char* torchtitan = "torchtitan";

/// The names that PyTorch's get_schedule_class knows.
constexpr trainer::family_word torchtitan_families[] = {{family::gpipe, "GPipe"},
                                                        {family::one_f_one_b, "1F1B"},
                                                        {family::interleaved, "Interleaved1F1B"},
                                                        {family::breadth_first, "LoopedBFS"},
                                                        {family::zb_interleaved, "InterleavedZeroBubble"},
                                                        {family::zb_v, "ZBVZeroBubble"},
                                                        {family::dualpipe_v, "DualPipeV"},
                                                        {family::data_parallel, ""}};

/// The configurations that torchtitan ships, by the sizes of their models.
struct shipped_model {
    const char* module;
    const char* function;
    std::int64_t blocks, channels, inner, vocabulary;
};
constexpr shipped_model shipped_models[] = {
    {"torchtitan.models.llama3.config_registry", "llama3_8b", 32, 4096, 14336, 128256},
    {"torchtitan.models.llama3.config_registry", "llama3_70b", 80, 8192, 28672, 128256}};

/// The configuration function of one plan.
class torchtitan_config {
public:
    explicit torchtitan_config(const trainer_plan& of)
        : of_(of), with_(of.with), spec_(of.with.schedule), chain_(chain_of(of.task.what)), ranks_(spec_.workers()),
          word_(trainer::word_of(torchtitan_families, spec_.which, torchtitan)) {
        check_order();
        sizes();
        pipeline();
        copies();
        recompute();
    }

    std::string text() const {
        const std::string function = function_name();
        std::string out = trainer::heading(of_, "# ");
        format::put(out, "# For torchtitan 0.2.2 (main of August 2026). Left to you: data, tokenizer, optimiser, ",
                    "learning rate, steps,\n# checkpoints.\n", notes_, "# Save as planned.py and run: ", launch(), " ",
                    "-m torchtitan.train --module planned --config ", function, "\n");
        if (full_) format::put(out, "from torchtitan.distributed.activation_checkpoint import ", full_, "\n");
        format::put(out, "from torchtitan.trainer import Trainer\n\n\n");
        if (ranks_ > 1)
            format::put(out, "def layers(first, end):\n    return [f\"layers.{i}\" for i in range(first, end)]\n\n\n");
        format::put(out, "def plan(config: Trainer.Config) -> Trainer.Config:\n", body_, "    return config\n\n\n",
                    "def ", function, "() -> Trainer.Config:\n");
        if (const shipped_model* base = shipped())
            format::put(out, "    from ", base->module, " import ", base->function, "\n\n    return plan(",
                        base->function, "())\n");
        else
            format::put(out, "    raise NotImplementedError(\"torchtitan ships no ",
                        trainer::harmless_name(of_.task.what), ": return plan(your configuration of it)\")\n");
        return out;
    }

private:
    template <class... Parts>
    void line(const Parts&... parts) {
        format::put(body_, "    ", parts..., "\n");
    }
    template <class Value>
    void set(const char* key, const Value& value) {
        line("config.", key, " = ", value);
    }
    void note(const std::string& text) { notes_ += "# " + text + "\n"; }

    /// Refuses numbers of micro-batches that PyTorch's schedules do not take, and groups that they do not make.
    void check_order() const {
        const int all = spec_.micro_batches;
        const std::string name = "PyTorch's " + std::string(word_), count = std::to_string(all) + " micro-batches";
        const bool looped = spec_.which == family::interleaved || spec_.which == family::zb_interleaved;
        const bool whole = spec_.which == family::one_f_one_b || spec_.which == family::dualpipe_v;
        if (whole && all < spec_.stages)
            refuse(name + " does not take " + count + " (it needs as many as the " + std::to_string(spec_.stages) +
                   " stages) use more, or fewer stages");
        if (!looped) return;
        const int rounds = std::max(1, all / ranks_);
        if (all % rounds != 0)
            refuse(name + " does not take " + count + " (it runs them in " + std::to_string(rounds) +
                   " equal rounds) use a multiple of " + std::to_string(ranks_));
        const int group = std::min(all, spec_.group == 0 ? ranks_ : spec_.group);
        if (spec_.which == family::interleaved && group != all / rounds)
            refuse(name + " does not take groups of " + std::to_string(group) + " (of " + count +
                   " it makes groups of " + std::to_string(all / rounds) + ") plan with --group " +
                   std::to_string(all / rounds));
    }

    void sizes() {
        const std::int64_t tokens = of_.task.what.tokens;
        line("blocks = len(config.model_spec.model.layers)");
        line("assert blocks == ", chain_.blocks, ", f\"the plan is of ", chain_.blocks, " layers, not {blocks}\"");
        if (tokens > 0) set("training.max_context_length", tokens);
        line("tokens = config.training.max_context_length");
        line("config.training.num_tokens_per_microbatch_per_dp_rank = ", with_.micro_batch, " * tokens");
        line("config.training.num_tokens_per_train_step = ", with_.samples(), " * tokens");
        if (of_.task.what.bytes.activation == 4) set("training.mixed_precision_param", "\"float32\"");
    }

    void pipeline() {
        set("parallelism.pipeline_parallel_degree", ranks_);
        if (ranks_ == 1) return;
        if (of_.task.what.sizes.tied)
            refuse("torchtitan does not tie the head to the embedding in a pipeline (" +
                   std::string(of_.task.what.name.view()) + " does) plan with --families data_parallel");
        set("parallelism.pipeline_parallel_schedule", "\"" + std::string(word_) + "\"");
        set("parallelism.num_pp_microbatches", spec_.micro_batches);
        line("config.parallelism.module_fqns_per_model_part = [");
        int block = 0;
        for (const layout_stage& s : layout_of(with_.cuts, chain_)) {
            std::vector<std::string> parts;
            if (s.embedding > 0) parts.emplace_back("\"tok_embeddings\"");
            if (s.blocks() > 0)
                parts.push_back("*layers(" + std::to_string(block) + ", " + std::to_string(block + s.blocks()) + ")");
            if (s.loss > 0) parts.emplace_back("\"norm\", \"lm_head\"");
            block += s.blocks();
            line("    [", trainer::joined(parts, ", "), "],");
        }
        line("]");
        if (spec_.which != family::gpipe && spec_.which != family::one_f_one_b && spec_.which != family::interleaved)
            note(
                "PyTorch makes its own order of this name; chimera schedule --format csv gives the planned one, for\n"
                "# parallelism.pipeline_parallel_schedule_csv.");
    }

    void copies() {
        const bool sharded = with_.zero > 0 && with_.width > 1;
        if (sharded && with_.zero == 1)
            refuse(
                "torchtitan has no ZeRO 1 (its copies shard weights and gradients as well, or nothing) plan with "
                "--zero 0,2,3");
        set("parallelism.data_parallel_replicate_degree", sharded ? 1 : with_.width);
        set("parallelism.data_parallel_shard_degree", sharded ? with_.width : 1);
        if (sharded) set("parallelism.fsdp_reshard_after_forward", with_.zero == 3 ? "\"always\"" : "\"never\"");
        set("parallelism.tensor_parallel_degree", with_.tensor);
        if (with_.tensor > 1) set("parallelism.enable_sequence_parallel", with_.sequence_parallel ? "True" : "False");
        if (with_.order == chimera::layout::stages_together && with_.width > 1 && ranks_ > 1)
            note("torchtitan keeps the copies of a stage together in a node, this plan the stages of a copy.");
    }

    void recompute() {
        switch (trainer::recompute_of_all(with_, torchtitan)) {
            case recompute_mode::full:
                refuse(
                    "torchtitan recomputes block by block (this plan keeps the input of a stage alone) plan with "
                    "--recompute none,selective,layers");
            case recompute_mode::layers:
                full_ = "FullAC";
                break;
            case recompute_mode::selective:
                full_ = "SelectiveAC";
                note("SelectiveAC chooses among all operations; the plan recomputes those of attention alone.");
                break;
            case recompute_mode::none:
            case recompute_mode::mixed:
                break;
        }
        set("activation_checkpoint", full_ ? full_ + std::string(".Config()") : std::string("None"));
    }

    const shipped_model* shipped() const {
        const decoder_sizes& s = of_.task.what.sizes;
        for (const shipped_model& each : shipped_models)
            if (s.kind == decoder_kind::llama && each.blocks == chain_.blocks && each.channels == s.channels &&
                each.inner == s.inner && each.vocabulary == s.vocabulary)
                return &each;
        return nullptr;
    }
    std::string function_name() const {
        std::string out = trainer::harmless_name(of_.task.what);
        for (char& c : out)
            if (c == '.' || c == '-') c = '_';
        if (out.empty() || std::isdigit(static_cast<unsigned char>(out.front())) != 0) out = "model_" + out;
        return out;
    }
    std::string launch() const {
        const trainer::processes at = trainer::processes_of(of_);
        std::string out;
        if (at.each > 0)
            format::put(out, "torchrun --nnodes ", at.nodes, " --nproc-per-node ", at.each);
        else
            format::put(out, with_.workers(), " processes on ", at.nodes, " nodes of");
        return out;
    }

    const trainer_plan& of_;
    const configuration& with_;
    const family_spec& spec_;
    layout_chain chain_;
    int ranks_;
    const char* word_;
    const char* full_ = nullptr;  ///< the policy that recomputes
    std::string body_, notes_;
};

}  // namespace

trainer_answer torchtitan_text(const trainer_plan& of) { return {torchtitan_config(of).text(), {}}; }

}  // namespace chimera::executor
