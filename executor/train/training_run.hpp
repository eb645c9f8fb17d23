// SPDX-License-Identifier: Apache-2.0
#pragma once

// The parts of one run, for those who carry it out: its preparation, its steps, its report.

#include <chimera/core/error.hpp>
#include <executor/checkpoint/checkpoint.hpp>
#include <executor/engine/engine.hpp>
#include <executor/forecast/fit_costs.hpp>
#include <executor/forecast/predict.hpp>
#include <executor/io/run_folder.hpp>
#include <executor/io/stop_signal.hpp>
#include <executor/job/programs.hpp>
#include <executor/train/kept_checkpoints.hpp>
#include <executor/train/learning_rate.hpp>
#include <executor/train/log.hpp>
#include <executor/train/trainer.hpp>
#include <executor/workers/clipping.hpp>
#include <executor/workers/heartbeat.hpp>
#include <executor/workers/iteration_part.hpp>
#include <executor/workers/process_group.hpp>
#include <executor/workers/replicas.hpp>

#include <chrono>
#include <optional>

namespace chimera::executor {

/// Part of the text of every failure that weights or gradients beyond all bounds cause.
inline constexpr const char* diverged = "(the run diverged)";

/// Data that can no longer be read is not bad input any more: the run failed.
template <class Read>
void while_running(Read read) {
    try {
        read();
    } catch (const run_failed&) {
        throw;
    } catch (const aborted& elsewhere) {
        throw run_aborted(elsewhere.what());
    } catch (const chimera_error& lost) {
        throw run_failed(lost.what());
    }
}

/// One run from its job to its report. The members are in the order in which they need each other.
class training_run {
public:
    /// Checks all input; writes nothing, and hears of no other rank.
    training_run(const job& wanted, const train_options& options, process_group& together);
    void prepare();
    /// Trains until the last step or a signal to stop, with checkpoints on the way.
    void iterate();
    void name_recorder(const std::string& message) const;
    /// Writes the checkpoint and the timelines, scores the validation text and returns the report.
    train_report finish();

private:
    void score();
    void fill_report();
    void write_timelines();
    void check_checkpoint();
    void check_settings(const checkpoint_info& found);
    void refuse_checkpoint() const;
    void take_folder();
    bool ended() const;
    /// Throws anew what a part of the run has thrown: where it diverged, with the last good checkpoint in place again
    /// and with what to do. `certain`: weights that a checkpoint holds can be the only cause.
    [[noreturn]] void fail(const run_failed& why, bool certain);
    std::string advice() const;
    void share_cores();
    void agree();
    void resume();
    void predict_iterations();
    void plan_steps();
    std::int64_t most_windows(std::int64_t steps) const;
    double scoring_seconds(std::int64_t steps) const;
    void choose_windows();
    void announce();
    void open_output();
    void one_iteration(engine& run);
    void record(const iteration_part& whole, double seconds);
    double norm(const iteration_part& whole) const;
    void save();
    void report_progress(const step_record& record);
    std::filesystem::path recorder_path() const;
    std::string sharing() const;
    std::filesystem::path in_output(const char* name) const { return job_.output / name; }

    using clock = std::chrono::steady_clock;
    static double since(clock::time_point start) { return std::chrono::duration<double>(clock::now() - start).count(); }

    clock::time_point start_ = clock::now();
    job job_;
    run_folder folder_;
    kept_checkpoints kept_;
    const train_options& options_;
    heartbeat talk_;
    process_group& together_;
    stop_request signals_;
    job_program proven_;
    program_view program_;
    corpus data_;
    corpus_split split_;
    std::vector<std::size_t> windows_;  ///< of the validation text
    std::vector<layer_range> layers_;   ///< of each stage
    unit_shape unit_;
    sampler source_;
    std::unique_ptr<backend> on_;
    std::string hash_;
    train_report report_;
    int gate_ = 0;     ///< cores that the workers of this process share, 0: no need
    int machine_ = 0;  ///< that all workers share, likewise
    prediction predicted_;
    std::optional<replicas> model_;
    std::optional<clipping> clip_;
    std::optional<checkpoint_header> found_;
    std::string settings_, changes_;  ///< what decides the bits; of that, what a resume changes
    std::optional<step_log> log_;
    learning_rate rate_;
    batch batch_;
    std::int64_t step_ = 0, steps_ = 0, done_here_ = 0;
    double norm_ = 0;          ///< of the last iteration's gradient
    std::vector<int> groups_;  ///< units of each update of an iteration
    iteration_record record_;
    double scoring_ = 0;  ///< expected seconds of the validation, on rank 0
    double pause_ = 0;    ///< longest time without progress that ends the run, seconds
    clock::time_point first_iteration_, last_words_;
};

}  // namespace chimera::executor
