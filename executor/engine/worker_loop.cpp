// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/worker_loop.hpp>

#include <chimera/run/walk_row.hpp>

#include <utility>

namespace chimera::executor {

/// The hooks: each finds what the plan keeps beside the step.
struct worker_loop::calls {
    worker_loop& of;
    std::int64_t iteration;
    const planned* at = nullptr;

    void enter(const run_step& s) {
        at = of.plan_.steps_to_do.data() + (&s - of.plan_.row.steps.data());
        of.begin(*at, iteration);
    }
    void leave(const run_step&) { of.end(); }
    void forward(const pass_call&) { of.compute(*at); }
    void backward(const pass_call&) { of.compute(*at); }
    void input_gradient(const pass_call&) { of.compute(*at); }
    void weight_gradient(const pass_call&) { of.compute(*at); }
    void recompute(const pass_call&) { of.compute(*at); }
    void start(std::span<const message_call>) { of.transfer(*at); }
    void wait(const message_call& m) { of.wait(m); }
    void start_reduction(const stage_call&) { of.reduce(*at); }
    void wait_reduction(const stage_call&) { of.finish_reduction(*at); }
    void update(const stage_call&) { of.update(*at); }
};

worker_loop::worker_loop(worker_plan what, communicator& end, core_semaphore& gate, const engine_hooks& hooks,
                         std::unique_ptr<work_queue> on)
    : queue_(std::move(on)), plan_(std::move(what)), end_(end), gate_(gate), hooks_(hooks) {
    if (queue_) queue_->prepare(2 * (plan_.steps.size() + plan_.reductions.size()));
}

void worker_loop::enqueue(std::int64_t iteration, clock::time_point start) {
    start_ = start;
    this_worker = &status_;
    if (queue_) queue_->begin(start);
    updated_ = false;
    status_.instruction.store(0, std::memory_order_relaxed);
    status_.enter(phase::computing);
    for (stage* held : plan_.stages) held->clear_gradients();
    for (stage* idle : plan_.without_units) idle->zero_gradients();  // they are reduced all the same
    run(plan_.row, calls{*this, iteration});
    if (queue_) status_.enter(phase::work_queue);
}

void worker_loop::launched(double seconds) { queue_->launched(seconds); }

void worker_loop::complete() {
    if (queue_) resolve();
    hook(hooks_.after_iteration);
    status_.enter(phase::idle);
}

void worker_loop::begin(const planned& p, std::int64_t iteration) {
    if (gate_.is_aborted()) throw aborted();  // compute alone would not notice
    status_.instruction.store(p.instruction, std::memory_order_relaxed);
    status_.advance();
    recorder_.begin(iteration, p.instruction, now());
    if (queue_) queue_->enter(p.instruction);
}

void worker_loop::end() {
    if (queue_) queue_->leave();
    recorder_.end(now());
}

void worker_loop::transfer(const planned& p) {
    status_.message.store(-1, std::memory_order_relaxed);
    status_.enter(phase::message);
    end_.start(p.transfers.of(plan_.transfers));
}

/// Sent data may be overwritten once `start` has returned.
void worker_loop::wait(const message_call& m) {
    if (m.sends) return;
    status_.message.store(m.tag, std::memory_order_relaxed);
    status_.enter(phase::message);
    end_.wait(m.tag);
}

void worker_loop::compute(const planned& p) {
    status_.enter(phase::core);
    const core_hold core(&gate_, plan_.worker);
    status_.enter(phase::computing);
    step& times = step_of(p);
    note(times.begin, stamp_of(p));
    if (p.version >= 0) p.model->select_version(p.version);
    for (const unit_call& c : p.units.of(plan_.calls)) {
        call(p, c);
        status_.advance();
    }
    note(times.end, stamp_of(p) + 1);
}

void worker_loop::call(const planned& p, const unit_call& c) {
    stage& model = *p.model;
    switch (p.op) {
        case action::forward:
            return p.light ? model.forward_light(c.unit, c.stash, c.from, c.to)
                           : model.forward(c.unit, c.stash, c.from, c.to);
        case action::backward:
            return model.backward(c.unit, c.stash, c.from, c.to);
        case action::input_gradient:
            return model.input_gradient(c.unit, c.stash, c.from, c.to);
        case action::weight_gradient:
            return model.weight_gradient(c.unit, c.stash);
        default:
            return model.recompute(c.unit, c.stash, c.to);
    }
}

void worker_loop::update(const planned& p) {
    if (p.version < 0 && !std::exchange(updated_, true)) hook(hooks_.before_update);
    if (p.empty) p.model->zero_gradients();
    if (p.version >= 0 && hooks_.each_update) {
        status_.enter(phase::hook);
        hooks_.each_update(plan_.worker, step_of(p).stage, p.update);
        status_.advance();
    }
    status_.enter(phase::core);
    const core_hold core(&gate_, plan_.worker);
    status_.enter(phase::computing);
    step& times = step_of(p);
    note(times.begin, stamp_of(p));
    p.version < 0 ? p.model->update() : p.model->update_version(p.newest, p.version);
    if (p.reopens) p.model->clear_gradients();
    note(times.end, stamp_of(p) + 1);
}

void worker_loop::reduce(const planned& p) {
    status_.enter(phase::computing);
    note(reduction_of(p).begin, stamp_of(p));
    if (p.empty) p.model->zero_gradients();
    end_.start_all_reduce(p.group, p.model->gradients());
}

void worker_loop::finish_reduction(const planned& p) {
    status_.enter(phase::reduction);
    end_.wait_all_reduce(p.group);
    note(reduction_of(p).end, stamp_of(p) + 1);
}

/// A hang on a device is an instruction's as well: the one whose stamp does not come.
void worker_loop::resolve() {
    status_.enter(phase::work_queue);
    for (const planned& p : plan_.steps_to_do) {
        if (p.step < 0) continue;
        if (gate_.is_aborted()) throw aborted();
        status_.instruction.store(p.instruction, std::memory_order_relaxed);
        step& times = p.op == action::reduce_gradient || p.op == action::wait_gradient ? reduction_of(p) : step_of(p);
        if (p.op != action::wait_gradient) times.begin = queue_->wait(stamp_of(p));
        if (p.op != action::reduce_gradient) times.end = queue_->wait(stamp_of(p) + 1);
        status_.advance();
    }
    queue_->finish();
    end_.check();
}

void worker_loop::hook(const std::function<void(communicator&)>& code) {
    if (!code) return;
    status_.enter(phase::hook);
    code(end_);
    status_.advance();
}

}  // namespace chimera::executor
