// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/data/baselines.hpp>
#include <executor/job/job.hpp>
#include <executor/workers/backend.hpp>
#include <executor/workers/process_group.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace chimera::executor {

/// The way in which a run is started and watched; nothing here changes its bits.
struct train_options {
    bool resume = false;                                ///< go on from the checkpoint in the output folder
    bool overwrite = false;                             ///< replace a checkpoint that is there
    std::function<void(const std::string&)> say;        ///< progress lines; none when empty
    std::function<void(std::int64_t step)> after_step;  ///< for tests
    process_group* together = nullptr;                  ///< the processes of the run; null: this one alone
    /// The device of the run; empty: this machine's cores.
    std::function<std::unique_ptr<backend>(const job&, int workers)> make_backend;
};

/// What the log says of the steps up to a checkpoint.
struct logged_figures {
    std::int64_t steps = 0;                                        ///< that it has records of
    double last_loss = 0;                                          ///< nats
    double tokens_per_second = 0, makespan = 0, bubble_ratio = 0;  ///< medians; makespan in seconds
};

/// The result of a run, on rank 0.
struct train_report {
    job done;              ///< with the steps that were planned
    bool stopped = false;  ///< by a signal, before its end
    std::int64_t parameters = 0;
    std::size_t instructions = 0;  ///< of the program
    bool compiled = false;         ///< the program is one that was proven at compile time
    int workers = 0, cores = 0, micro_batches = 0;
    std::string computed_on;  ///< the backend's name
    std::string sharing;      ///< "4 workers share 2 cores", where that is so
    int updates = 1;          ///< of each stage in an iteration
    int weight_versions = 1;  ///< most that a worker keeps of a stage
    int staleness = 0;        ///< most updates between the weights of a gradient and the update that applies it
    std::size_t corpus_tokens = 0, corpus_files = 0;
    bool text = true;
    std::string left_out;         ///< what the search for text has passed over, and how much of each; empty: nothing
    std::int64_t step = 0;        ///< iterations done, those before a resume included
    std::int64_t steps_here = 0;  ///< those of this process: 0, and nothing was measured
    std::optional<logged_figures> logged;  ///< where nothing was measured, of the run before
    double first_loss = 0, last_loss = 0;  ///< where a step was done (here: the last)
    double validation_loss = 0;
    std::size_t validation_tokens = 0;
    baselines counted;
    double tokens_per_second = 0, seconds = 0;
    double predicted_makespan = 0, measured_makespan = 0;  ///< seconds; measured: medians over the iterations
    double predicted_bubble = 0, measured_bubble = 0;
    std::size_t predicted_memory = 0, measured_memory = 0;  ///< bytes of the fullest GPU; 0 on the host
    std::filesystem::path timeline, trace, log, checkpoint;
};

/// Trains as the job says, or throws chimera_error; with a process group, within its `together`, and with the bits of a
/// process alone. Rank 0 writes into the job's output folder: job.json (with the steps fixed), log.jsonl,
/// checkpoint.safetensors, timeline.svg, timeline.html and trace.json; nobody else may meanwhile (see run_folder).
/// Nothing is written before all input has proven good. A run that diverges is a run_failed and leaves the last good
/// checkpoint. A resumed run may have other settings of the optimiser, which `say` hears of. A job and its data decide
/// the bits of every weight: not the cores, not timing, and not whether it was stopped and resumed.
train_report train(const job& wanted, const train_options& options = {});

/// The table that a run ends with.
std::string report_text(const train_report& report);

}  // namespace chimera::executor
