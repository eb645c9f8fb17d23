// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/engine/replay.hpp>
#include <executor/engine/worker_loop.hpp>
#include <executor/engine/worker_plan.hpp>

#include <chimera/core/error.hpp>
#include <chimera/simulate/timeline.hpp>

#include <memory>
#include <span>
#include <string>

namespace chimera::executor {

struct engine_options {
    int cores = 0;  ///< compute slots run on this many cores at once, first come first served; 0: no limit
    double watchdog_seconds = 60;  ///< a worker may go this long without progress; 0: for ever
    std::string recorder_file{};   ///< where the flight recorders are written after a failure; empty: nowhere
    engine_hooks hooks{};
    work_queue_maker work_queues{};  ///< where each worker's work goes; empty: it is done on the host as it is called
    /// With work queues: iterations after the first `plain_iterations` are launched as a whole, and the next one is
    /// recorded for that. Then hooks before an update must only enqueue, and stages must do nothing on the host that
    /// differs between iterations.
    std::shared_ptr<replay> graph{};
    int plain_iterations = 1;
};

/// The exit status of a run that had to be given up with a worker that cannot be stopped.
inline constexpr int hang_exit_status = 3;

/// A worker failed or hung. The text names worker, instruction, stage, unit and peer.
struct run_failed : chimera_error {
    using chimera_error::chimera_error;
};

/// A failure of another process, which knows the cause.
struct run_aborted : run_failed {
    using run_failed::run_failed;
};

/// Runs a program: one thread for each worker whose end of the communication it is given.
///
/// The program, the stages and the communication must outlive it. When `run_iteration` has thrown, the run is over:
/// every later call throws the same. A worker that hangs inside a stage cannot be stopped; `stuck` is then true, and
/// the caller is to end the process with `std::_Exit` after its own last words: the destructor does so too (it prints
/// the report and exits with `hang_exit_status`), because memory that the lost thread uses cannot be freed.
class engine {
public:
    /// Throws when a row cannot run: a stage the worker does not hold, a tensor nobody makes, not enough memory.
    engine(const program_view& program, const stage_lookup& stages, std::span<communicator* const> ends,
           engine_options options = {});
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// Runs every row once; returns the measured times, valid until the next call. Rows of workers that other
    /// processes play are empty. Throws `run_failed`, at most 2 seconds after a failure or after the watchdog's limit.
    const timeline& run_iteration();

    /// Returns true if a worker could not be stopped after a failure.
    bool stuck() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace chimera::executor
