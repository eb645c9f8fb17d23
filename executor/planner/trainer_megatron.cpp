// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>

#include <executor/planner/model_layout.hpp>
#include <executor/planner/trainer_words.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

constexpr const char* megatron = "Megatron-LM";
constexpr trainer::family_word megatron_families[] = {
    {family::one_f_one_b, ""}, {family::interleaved, ""}, {family::data_parallel, ""}};

/// The flags of one plan, by topic.
class megatron_flags {
public:
    explicit megatron_flags(const trainer_plan& of)
        : of_(of), with_(of.with), sizes_(of.task.what.sizes), stages_(layout_of(with_.cuts, chain_of(of.task.what))),
          ranks_(with_.schedule.workers()) {
        trainer::word_of(megatron_families, with_.schedule.which, megatron);
        parallel();
        model_sizes();
        batch();
        recompute();
        data_parallel();
        numbers();
    }

    std::string text() const {
        std::string out = trainer::heading(of_, "# ");
        format::put(out, "# Flags of Megatron-LM 0.20. Left to you: data, tokenizer");
        if (sizes_.vocabulary > 0) format::put(out, " (", sizes_.vocabulary, " words)");
        format::put(out, ", optimiser, learning rate, steps,\n# checkpoints");
        if (sizes_.kind == decoder_kind::llama) format::put(out, ", base of the rotary positions");
        if (sizes_.kind == decoder_kind::none) format::put(out, ", the script and the sizes of the model");
        const trainer::processes at = trainer::processes_of(of_);
        if (at.nodes > 1) format::put(out, ", how the nodes meet (--rdzv-endpoint)");
        format::put(out, ".\n", notes_);
        if (with_.tensor > 1 && with_.zero < 2) format::put(out, "CUDA_DEVICE_MAX_CONNECTIONS=1 ");
        if (at.each > 0)
            format::put(out, "torchrun --nnodes ", at.nodes, " --nproc-per-node ", at.each);
        else
            format::put(out, "${LAUNCH:?starts ", with_.workers(), " processes on ", at.nodes, " nodes}");
        format::put(out, " ", script());
        for (const std::string& flag : flags_) format::put(out, " \\\n    ", flag);
        return out + " \\\n    \"$@\"\n";
    }

private:
    void add(const std::string& flag) { flags_.push_back(flag); }
    void add(const std::string& flag, std::int64_t value) { flags_.push_back(flag + " " + std::to_string(value)); }

    std::string script() const {
        if (sizes_.kind != decoder_kind::none) return "pretrain_gpt.py";
        return "\"${SCRIPT:?builds " + trainer::harmless_name(of_.task.what) + " with these flags}\"";
    }

    /// Blocks dealt evenly need no layout.
    bool even() const {
        return std::all_of(stages_.begin(), stages_.end(),
                           [&](const layout_stage& s) { return s.blocks() == stages_.front().blocks(); });
    }

    void parallel() {
        add("--tensor-model-parallel-size", with_.tensor);
        if (with_.sequence_parallel) add("--sequence-parallel");
        add("--pipeline-model-parallel-size", ranks_);
        if (ranks_ == 1) return;
        const int chunks = with_.schedule.stages / ranks_;
        if (!even())
            add("--pipeline-model-parallel-layout '" + write_layout(stages_) + "'");
        else if (chunks > 1)
            add("--num-virtual-stages-per-pipeline-rank", chunks);
        if (chunks > 1) groups();
        if (with_.order == chimera::layout::stages_together && with_.width > 1) add("--use-tp-pp-dp-mapping");
    }
    /// Micro-batches that pass a chunk in a row: Megatron's own rule.
    void groups() {
        const int all = with_.schedule.micro_batches;
        const int group = with_.schedule.group == 0 ? ranks_ : with_.schedule.group;
        const int rest = all % group;
        const std::string what = std::to_string(all) + " micro-batches in groups of " + std::to_string(group);
        if (group < ranks_ || group > all)
            refuse(std::string(megatron) + " does not interleave " + what + " (a group is from " +
                   std::to_string(ranks_) + ", the ranks, to " + std::to_string(all) + ") use another --group or N");
        if (rest > 0 && rest < ranks_)
            refuse(std::string(megatron) + " does not interleave " + what + " (" + std::to_string(rest) +
                   " remain, fewer than the ranks) use a multiple of " + std::to_string(ranks_) + " micro-batches");
        if (group != ranks_) add("--microbatch-group-size-per-virtual-pipeline-stage", group);
    }

    void model_sizes() {
        const auto& layers = of_.task.what.layers;
        const auto block = std::find_if(layers.begin(), layers.end(), [](const layer& l) { return l.heads > 0; });
        add("--num-layers", chain_of(of_.task.what).blocks);
        if (sizes_.channels > 0) {
            add("--hidden-size", sizes_.channels);
            add("--ffn-hidden-size", sizes_.inner);
        }
        if (block != layers.end()) add("--num-attention-heads", block->heads);
        if (block != layers.end() && block->shared_heads != block->heads)
            add("--group-query-attention --num-query-groups", block->shared_heads);
        if (of_.task.what.tokens > 0) add("--seq-length", of_.task.what.tokens);
        if (sizes_.context > 0) add("--max-position-embeddings", sizes_.context);
        if (sizes_.kind == decoder_kind::llama)
            add("--position-embedding-type rope --normalization RMSNorm --swiglu --disable-bias-linear");
        if (sizes_.kind != decoder_kind::none && !sizes_.tied) add("--untie-embeddings-and-output-weights");
    }

    void batch() {
        add("--micro-batch-size", with_.micro_batch);
        add("--global-batch-size", with_.samples());
    }

    /// A unit keeps its input alone: one layer, or where a stage recomputes in full all of its layers.
    void recompute() {
        const recompute_mode mode = trainer::recompute_of_all(with_, megatron);
        if (mode == recompute_mode::selective) add("--recompute-granularity selective");
        if (mode != recompute_mode::full && mode != recompute_mode::layers) return;
        const auto most = std::max_element(stages_.begin(), stages_.end(),
                                           [](const auto& a, const auto& b) { return a.blocks() < b.blocks(); });
        add("--recompute-granularity full --recompute-method uniform");
        add("--recompute-num-layers", mode == recompute_mode::layers ? 1 : most->blocks());
    }

    void data_parallel() {
        if (with_.zero > 1 && ranks_ > 1)
            refuse("ZeRO " + std::to_string(with_.zero) + " is not written for pipelines of " + megatron +
                   " (its optimiser shards what ZeRO 1 does, its FSDP is for one stage) plan with --zero 0,1");
        if (with_.zero > 0) add("--use-distributed-optimizer");
        if (with_.zero > 1)
            add(std::string("--use-megatron-fsdp --ckpt-format fsdp_dtensor --data-parallel-sharding-strategy ") +
                (with_.zero == 2 ? "optim_grads" : "optim_grads_params"));
        if (with_.width > 1 && with_.synchronisation != reduction_start::lazy) add("--overlap-grad-reduce");
    }

    void numbers() {
        const precision& bytes = of_.task.what.bytes;
        if (bytes == single_precision) return;
        if (bytes.weight == 2 && bytes.activation == 2) add("--bf16");
        if (uses_fp8(of_.task.what)) add("--fp8-format hybrid --fp8-recipe tensorwise");
        if (bytes == precision{})
            add("--grad-reduce-in-bf16"),
                format::put(
                    notes_,
                    "# Gradients have 2 bytes here, as the plan counts them. Without --grad-reduce-in-bf16 they "
                    "have 4.\n");
        else if (!(bytes == precision{2, 4, 12, 2}))
            format::put(notes_, "# The plan counts ", bytes.weight, ", ", bytes.gradient, " and ", bytes.optimiser,
                        " bytes a parameter for weight, gradient and optimiser; check that yours are these.\n");
    }

    const trainer_plan& of_;
    const configuration& with_;
    const decoder_sizes& sizes_;
    std::vector<layout_stage> stages_;
    int ranks_;
    std::vector<std::string> flags_;
    std::string notes_;
};

}  // namespace

trainer_answer megatron_text(const trainer_plan& of) { return {megatron_flags(of).text(), {}}; }

}  // namespace chimera::executor
