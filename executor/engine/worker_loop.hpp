// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/core_semaphore.hpp>
#include <executor/engine/recorder.hpp>
#include <executor/engine/status.hpp>
#include <executor/engine/worker_plan.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace chimera::executor {

/// The trainer's own code in an iteration, called on each worker's thread with its end of the communication.
struct engine_hooks {
    std::function<void(communicator&)> before_update{};  ///< before the first update: all gradients are reduced
    /// Instead of that where weights change within the iteration: before each update of a stage, whose gradients are
    /// reduced, with how many updates of it came before in the iteration. Must not communicate.
    std::function<void(int worker, int stage, int update)> each_update{};
    std::function<void(communicator&)> after_iteration{};  ///< after the last instruction
};

/// The loop over one worker's instructions. With a work queue, calls only enqueue: when all have returned, the loop
/// goes through the stamps that it left, in their order, and waits for each.
class worker_loop {
public:
    using clock = std::chrono::steady_clock;

    /// `on`: null on the host; otherwise that of the plan.
    worker_loop(worker_plan what, communicator& end, core_semaphore& gate, const engine_hooks& hooks,
                std::unique_ptr<work_queue> on = nullptr);

    /// Calls everything in the row once, and returns when all calls have. Throws what a stage or a call throws.
    void enqueue(std::int64_t iteration, clock::time_point start);
    /// The rest of the iteration, once what was called is under way: waits for it where it was only enqueued. Times in
    /// the plan's steps become seconds since the start.
    void complete();
    /// In place of enqueue: the row was launched as a whole, `seconds` after the iteration's start, and has come to its
    /// end.
    void launched(double seconds);

    const worker_plan& done() const { return plan_; }
    const worker_status& status() const { return status_; }
    worker_status& status() { return status_; }
    const flight_recorder& recorder() const { return recorder_; }

private:
    struct calls;
    void begin(const planned& p, std::int64_t iteration);
    void end();
    void transfer(const planned& p);
    void wait(const message_call& m);
    void compute(const planned& p);
    void call(const planned& p, const unit_call& c);
    void update(const planned& p);
    void reduce(const planned& p);
    void finish_reduction(const planned& p);
    void hook(const std::function<void(communicator&)>& code);
    void resolve();
    double now() const { return std::chrono::duration<double>(clock::now() - start_).count(); }
    step& step_of(const planned& p) { return plan_.steps[static_cast<std::size_t>(p.step)]; }
    step& reduction_of(const planned& p) { return plan_.reductions[static_cast<std::size_t>(p.step)]; }
    /// Stamps come in pairs, those of the steps before those of the reductions.
    std::size_t stamp_of(const planned& p) const {
        const bool reduces = p.op == action::reduce_gradient || p.op == action::wait_gradient;
        return 2 * (static_cast<std::size_t>(p.step) + (reduces ? plan_.steps.size() : 0));
    }
    void note(double& time, std::size_t stamp) {
        if (!queue_)
            time = now();
        else
            queue_->stamp(stamp);
    }

    std::unique_ptr<work_queue> queue_;  // outlives the plan, whose memory is its own

    worker_plan plan_;
    communicator& end_;
    core_semaphore& gate_;
    const engine_hooks& hooks_;
    clock::time_point start_{};
    bool updated_ = false;
    worker_status status_;
    flight_recorder recorder_;
};

}  // namespace chimera::executor
