// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/job/job.hpp>
#include <executor/workers/replicas.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace chimera::executor {

/// Averages the gradients of each update over its units and clips them by their norm: the global one, or, where weights
/// change within the iteration and no moment has the gradients of all stages, each stage's own.
///
/// Sums of squares, norms and factors are computed where the stages are. Off the host nothing waits for them: the hooks
/// only enqueue, so that an iteration can be recorded, and what differs between iterations (learning rate, AdamW's
/// count) is uploaded before it. Sums over workers are in the order of the workers, on the host and off it: the same
/// bits on all.
class clipping {
public:
    /// `ends`: of the workers that this process plays. All that is given must outlive it.
    clipping(replicas& of, const program_view& program, const optimiser_settings& how, bool on_host,
             std::span<communicator* const> ends);

    /// Before iteration `step`, counted from 0.
    void begin(std::int64_t step, double learning_rate);
    /// Hooks of the engine, see engine_hooks. On the host they throw where the gradient is not finite, or its
    /// square would not be and nothing clips it.
    void before_update(communicator& end);
    void each_update(int worker, int stage, int update);
    /// After an iteration that updates at its end: the norm of its gradient. Throws run_failed where it is not finite.
    double norm();
    /// After any other: the norm of each stage's last gradient; 0 of stages whose first worker another process plays.
    /// Throws likewise.
    std::vector<double> stage_norms();

private:
    /// One of the stages that a worker holds.
    struct member {
        model_stage* model = nullptr;
        int stage = 0;
        bool first = false;         ///< of its replica group
        double* numbers = nullptr;  ///< where updates are clipped one by one: sums of squares, then norms
    };
    /// Of one worker, with sums of squares in its device's memory.
    struct own {
        std::vector<member> held;
        double* squares = nullptr;  ///< [workers, stages], on the host [1, stages]; then the norm
        int everybody = -1;         ///< the group of all workers
    };

    void hold(int worker);
    void share(communicator& end);
    norm_limit limit(const own& of) const;
    norm_limit limit(const member& of, int update) const;
    void check(double norm) const;
    double last_norm(const own& of);
    double last_norm(const member& of);

    program_view program_;
    optimiser_settings how_;
    bool on_host_, flushed_;
    int rows_;
    std::vector<int> groups_;  ///< units of each update
    std::vector<own> workers_;
    std::int64_t step_ = 0;
};

}  // namespace chimera::executor
