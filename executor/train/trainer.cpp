// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/program/staleness.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/render/trace.hpp>
#include <executor/engine/engine.hpp>
#include <executor/io/write.hpp>
#include <executor/train/calibrate.hpp>
#include <executor/train/checkpoint.hpp>
#include <executor/train/clipping.hpp>
#include <executor/train/groups.hpp>
#include <executor/train/log.hpp>
#include <executor/train/measure.hpp>
#include <executor/train/programs.hpp>
#include <executor/train/rate.hpp>
#include <executor/train/replicas.hpp>
#include <executor/train/stop.hpp>
#include <executor/train/trainer.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>

namespace chimera::executor {

namespace {

using clock = std::chrono::steady_clock;

double since(clock::time_point start) { return std::chrono::duration<double>(clock::now() - start).count(); }

/// One run from its job to its report. The members are in the order in which they need each other.
class training_run {
public:
    training_run(const job& wanted, const train_options& options);
    train_report finish();

private:
    void resume();
    void predict_iterations();
    void plan_steps();
    void open_output();
    void iterate();
    void one_iteration(engine& run);
    void save();
    void report_progress(const step_record& record);
    std::filesystem::path in_output(const char* name) const { return job_.output / name; }

    clock::time_point start_ = clock::now();
    job job_;
    const train_options& options_;
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
    int gate_ = 0;  ///< cores that workers share, 0: no need
    prediction predicted_;
    std::optional<replicas> model_;
    std::optional<clipping> clip_;
    std::optional<checkpoint_header> found_;
    std::optional<step_log> log_;
    learning_rate rate_;
    batch batch_;
    std::int64_t step_ = 0, steps_ = 0, done_here_ = 0;
    std::vector<int> groups_;  ///< units of each update of an iteration
    iteration_record record_;
    clock::time_point first_iteration_, last_words_;
};

/// Data that can no longer be read is not bad input any more: the run failed.
template <class Read>
void while_running(Read read) {
    try {
        read();
    } catch (const run_failed&) {
        throw;
    } catch (const error& lost) {
        throw run_failed(lost.what());
    }
}

const job& checked(const job& wanted) {
    check_job(wanted);
    return wanted;
}

std::unique_ptr<backend> backend_of(const job& wanted, int workers, const train_options& options) {
    if (options.make_backend) return options.make_backend(wanted, workers);
    if (wanted.device == "cuda" || wanted.precision != "fp32")
        refuse("the job asks for a GPU (device is " + wanted.device + ", precision " + wanted.precision +
               ", and there is nothing here but the CPU) leave both out");
    return make_host_backend(wanted.threads);
}

unit_shape unit_of(const job& wanted, const shape& head) {
    return {wanted.batch.sequences / head.micro_batch_parts, wanted.tokens()};
}

training_run::training_run(const job& wanted, const train_options& options)
    : job_(checked(wanted)), options_(options), proven_(job_), program_(proven_.view()),
      data_(open_corpus(job_.data, job_.model.vocabulary, job_.output)),
      split_(split_corpus(data_.size(), job_.validation_fraction, job_.tokens())),
      windows_(validation_windows(split_, job_.tokens(), static_cast<std::size_t>(job_.validation_windows))),
      layers_(stage_layers(config_of(job_.model), program_.head.stages, job_.blocks)),
      unit_(unit_of(job_, program_.head)), source_(data_, split_, job_.tokens(), job_.seed),
      on_(backend_of(job_, program_.head.workers, options)) {
    job_.device = on_->on_host() ? "cpu" : "cuda";
    hash_ = job_hash(job_, data_.fingerprint());
    const auto whole =
        windows_.size() / static_cast<std::size_t>(unit_.sequences) * static_cast<std::size_t>(unit_.sequences);
    if (whole > 0) windows_.resize(whole);  // validation scores whole units
    check_memory(program_, config_of(job_.model), layers_);
    groups_ = units_of_updates(program_);
    gate_ = on_->on_host() ? shared_cores(job_.cores, program_.head.workers, job_.threads) : 0;
    if (options_.resume) found_ = open_checkpoint(in_output("checkpoint.safetensors"));
    if (found_ && found_->info.model != model_text(job_.model))
        refuse("checkpoint " + shown(in_output("checkpoint.safetensors")) + " is of another model (" +
               found_->info.model + ") resume with the job that wrote it");
    if (found_ && found_->info.job != hash_)
        refuse("checkpoint " + shown(in_output("checkpoint.safetensors")) +
               " is of another job (model, data, schedule, batch, optimiser or seed differ) resume with " +
               shown(in_output("job.json")) + " and the same data");
    if (!options_.resume && !options_.overwrite && std::filesystem::exists(in_output("checkpoint.safetensors")))
        refuse("the output folder " + shown(job_.output) +
               " holds a checkpoint (a new run would replace it) use --resume, --overwrite or another --output");
    if (device_room* room = on_->room())
        report_.predicted_memory = check_device_memory(program_, config_of(job_.model), layers_, unit_, *room);
    predict_iterations();
    plan_steps();
    model_.emplace(*on_, program_, config_of(job_.model), layers_, unit_, job_.seed);
    if (found_) resume();
    open_output();
}

void training_run::predict_iterations() {
    const auto& o = job_.optimiser;
    const double seconds = o.steps > 0 ? 4 : std::clamp(0.04 * o.seconds, 0.2, 4.0);
    const std::size_t most = o.steps > 0 ? static_cast<std::size_t>(std::min<std::int64_t>(o.steps / 10, 1000)) : 1000;
    sampler(data_, split_, job_.tokens(), job_.seed).next(program_.head.units(), unit_.sequences, batch_);
    predicted_ = predict(*on_, program_, config_of(job_.model), layers_, unit_, batch_, gate_, job_.watchdog, seconds,
                         most, job_.graph);
}

void training_run::plan_steps() {
    auto& o = job_.optimiser;
    if (o.steps == 0 && found_) o.steps = found_->info.steps;
    if (o.steps == 0) {
        // The steps are fixed here, so that the run depends on its job alone; what validation will take is left out.
        double forward = 0;
        for (int s = 0; s < program_.head.stages; ++s) forward += predicted_.fitted.each.forward[s];
        const double validation = forward * static_cast<double>(windows_.size()) / job_.batch.sequences;
        const double left = o.seconds - since(start_) - validation;
        o.steps = std::max<std::int64_t>(1, std::llround(left / predicted_.iteration));
    }
    o = filled_in(o);
    steps_ = o.steps;
    rate_ = {o.learning_rate, o.min_learning_rate, o.warmup, o.steps};
}

void training_run::resume() {
    const auto tensors = model_->tensors();
    load_checkpoint(in_output("checkpoint.safetensors"), *found_, tensors);
    model_->spread();
    source_.restore(found_->info.data);
    step_ = found_->info.step;
    report_.first_loss = found_->info.first_loss;
}

void training_run::open_output() {
    std::error_code failed;
    std::filesystem::create_directories(job_.output, failed);
    if (failed)
        refuse("cannot make the output folder " + shown(job_.output) + " (" + failed.message() +
               ") choose another with --output");
    write_file(in_output("job.json").string(), job_text(job_));
    log_.emplace(in_output("log.jsonl"), found_ ? step_ : -1);
}

void training_run::one_iteration(engine& run) {
    const auto begin = clock::now();
    while_running([&] { source_.next(program_.head.units(), unit_.sequences, batch_); });
    model_->set_batch(batch_);
    clip_->begin(step_, rate_.at(step_));
    record_.add(run.run_iteration());
    const double loss = model_->loss(), norm = clip_->norm();
    if (step_ == 0) report_.first_loss = loss;
    report_.last_loss = loss;
    ++step_;
    ++done_here_;
    const auto tokens = static_cast<std::int64_t>(batch_.inputs.size());
    const step_record record{step_,          loss,         rate_.at(step_ - 1),     norm,
                             step_ * tokens, since(begin), record_.last_makespan(), record_.last_bubble_ratio()};
    log_->write(record);
    report_progress(record);
}

void training_run::report_progress(const step_record& record) {
    if (!options_.say || (since(last_words_) < 5 && step_ < steps_ && done_here_ > 1)) return;
    last_words_ = clock::now();
    const double each = since(first_iteration_) / static_cast<double>(done_here_);
    options_.say(progress_line(record, steps_, static_cast<double>(batch_.inputs.size()) / each,
                               predicted_.bubble_ratio, each * static_cast<double>(steps_ - step_)));
}

void training_run::save() {
    const auto tensors = model_->tensors();
    write_checkpoint(in_output("checkpoint.safetensors"),
                     {step_, steps_, report_.first_loss, source_.state(), model_text(job_.model), hash_}, tensors);
}

void training_run::iterate() {
    const auto joined = on_->join(program_);
    const auto ends = joined->ends();
    engine_options options;
    options.cores = gate_;
    options.lanes = on_->lanes();
    if (job_.graph) options.graph = joined->graph();
    options.watchdog_seconds = job_.watchdog;
    options.recorder_file = in_output("recorder.txt").string();
    clip_.emplace(*model_, program_, job_.optimiser, on_->on_host(), ends);
    options.hooks.before_update = [this](communicator& end) { clip_->before_update(end); };
    options.hooks.each_update = [this](int worker, int stage, int update) {
        clip_->each_update(worker, stage, update);
    };
    engine run(program_, model_->lookup(), ends, options);
    first_iteration_ = last_words_ = clock::now();
    while (step_ < steps_ && !stop_request::wanted()) {
        one_iteration(run);
        if (job_.checkpoint_interval > 0 && step_ % job_.checkpoint_interval == 0 && step_ < steps_) save();
        if (options_.after_step) options_.after_step(step_);
    }
    report_.seconds = since(first_iteration_);
    if (device_room* room = on_->room()) report_.measured_memory = room->taken();
}

train_report training_run::finish() {
    iterate();
    save();
    auto& r = report_;
    r.done = job_;
    r.stopped = step_ < steps_;
    r.parameters = parameter_count(config_of(job_.model));
    r.workers = program_.head.workers;
    r.instructions = program_.instructions.size();
    r.compiled = proven_.compiled();
    r.updates = static_cast<int>(groups_.size());
    for (const std::int32_t count : program_.version_counts) r.weight_versions = std::max(r.weight_versions, count);
    for (const stage_staleness& each : staleness(program_)) r.staleness = std::max(r.staleness, each.largest);
    r.computed_on = on_->name();
    r.cores = job_.cores > 0 ? job_.cores : usable_cores();
    r.micro_batches = program_.head.micro_batches;
    r.corpus_tokens = data_.size();
    r.corpus_files = data_.files();
    r.text = data_.is_text();
    r.step = step_;
    r.tokens_per_second =
        r.seconds > 0 ? static_cast<double>(done_here_) * static_cast<double>(batch_.inputs.size()) / r.seconds : 0;
    r.predicted_makespan = predicted_.makespan;
    r.predicted_bubble = predicted_.bubble_ratio;
    r.measured_makespan = record_.makespan();
    r.measured_bubble = record_.bubble_ratio();
    r.checkpoint = in_output("checkpoint.safetensors");
    r.log = in_output("log.jsonl");
    if (!record_.empty()) {
        r.timeline = in_output("timeline.svg");
        r.trace = in_output("trace.json");
        svg_options how;
        how.unit = time_unit::seconds;
        how.note = "measured";
        write_file(r.timeline.string(), svg(record_.typical(), how));
        write_file(r.trace.string(), chimera::trace(record_.typical()));
    }
    if (r.stopped) return r;
    r.validation_tokens = windows_.size() * static_cast<std::size_t>(job_.tokens());
    while_running([&] {
        r.validation_loss = model_->validate(data_, windows_, on_->on_host() ? r.cores / job_.threads : 1);
        r.counted = count_baselines(data_, split_, windows_, job_.tokens(), job_.model.vocabulary);
    });
    return r;
}

}  // namespace

train_report train(const job& wanted, const train_options& options) { return training_run(wanted, options).finish(); }

}  // namespace chimera::executor
