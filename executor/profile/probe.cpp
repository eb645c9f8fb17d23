// SPDX-License-Identifier: Apache-2.0
#include <executor/profile/engine_times.hpp>
#include <executor/profile/probe.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <random>
#include <utility>

namespace chimera::executor {

namespace {

using clock = std::chrono::steady_clock;

double since(clock::time_point start) { return std::chrono::duration<double>(clock::now() - start).count(); }

batch random_batch(int units, const unit_shape& unit, int vocabulary) {
    batch made;
    made.units = units;
    made.sequences = unit.sequences;
    made.tokens = unit.tokens;
    std::mt19937 random(1);
    made.inputs.resize(static_cast<std::size_t>(units) * made.unit_size());
    for (auto& token : made.inputs)
        token = static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(vocabulary));
    made.targets = made.inputs;
    return made;
}

double last_end(const timeline& t) {
    double end = 0;
    for (const step& s : t.steps) end = std::max(end, s.end);
    return end;
}

constexpr std::array lists{&costs::forward,         &costs::backward,  &costs::input_gradient,
                           &costs::weight_gradient, &costs::recompute, &costs::update};
constexpr std::array numbers{&profiled_engine::start, &profiled_engine::hand_over, &profiled_engine::transfer,
                             &profiled_engine::settle, &profiled_engine::around};

/// Stage by stage what `list` finds, the median over the rounds.
template <class List>
void take_middle(const std::vector<probe_round>& rounds, per_stage& into, List list) {
    for (std::size_t s = 0; s < into.values.size(); ++s) {
        std::vector<double> all;
        for (const probe_round& r : rounds) all.push_back(list(r).values[s]);
        into.values[s] = median(std::move(all));
    }
}

}  // namespace

ground::ground(program first, const gpt2_sizes& config, std::span<const layer_range> layers, const unit_shape& unit,
               int units, const host_choice& how)
    : program_(std::move(first)), on_(make_host_backend(how)), copies_(*on_, program_.view(), config, layers, unit, 1),
      batch_(random_batch(units, unit, config.vocabulary)) {
    adamw_step still;
    still.learning_rate = 0;  // as much work, and the weights stay what they are
    for (int w = 0; w < program_.head.workers; ++w) copies_.set_step(w, still);
    set_batch();
}

double ground::parameters(int stage) {
    return static_cast<double>(copies_.lookup()(program_.view().replica_group(stage)[0], stage)->gradients().size());
}

double ground::stash_bytes(int stage) {
    return static_cast<double>(copies_.lookup()(program_.view().replica_group(stage)[0], stage)->stash_bytes(false));
}

probe::probe(program what, ground& on, int cores, double watchdog)
    : program_(std::move(what)), on_(on), cores_(cores), world_(program_.head.workers),
      norms_(static_cast<std::size_t>(program_.head.workers)) {
    engine_options options;
    options.cores = cores;
    options.watchdog_seconds = watchdog;
    options.hooks.before_update = [this](communicator& end) {
        std::vector<double> sum{squares(end)};
        end.sum(sum);
    };
    options.hooks.each_update = [this](int worker, int stage, int) { on_.copies().gradient_square_sum(worker, stage); };
    engine_ = std::make_unique<engine>(program_.view(), on_.copies().lookup(), world_.ends(), options);
}

double probe::squares(communicator& end) {
    const auto start = clock::now();
    double sum = 0;
    for (int s = 0; s < program_.head.stages; ++s)
        if (program_.view().replica_group(s)[0] == end.worker())
            sum += on_.copies().gradient_square_sum(end.worker(), s);
    norms_[static_cast<std::size_t>(end.worker())] = since(start);
    return sum;
}

void probe::round(double seconds) {
    on_.set_batch();
    engine_->run_iteration();
    std::vector<timeline> measured;
    std::vector<double> around, norms, makespans;
    const auto start = clock::now();
    do {
        const auto begin = clock::now();
        on_.set_batch();
        measured.push_back(engine_->run_iteration());
        makespans.push_back(last_end(measured.back()));
        around.push_back(since(begin) - makespans.back());
        norms.push_back(*std::max_element(norms_.begin(), norms_.end()));
    } while (since(start) < seconds);
    probe_round found{fit_costs(measured).each, engine_times(measured, cores_), median(makespans), median(norms)};
    found.engine.around = median(around);
    rounds_.push_back(std::move(found));
}

double probe::makespan(double seconds) {
    on_.set_batch();
    engine_->run_iteration();
    std::vector<double> measured;
    const auto start = clock::now();
    do {
        on_.set_batch();
        measured.push_back(last_end(engine_->run_iteration()));
    } while (measured.size() < 3 || since(start) < seconds);
    return median(std::move(measured));
}

probe_round probe::middle_round() const {
    probe_round out = rounds_.front();
    for (const auto list : lists)
        take_middle(rounds_, out.each.*list, [list](const probe_round& r) -> const per_stage& { return r.each.*list; });
    take_middle(rounds_, out.each.reduce.seconds,
                [](const probe_round& r) -> const per_stage& { return r.each.reduce.seconds; });
    const auto middle = [&](auto value) {
        std::vector<double> all;
        for (const probe_round& r : rounds_) all.push_back(value(r));
        return median(std::move(all));
    };
    for (const auto number : numbers)
        out.engine.*number = middle([number](const probe_round& r) { return r.engine.*number; });
    out.makespan = middle([](const probe_round& r) { return r.makespan; });
    out.norm = middle([](const probe_round& r) { return r.norm; });
    return out;
}

}  // namespace chimera::executor
