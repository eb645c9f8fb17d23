// SPDX-License-Identifier: Apache-2.0
#include <executor/io/files.hpp>
#include <executor/io/resources.hpp>
#include <executor/train/training_run.hpp>
#include <executor/workers/whole_model.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>

namespace chimera::executor {

/// Of the last iteration's gradient, or of each stage's last one together.
double training_run::norm(const iteration_part& whole) const {
    if (program_.head.update == update_rule::flushed) return norm_;
    double sum = 0;
    for (const double each : whole.norms) sum += each * each;
    return std::sqrt(sum);
}

void training_run::one_iteration(engine& run) {
    const auto begin = clock::now();
    while_running([&] { source_.next(program_.head.units(), unit_.sequences, batch_); });
    model_->set_batch(batch_);
    clip_->begin(step_, rate_.at(step_));
    const double began = together_.now();
    const timeline& measured = run.run_iteration();
    const bool flushed = program_.head.update == update_rule::flushed;
    if (flushed) norm_ = clip_->norm();
    const auto whole =
        put_together(together_, program_,
                     {began, model_->losses(), flushed ? std::vector<double>() : clip_->stage_norms(), measured});
    ++step_;
    ++done_here_;
    if (whole) record(*whole, since(begin));
    if (together_.leads()) kept_.prove();
}

/// On rank 0. The loss is the mean over the units, added in their order.
void training_run::record(const iteration_part& whole, double seconds) {
    record_.add(whole.measured);
    double loss = 0;
    for (const double each : whole.losses) loss += each;
    loss /= static_cast<double>(whole.losses.size());
    if (step_ == 1) report_.first_loss = loss;
    report_.last_loss = loss;
    const auto tokens = static_cast<std::int64_t>(batch_.inputs.size());
    const step_record line{step_,          loss,    rate_.at(step_ - 1),     norm(whole),
                           step_ * tokens, seconds, record_.last_makespan(), record_.last_bubble_ratio()};
    if (!std::isfinite(loss))
        throw run_failed("the loss is not finite at step " + std::to_string(step_) + " " + diverged);
    log_->write(line);
    report_progress(line);
}

void training_run::report_progress(const step_record& record) {
    if (!talk_.speaks() || (since(last_words_) < 5 && step_ < steps_ && done_here_ > 1)) return;
    last_words_ = clock::now();
    const double each = since(first_iteration_) / static_cast<double>(done_here_);
    talk_.line(progress_line(record, steps_, static_cast<double>(batch_.inputs.size()) / each, predicted_.bubble_ratio,
                             each * static_cast<double>(steps_ - step_) + scoring_, sharing()));
}

std::string training_run::sharing() const {
    if (!on_->on_host()) return "";
    const int here = program_.head.workers * together_.local_size() / together_.size();
    return sharing_text(here, job_.threads, job_.cores > 0 ? job_.cores : usable_cores());
}

std::filesystem::path training_run::recorder_path() const {
    const std::string name = together_.leads() ? "recorder" : "recorder." + std::to_string(together_.rank());
    return in_output((name + ".txt").c_str());
}

/// Throws the engine's message with the file's name in the place of "the flight recorder", where that is.
void training_run::name_recorder(const std::string& message) const {
    constexpr std::string_view words = "the flight recorder";
    const auto at = message.find(words);
    if (at == message.npos || !std::filesystem::exists(recorder_path())) return;
    throw run_failed(message.substr(0, at) + shown(recorder_path()) + message.substr(at + words.size()));
}

/// Unless it is there already.
void training_run::save() {
    if (kept_.step() == step_) return;
    talk_.begin("writing the checkpoint");
    const whole_model whole(together_, *model_);
    if (together_.leads()) {
        folder_.check();
        kept_.write({step_, steps_, report_.first_loss, source_.state(), model_text(job_.model), hash_, settings_},
                    whole.tensors());
    }
    kept_.go_on(step_);
    together_.wait();  // nobody's watchdog runs while the file is written
}

std::string training_run::advice() const {
    char rate[32];
    std::snprintf(rate, sizeof rate, "%.3g", job_.optimiser.learning_rate / 10);
    const std::string with = std::string("--learning-rate ") + rate;
    if (kept_.step()) return "go on from step " + std::to_string(*kept_.step()) + " with --resume " + with;
    return std::string("start again with ") + (std::filesystem::exists(kept_.latest()) ? "--overwrite " : "") + with;
}

void training_run::fail(const run_failed& why, bool certain) {
    const std::string text = why.what();
    const auto end = text.find(diverged);
    if (end == text.npos || dynamic_cast<const run_aborted*>(&why)) throw;
    if (together_.leads()) kept_.fall_back(certain);
    const auto begin = text.rfind('(', end - 1);  // what the engine says around it is no help here
    const auto from = begin == text.npos || end == 0 ? 0 : begin + 1;
    throw run_failed(text.substr(from, end - from) + diverged + " " + advice());
}

void training_run::iterate() {
    const auto joined = on_->join(program_);
    const auto ends = joined->ends();
    engine_options options;
    options.cores = gate_;
    options.work_queues = on_->work_queues();
    if (job_.graph) options.graph = joined->graph();
    options.watchdog_seconds = pause_;
    options.recorder_file = recorder_path().string();
    clip_.emplace(*model_, program_, job_.optimiser, on_->on_host(), ends);
    options.hooks.before_update = [this](communicator& end) { clip_->before_update(end); };
    options.hooks.each_update = [this](int worker, int stage, int update) {
        clip_->each_update(worker, stage, update);
    };
    engine run(program_, model_->lookup(), ends, options);
    first_iteration_ = last_words_ = clock::now();
    try {
        while (step_ < steps_ && !together_.any(stop_request::wanted())) {
            talk_.begin("step " + std::to_string(step_ + 1) + "/" + std::to_string(steps_), predicted_.iteration);
            one_iteration(run);
            if (job_.checkpoint_interval > 0 && step_ % job_.checkpoint_interval == 0 && step_ < steps_) save();
            if (options_.after_step) options_.after_step(step_);
        }
    } catch (const run_failed& failed) {
        for (communicator* end : ends) end->abort();
        fail(failed, program_.head.update == update_rule::flushed);
    } catch (...) {
        for (communicator* end : ends) end->abort();  // others may be in the next iteration
        throw;
    }
    report_.seconds = since(first_iteration_);
    if (device_room* room = on_->room()) report_.measured_memory = room->taken();
}

train_report train(const job& wanted, const train_options& options) {
    process_group alone;
    training_run run(wanted, options, options.together ? *options.together : alone);
    try {
        run.prepare();
        run.iterate();
    } catch (const run_aborted&) {
        throw;
    } catch (const run_failed& failed) {
        run.name_recorder(failed.what());
        throw;
    }
    return run.finish();
}

}  // namespace chimera::executor
