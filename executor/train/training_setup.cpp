// SPDX-License-Identifier: Apache-2.0
#include <executor/io/resources.hpp>
#include <executor/io/write.hpp>
#include <executor/job/resumed_job.hpp>
#include <executor/memory/run_memory.hpp>
#include <executor/memory/update_groups.hpp>
#include <executor/train/training_run.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>

namespace chimera::executor {

namespace {

const job& checked(const job& wanted) {
    check_job(wanted);
    return wanted;
}

std::unique_ptr<backend> backend_of(const job& wanted, int workers, const train_options& options,
                                    process_group& together) {
    if (options.make_backend) return options.make_backend(wanted, workers);
    if (wanted.device == training_device::cuda)
        refuse("the job asks for a GPU (device is cuda, and there is nothing here but the CPU) leave it out");
    return make_host_backend({wanted.threads, wanted.in_bf16(), &together});
}

program_view dealt(const program_view& of, process_group& together) {
    together.deal(of.head.workers);
    return of;
}

/// The workers' own, their helpers', the watchdog's and, with other processes, those that send and receive.
void check_run_threads(int workers, int threads, bool alone) {
    check_threads(workers * threads + 1 + (alone ? 0 : workers + 1), "the run",
                  "use fewer --threads or --stages, or allow more (ulimit -u, a container's pids.max)");
}

unit_shape unit_of(const job& wanted, const shape& head) {
    return {wanted.batch.sequences / head.micro_batch_parts, wanted.tokens()};
}

}  // namespace

training_run::training_run(const job& wanted, const train_options& options, process_group& together)
    : job_(checked(wanted)), folder_(job_.output), kept_(job_.output), options_(options), talk_(options.say),
      together_(together), proven_(job_), program_(dealt(proven_.view(), together)),
      data_(open_corpus(job_.data, job_.model.vocabulary, job_.output)),
      split_(split_corpus(data_.size(), job_.validation_fraction, job_.tokens())),
      layers_(stage_layers(job_.model, program_.head.stages, job_.blocks)), unit_(unit_of(job_, program_.head)),
      source_(data_, split_, job_.tokens(), job_.seed),
      on_(backend_of(job_, program_.head.workers, options, together)) {
    job_.device = on_->on_host() ? training_device::cpu : training_device::cuda;
    const std::uint64_t data = data_.fingerprint();
    hash_ = job_hash(job_, data);
    settings_ = settings_text(job_, data);
    check_memory(program_, job_.model, layers_, static_cast<double>(together_.local_size()) / together_.size());
    groups_ = units_of_updates(program_);
    if (on_->on_host()) {
        share_cores();
        const double share = static_cast<double>(together_.local_size()) / together_.size();
        const double text = data_.is_text() ? static_cast<double>(data_.size()) * together_.local_size() : 0;
        const double stacks = 8.0 * (1 << 20) * job_.threads * program_.head.workers * share;
        check_host_memory(program_, job_, layers_, unit_, share, text + stacks);
    }
    check_checkpoint();
    if (device_room* room = on_->room())
        report_.predicted_memory = check_device_memory(program_, job_.model, layers_, unit_, *room);
    check_run_threads(program_.head.workers / together_.size(), job_.threads, together_.alone());
}

/// Processes of one machine have as many cores each; what they do with them is not arranged between them.
void training_run::share_cores() {
    const int ranks = together_.local_size(), here = program_.head.workers / together_.size();
    const int cores = job_.cores > 0 ? job_.cores : usable_cores();
    gate_ = shared_cores(std::max(1, cores / ranks), here, job_.threads);
    machine_ = together_.size() == ranks ? shared_cores(cores, program_.head.workers, job_.threads) : 0;
}

/// Nobody may change a checkpoint between here and its use: from a folder that runs have used, all others are kept
/// away.
void training_run::check_checkpoint() {
    if (together_.leads()) folder_.take_if_marked();
    if (!options_.resume) return refuse_checkpoint();
    std::error_code ignored;
    if (!std::filesystem::exists(kept_.latest(), ignored))
        refuse("there is no checkpoint to resume from (" + shown(kept_.latest()) + ": " + reason(ENOENT) +
               ") start without --resume, or name the --output of the run");
    found_ = open_checkpoint(kept_.latest());
    check_settings(found_->info);
}

void training_run::refuse_checkpoint() const {
    if (!options_.overwrite && std::filesystem::exists(kept_.latest()))
        refuse("the output folder " + shown(job_.output) +
               " holds a checkpoint (a new run would replace it) use --resume, --overwrite or another --output");
}

/// A resumed run may have other settings of the optimiser and another number of steps, and nothing else.
void training_run::check_settings(const checkpoint_info& found) {
    if (found.model != model_text(job_.model))
        refuse("checkpoint " + shown(kept_.latest()) + " is of another model (" + found.model +
               ") resume with the job that wrote it");
    if (found.job != hash_) {
        const changed_settings changed = compare_settings(found.settings, settings_);
        if (!changed.fixed.empty())
            refuse("checkpoint " + shown(kept_.latest()) + " is of another job (" + changed.fixed + ") resume with " +
                   shown(in_output(run_file::job)) + " and the same data");
        changes_ = changed.optimiser;
    }
    const std::int64_t steps = job_.optimiser.steps;
    if (steps == 0 || steps == found.steps) return;
    if (steps < found.step)
        refuse("checkpoint " + shown(kept_.latest()) + " is of step " + std::to_string(found.step) + " (the job has " +
               std::to_string(steps) + " steps) resume with more steps");
    changes_ += (changes_.empty() ? "" : ", ") + ("steps is " + std::to_string(steps)) + " here, " +
                std::to_string(found.steps) + " in the checkpoint";
}

void training_run::prepare() {
    talk_.begin("waiting for the other ranks");
    agree();
    if (together_.leads()) take_folder();
    if (talk_.speaks() && data_.others().count() > 0) talk_.line("data left out: " + data_.others().text());
    if (talk_.speaks() && !changes_.empty()) talk_.line("resumed with other settings: " + changes_);
    talk_.begin("measuring iterations", 0, passes_through_layers(together_, program_, layers_));
    if (!ended()) predict_iterations();
    plan_steps();
    choose_windows();
    announce();
    talk_.begin("setting up the weights", predicted_.setting_up);
    model_.emplace(*on_, program_, job_.model, layers_, unit_, job_.seed);
    if (found_) resume();
    if (together_.leads()) open_output();
}

/// Looks again at what another run may have left where the folder could not be taken before.
void training_run::take_folder() {
    const bool before = folder_.taken();
    folder_.take();
    if (before) return;
    if (!options_.resume) return refuse_checkpoint();
    const checkpoint_info now = open_checkpoint(kept_.latest()).info;
    if (now.step != found_->info.step || now.job != found_->info.job)
        refuse("checkpoint " + shown(kept_.latest()) + " was replaced (by another run, just now) try again");
}

/// Whether a resumed run has nothing left to do.
bool training_run::ended() const {
    const std::int64_t steps = job_.optimiser.steps;
    return found_ && found_->info.step >= (steps > 0 ? steps : found_->info.steps);
}

/// Before anything is done together: whether it is the same that all are about to do.
void training_run::agree() {
    const auto number = [](auto value) { return " " + std::to_string(value); };
    together_.agree(hash_ + " " + std::string(name(job_.device)) + number(job_.optimiser.steps) +
                        number(job_.optimiser.seconds) + number(job_.checkpoint_interval) +
                        number(found_ ? found_->info.step : -1),
                    "job or checkpoint than rank 0: model, data, schedule, batch, optimiser, seed, device, "
                    "checkpoint interval or --resume");
}

void training_run::predict_iterations() {
    const auto& o = job_.optimiser;
    const double seconds = o.steps > 0 ? 4 : std::clamp(0.04 * o.seconds, 0.2, 4.0);
    const std::size_t most = o.steps > 0 ? static_cast<std::size_t>(std::min<std::int64_t>(o.steps / 10, 1000)) : 1000;
    std::error_code none;
    std::filesystem::create_directories(job_.output,
                                        none);  // for the recorder: where there is a failure, that comes first
    sampler(data_, split_, job_.tokens(), job_.seed).next(program_.head.units(), unit_.sequences, batch_);
    predicted_ = predict(together_, *on_,
                         {.order = program_,
                          .model = job_.model,
                          .layers = layers_,
                          .unit = unit_,
                          .sample = batch_,
                          .cores = {gate_, machine_},
                          .watchdog = job_.watchdog,
                          .seconds = seconds,
                          .most = most,
                          .graph = job_.graph,
                          .recorder_file = recorder_path().string()});
    pause_ = predicted_.pause;
}

void training_run::plan_steps() {
    auto& o = job_.optimiser;
    if (o.steps == 0 && found_) o.steps = found_->info.steps;
    if (o.steps == 0 && together_.leads()) {
        // The steps are fixed here, so that the run depends on its job alone; what validation will take is left out.
        const double left = o.seconds - since(start_);
        std::int64_t steps = std::max<std::int64_t>(1, std::llround(left / predicted_.iteration));
        for (int round = 0; round < 8; ++round)  // more steps have more to be scored, up to a limit
            steps = std::max<std::int64_t>(1, std::llround((left - scoring_seconds(steps)) / predicted_.iteration));
        o.steps = steps;
    }
    o.steps = together_.of_rank_0(o.steps, 1, std::numeric_limits<std::int64_t>::max());
    o = filled_in(o);
    steps_ = o.steps;
    rate_ = {o.learning_rate, o.min_learning_rate, o.warmup, o.steps};
}

/// Windows of the validation text that are scored after so many steps.
std::int64_t training_run::most_windows(std::int64_t steps) const {
    if (job_.validation_windows) return *job_.validation_windows;
    const double trained = static_cast<double>(steps) * program_.head.units() * unit_.sequences;
    return std::max<std::int64_t>(unit_.sequences, std::llround(std::min(4096.0, trained / 4)));
}

/// About how long scoring takes, on rank 0 after the trial: forward passes of pipelines that work side by side.
double training_run::scoring_seconds(std::int64_t steps) const {
    double forward = 0;
    for (int s = 0; s < program_.head.stages; ++s) forward += predicted_.fitted.each.forward[s];
    const auto all = validation_windows(split_, job_.tokens(), static_cast<std::size_t>(most_windows(steps)));
    const int at_once = std::min(machine_ > 0 ? machine_ : program_.head.workers, program_.head.workers);
    return forward / std::max(1, at_once) * static_cast<double>(all.size()) / job_.batch.sequences;
}

void training_run::choose_windows() {
    windows_ = validation_windows(split_, job_.tokens(), static_cast<std::size_t>(most_windows(steps_)));
}

/// Says what the run will take, from its start to its end.
void training_run::announce() {
    if (ended()) return;  // nothing was measured to foretell by
    if (together_.leads()) scoring_ = scoring_seconds(steps_);
    if (!talk_.speaks()) return;
    const double steps = predicted_.iteration * static_cast<double>(steps_ - (found_ ? found_->info.step : 0));
    // A checkpoint has the weights and two moments; disks take some 200 MB a second.
    const double other = predicted_.setting_up + 12.0 * static_cast<double>(parameter_count(job_.model)) / 2e8;
    talk_.line("about " + clock_text(since(start_) + other + steps + scoring_) +
               " in all: " + clock_text(since(start_)) + " until now, " + clock_text(other) +
               " for the weights and the checkpoint, " + clock_text(steps) + " for the steps, " + clock_text(scoring_) +
               " to score " + std::to_string(windows_.size()) + " windows of the validation text");
}

void training_run::resume() {
    const auto tensors = in_order(model_->tensors());
    load_checkpoint(kept_.latest(), *found_, tensors, together_.alone());
    model_->spread();
    source_.restore(found_->info.data);
    step_ = found_->info.step;
    kept_.go_on(step_);
    report_.first_loss = found_->info.first_loss;
}

void training_run::open_output() {
    write_file(in_output(run_file::job).string(), job_text(job_));
    log_.emplace(in_output(run_file::log), found_ ? step_ : -1);
}

}  // namespace chimera::executor
