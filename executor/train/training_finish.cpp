// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/staleness.hpp>
#include <chimera/render/html.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/render/trace.hpp>
#include <executor/io/resources.hpp>
#include <executor/io/write.hpp>
#include <executor/train/training_run.hpp>
#include <executor/train/validate.hpp>

#include <algorithm>
#include <cmath>

namespace chimera::executor {

void training_run::fill_report() {
    auto& r = report_;
    r.done = job_;
    r.stopped = step_ < steps_;
    r.parameters = parameter_count(job_.model);
    r.workers = program_.head.workers;
    r.instructions = program_.instructions.size();
    r.compiled = proven_.compiled();
    r.updates = static_cast<int>(groups_.size());
    for (const std::int32_t count : program_.version_counts) r.weight_versions = std::max(r.weight_versions, count);
    for (const stage_staleness& each : staleness(program_)) r.staleness = std::max(r.staleness, each.largest);
    r.computed_on = on_->name();
    r.cores = job_.cores > 0 ? job_.cores : usable_cores();
    r.sharing = sharing();
    r.micro_batches = program_.head.micro_batches;
    r.corpus_tokens = data_.size();
    r.corpus_files = data_.files();
    r.text = data_.is_text();
    r.left_out = data_.others().text();
    r.step = step_;
    r.steps_here = done_here_;
    if (done_here_ == 0 && step_ > 0 && together_.leads()) r.logged = read_log(in_output(run_file::log), step_);
    r.tokens_per_second =
        r.seconds > 0 ? static_cast<double>(done_here_) * static_cast<double>(batch_.inputs.size()) / r.seconds : 0;
    r.predicted_makespan = predicted_.makespan;
    r.predicted_bubble = predicted_.bubble_ratio;
    r.measured_makespan = record_.makespan();
    r.measured_bubble = record_.bubble_ratio();
    r.checkpoint = kept_.latest();
    r.log = in_output(run_file::log);
}

void training_run::write_timelines() {
    if (!together_.leads() || record_.empty()) return;
    report_.timeline = in_output(run_file::timeline);
    report_.trace = in_output(run_file::trace);
    svg_options options;
    options.unit = time_unit::seconds;
    options.note = "measured";
    write_file(report_.timeline.string(), svg(record_.typical(), options));
    write_file(in_output(run_file::page).string(), html(predicted_.expected, record_.typical()));
    write_file(report_.trace.string(), chimera::trace(record_.typical()));
}

void training_run::score() {
    auto& r = report_;
    r.validation_tokens = windows_.size() * static_cast<std::size_t>(job_.tokens());
    if (windows_.empty()) return;
    talk_.begin("scoring the validation text", scoring_);
    while_running([&] {
        r.validation_loss = validate(*on_, program_, *model_, unit_, data_, windows_, gate_, pause_);
        talk_.begin("counting the data's tokens for the baselines");
        if (together_.leads())
            r.counted = count_baselines(data_, split_, windows_, job_.tokens(), job_.model.vocabulary);
    });
    if (!std::isfinite(r.validation_loss))
        throw run_failed("the validation loss is not finite after step " + std::to_string(step_) + " " + diverged);
    if (together_.leads()) kept_.prove();
}

train_report training_run::finish() {
    bool certain = false;
    try {
        save();
        fill_report();
        write_timelines();
        certain = true;
        if (!report_.stopped) score();
    } catch (const run_failed& failed) {
        fail(failed, certain);
    }
    return report_;
}

}  // namespace chimera::executor
