// SPDX-License-Identifier: Apache-2.0
#include <chimera/simulate/metrics.hpp>
#include <executor/engine/engine.hpp>
#include <executor/forecast/patience.hpp>
#include <executor/forecast/predict.hpp>
#include <executor/io/profile.hpp>
#include <executor/io/resources.hpp>
#include <executor/io/stop_signal.hpp>
#include <executor/workers/clipping.hpp>
#include <executor/workers/iteration_part.hpp>
#include <executor/workers/replicas.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace chimera::executor {

int shared_cores(int cores, int workers, int threads) {
    const int given = workers_at_once(cores > 0 ? cores : usable_cores(), threads);
    return given < workers ? given : 0;
}

std::uint64_t passes_through_layers(const process_group& together, program_view order,
                                    std::span<const layer_range> layers) {
    std::uint64_t passes = 0;
    for (const int w : together.here())
        for (const instruction& i : order.row(w)) {
            if (!is_compute(i.op)) continue;
            const layer_range& held = layers[static_cast<std::size_t>(i.stage)];
            passes += static_cast<std::uint64_t>(i.count) * static_cast<std::uint64_t>(held.last - held.first);
        }
    return passes;
}

namespace {

using clock = std::chrono::steady_clock;

double since(clock::time_point from) { return std::chrono::duration<double>(clock::now() - from).count(); }

/// The iterations that were measured, and the seconds of each outside its makespan.
struct trial_record {
    std::vector<timeline> measured;
    std::vector<double> surroundings;
};

/// Runs iterations until the leading rank has enough of them, or a stop is wanted. `graph`: the second records one.
trial_record run_trial(process_group& together, const trial_run& trial, replicas& copies, clipping& clip, engine& run,
                       bool graph) {
    trial_record out;
    const auto start = clock::now();
    const auto iterate = [&] {
        const auto begin = clock::now();
        copies.set_batch(trial.sample);
        clip.begin(0, 0);
        const double began = together.now();
        auto whole = put_together(together, trial.order, {began, {}, {}, run.run_iteration()});
        if (!whole) return;
        out.measured.push_back(std::move(whole->measured));
        out.surroundings.push_back(since(begin) - metrics(out.measured.back()).makespan);
    };
    iterate();  // first touch of all memory: little in a long iteration
    const bool enough_of_one = stop_request::wanted() || (together.leads() && since(start) >= 8 * trial.seconds);
    if (!graph && together.any(enough_of_one)) return out;
    out = {};
    if (graph) run.run_iteration();
    std::size_t done = 0;
    const auto enough = [&] {
        if (stop_request::wanted() && done > 0) return true;
        return together.leads() && done > 0 &&
               (since(start) >= trial.seconds || done >= std::max<std::size_t>(3, trial.most));
    };
    for (; !together.any(enough()); ++done) iterate();
    return out;
}

}  // namespace

prediction predict(process_group& together, backend& on, const trial_run& trial) {
    const auto begin = clock::now();
    replicas copies(on, trial.order, trial.model, trial.layers, trial.unit, 1);
    const double setting_up = since(begin);
    copies.set_batch(trial.sample);
    const auto joined = on.join(trial.order);
    const auto ends = joined->ends();
    engine_options options;
    options.cores = trial.cores.process;
    options.work_queues = on.work_queues();
    options.watchdog_seconds = first_patience(together, on, trial, copies);
    options.recorder_file = trial.recorder_file;
    if (trial.graph) options.graph = joined->graph();
    const optimiser_settings still{.learning_rate = 0};  // as much work, and the weights stay what they are
    clipping clip(copies, trial.order, still, on.on_host(), ends);
    options.hooks.before_update = [&](communicator& end) { clip.before_update(end); };
    options.hooks.each_update = [&](int worker, int stage, int update) { clip.each_update(worker, stage, update); };
    const bool graph = options.graph != nullptr;
    engine run(trial.order, copies.lookup(), ends, options);
    const trial_record record = run_trial(together, trial, copies, clip, run, graph);

    prediction made;
    if (together.leads()) {
        made.fitted = fit_costs(record.measured);
        made.expected = simulate_fitted(trial.order, made.fitted, trial.cores.machine);
        const auto found = metrics(made.expected);
        made.makespan = found.makespan;
        made.bubble_ratio = found.bubble_ratio;
        made.iteration = made.makespan + median(record.surroundings);
        made.setting_up = setting_up;
        made.pause = patience(trial.watchdog, made.expected);
    }
    made.pause = 1e-3 * static_cast<double>(together.of_rank_0(std::llround(1e3 * made.pause), 0, most_patience));
    return made;
}

}  // namespace chimera::executor
