// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/io/choice_names.hpp>
#include <executor/io/family_options.hpp>
#include <executor/model/known_models.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// The device of a run; automatic takes a GPU where there is one.
enum class training_device : std::uint8_t { automatic, cpu, cuda };

/// The numbers of weights and activations; gradients and the optimiser's state are fp32 always.
enum class training_precision : std::uint8_t { fp32, bf16 };

[[nodiscard]] constexpr std::string_view name(training_device device) noexcept {
    constexpr std::string_view names[] = {"auto", "cpu", "cuda"};
    return names[static_cast<std::size_t>(device)];
}
[[nodiscard]] constexpr std::string_view name(training_precision precision) noexcept {
    return precision == training_precision::bf16 ? "bf16" : "fp32";
}
template <>
inline constexpr std::array choices_of<training_device>{training_device::automatic, training_device::cpu,
                                                        training_device::cuda};
template <>
inline constexpr std::array choices_of<training_precision>{training_precision::fp32, training_precision::bf16};

/// A schedule that was read from a file and proven.
struct file_order {
    std::string path;
    schedule order;
};

/// The shape of one iteration's tokens.
struct batch_sizes {
    int sequences = 4;  ///< per micro-batch
    int tokens = 0;     ///< per sequence; 0: the model's context
};

/// AdamW with clipping by the global norm, warm-up and cosine decay. Asynchronous families (pipedream, pipedream_2bw)
/// update a stage several times in an iteration: each update averages over its own micro-batches, is clipped by the
/// stage's own norm and counts as a step of AdamW; the learning rate is the iteration's.
struct optimiser_settings {
    double learning_rate = 3e-3;    ///< after warm-up
    double min_learning_rate = -1;  ///< at the end; negative: a tenth of learning_rate
    std::int64_t warmup = -1;       ///< iterations; negative: a twentieth of all
    std::int64_t steps = 0;         ///< iterations; 0: as many as fit into `seconds`
    double seconds = 0;             ///< how long to train, when steps is 0
    double beta1 = 0.9;
    double beta2 = 0.95;
    double weight_decay = 0.1;
    double clip = 1;  ///< largest gradient norm; 0: no clipping
};

/// Warm-up iterations of a run of so many, where nothing else is said.
constexpr std::int64_t default_warmup(std::int64_t steps) { return steps < 20 ? 1 : steps / 20; }

/// With the smallest learning rate and, where the steps are known, the warm-up that apply.
optimiser_settings filled_in(optimiser_settings given);

/// Everything `chimera train` is told. As a file, version 1; every key may be left out but data:
///
///     {"format": "chimera.job", "version": 1,
///      "model": "tiny" | "bytes" | "gpt2" | {"layers": 4, "heads": 4, "channels": 64, "context": 64,
///                                             "vocabulary": 256},
///      "data": "folder" | ["file", "folder", "tokens.bin", ...],  "validation_fraction": 0.1,
///      "validation_windows": 4096,
///      "schedule": {"family": "bidirectional", "stages": 4, "micro_batches": 4, "pipelines": 2,
///                   "scale": "direct" | "doubling" | "halving", "width": 1,
///                   "sync": "lazy" | "eager" | "eager_opt", "recompute": "none" | "full" | [0, 2],
///                   "blocks": [2, 1, 1, 0]}
///                | {"file": "order.csv", "width": 1, "sync": …, "recompute": …, "blocks": …},
///      "batch": {"sequences": 4, "tokens": 64},
///      "optimiser": {"learning_rate": 3e-3, "min_learning_rate": 3e-4, "warmup": 10, "steps": 200 | "seconds": 90,
///                    "betas": [0.9, 0.95], "weight_decay": 0.1, "clip": 1},
///      "seed": 1, "output": "runs/first", "checkpoint_interval": 100, "watchdog": 30, "cores": 2, "threads": 1,
///      "device": "auto" | "cpu" | "cuda", "precision": "fp32" | "bf16", "deterministic": false, "graph": true}
///
/// "blocks" are the transformer blocks of each stage, together the model's layers; without it they are dealt by work.
/// "validation_windows" bounds how many windows of tokens are scored at the end (0: none); left out, it is a quarter of
/// those that the run trains on, at most 4096.
/// "micro_batches" is per copy of the pipeline group: an iteration takes width × micro_batches × sequences windows of
/// tokens.
/// "watchdog" is in seconds without progress, "checkpoint_interval" in iterations (0: only at the end), "cores" 0: all
/// of the machine.
/// "threads": with how many each worker computes, on the CPU; results depend on it, in the last bits.
/// "device" auto takes a GPU where there is one. "precision" is of weights and activations; bf16 wants a GPU, or a CPU
/// with avx512_bf16.
/// "deterministic" (no algorithm is chosen by its speed or adds up in any order, so that runs leave the same bits) is
/// for GPUs: the CPU always is. "graph": where workers share a GPU, an iteration is recorded and launched as a whole;
/// without it its operations are launched one by one: the same bits, where the run is deterministic.
struct job {
    gpt2_sizes model = *find_trained_sizes("bytes");
    std::vector<std::filesystem::path> data;
    double validation_fraction = 0.1;
    /// At most so many are scored, 0: none. Left out: a quarter of those that the run trains on, at most 4096, so that
    /// scoring takes about a twelfth of the time that training does.
    std::optional<std::int64_t> validation_windows;
    family_options schedule{{.which = family::bidirectional, .stages = 4, .micro_batches = 4}};
    bool names_scale = false;  ///< the scale was given, direct ones too: job files and hashes state it then
    /// The schedule instead of a family's; its sizes stand in `schedule`, too. Null: the family's.
    std::shared_ptr<const file_order> file;
    reduction_start sync = reduction_start::eager_opt;
    std::vector<int> blocks;  ///< of each stage; empty: as stage_layers deals them
    batch_sizes batch;
    optimiser_settings optimiser;
    std::uint64_t seed = 1;
    std::filesystem::path output = "runs/train";
    std::int64_t checkpoint_interval = 0;
    double watchdog = 30;
    int cores = 0;
    int threads = 1;  ///< of each worker
    training_device device = training_device::automatic;
    training_precision precision = training_precision::fp32;
    bool deterministic = false;
    bool graph = true;

    int tokens() const { return batch.tokens > 0 ? batch.tokens : model.context; }
    bool in_bf16() const { return precision == training_precision::bf16; }
    /// Returns true if the scale is shown: one that was given, or that is not the family's own.
    bool shows_scale() const { return names_scale || schedule.scale != scale::direct; }
    /// The name of the family, or of the file's.
    std::string_view family_name() const { return file ? file->order.head.family.view() : name(schedule.which); }
};

/// The schedule that a job runs, before it is lowered. Throws chimera_error where its options are refused.
schedule schedule_of(const job& wanted);

/// Reads a job and the schedule file that it names. Throws error that names the key, what it is, and what would be
/// right.
job read_job(const nlohmann::json& value, const std::string& name);

/// Reads a job from its JSON text.
job parse_job(std::string_view text, const std::string& name);

/// Reads a job file of at most 1 MiB.
job read_job(const std::filesystem::path& path);

/// Checks what the single values cannot show: data given, heads divide channels, tokens within the context, stages
/// within the layers, steps or seconds, even sequences under halving, a finite memory need. Throws error.
void check_job(const job& wanted);

/// The job as JSON, and as its text; parse_job reads it back to the same job.
nlohmann::ordered_json job_json(const job& from);
std::string job_text(const job& from);

/// The model's sizes as JSON, and as its text on one line: checkpoints of one model have the same.
nlohmann::ordered_json model_json(const gpt2_sizes& model);
std::string model_text(const gpt2_sizes& model);

/// Everything that decides the bits of a run, as JSON text: model, content of the data, schedule, batch, optimiser,
/// seed. A job has the same before and after the run has filled in what it leaves out.
std::string settings_text(const job& from, std::uint64_t data_fingerprint);

/// Hash of settings_text.
std::string job_hash(const job& from, std::uint64_t data_fingerprint);

/// Sizes of a model by name: tiny, bytes, gpt2. Throws error for others.
gpt2_sizes named_model(std::string_view name);

}  // namespace chimera::executor
