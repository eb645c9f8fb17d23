// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/engine/engine.hpp>
#include <executor/memory/update_groups.hpp>
#include <executor/workers/clipping.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace chimera::executor {

clipping::clipping(replicas& of, const program_view& program, const optimiser_settings& how, bool on_host,
                   std::span<communicator* const> ends)
    : program_(program), how_(how), on_host_(on_host), flushed_(program.head.update == update_rule::flushed),
      rows_(on_host ? 1 : program.head.workers), groups_(units_of_updates(program)),
      workers_(static_cast<std::size_t>(program.head.workers)) {
    std::vector<std::int32_t> all(workers_.size());
    std::iota(all.begin(), all.end(), 0);
    for (communicator* end : ends) {
        own& mine = workers_[static_cast<std::size_t>(end->worker())];
        end->expect_sums(static_cast<std::size_t>(rows_ * program.head.stages));
        for (int s = 0; s < program.head.stages; ++s)
            if (model_stage* held = of.at(end->worker(), s))
                mine.held.push_back({held, s, of.is_first(end->worker(), s), nullptr});
        hold(end->worker());
        if (flushed_ && !on_host) mine.everybody = end->join(program.head.stages, all);  // keys below are stages'
    }
}

/// Takes the memory of a worker's numbers.
void clipping::hold(int worker) {
    own& mine = workers_[static_cast<std::size_t>(worker)];
    if (!flushed_)
        for (member& m : mine.held) m.numbers = m.model->numbers(2 * groups_.size());
    else if (!mine.held.empty())
        mine.squares = mine.held.front().model->numbers(static_cast<std::size_t>(rows_ * program_.head.stages + 1));
}

void clipping::begin(std::int64_t step, double learning_rate) {
    step_ = step;
    std::vector<adamw_step> each;
    const auto updates = static_cast<std::int64_t>(groups_.size());
    for (std::int64_t u = 0; u < updates; ++u)
        each.push_back({learning_rate, how_.beta1, how_.beta2, 1e-8, how_.weight_decay, 1.0,
                        static_cast<int>(step * updates + u + 1)});
    for (own& mine : workers_)
        for (member& m : mine.held) m.model->set_steps(each);
}

norm_limit clipping::limit(const own& of) const {
    const int stages = program_.head.stages;
    return {of.squares,
            rows_,
            stages,
            how_.clip,
            static_cast<double>(program_.head.units()),
            of.squares + static_cast<std::ptrdiff_t>(rows_) * stages};
}

norm_limit clipping::limit(const member& of, int update) const {
    const auto u = static_cast<std::size_t>(update);
    return {of.numbers + u, 1, 1, how_.clip, static_cast<double>(groups_[u]), of.numbers + groups_.size() + u};
}

/// Adam's second moment has the squares of gradients, which are not finite far below where gradients are not.
void clipping::check(double norm) const {
    static const double most = std::sqrt(std::numeric_limits<float>::max());
    if (std::isfinite(norm) && (how_.clip > 0 || norm <= most)) return;
    throw run_failed("the gradient is " + std::string(std::isfinite(norm) ? "too large to square" : "not finite") +
                     " at step " + std::to_string(step_ + 1) + " (the run diverged) use a smaller learning_rate");
}

/// All get what the others have put into their rows, or, on the host, the sum of it.
void clipping::share(communicator& end) {
    own& mine = workers_[static_cast<std::size_t>(end.worker())];
    const auto size = static_cast<std::size_t>(rows_ * program_.head.stages);
    if (on_host_)
        end.sum({mine.squares, size});
    else  // doubles are copied like any other bits
        end.all_gather(mine.everybody, {reinterpret_cast<float*>(mine.squares), 2 * size});
}

void clipping::before_update(communicator& end) {
    own& mine = workers_[static_cast<std::size_t>(end.worker())];
    double* const row = mine.squares + (on_host_ ? 0 : end.worker() * program_.head.stages);
    if (on_host_) std::fill_n(row, program_.head.stages, 0.0);  // sums of the iteration before
    for (member& m : mine.held)
        if (m.first) m.model->gradient_square_sum(row + m.stage);
    share(end);
    const norm_limit by = limit(mine);
    for (member& m : mine.held) m.model->clip(by, 0);
    if (on_host_) check(*by.norm);
}

/// The members of a stage's replica group have the same gradients, and get the same bits.
void clipping::each_update(int worker, int stage, int update) {
    member& m = *std::ranges::find(workers_[static_cast<std::size_t>(worker)].held, stage, &member::stage);
    const norm_limit by = limit(m, update);
    m.model->gradient_square_sum(m.numbers + update);
    m.model->clip(by, update);
    if (on_host_) check(*by.norm);
}

double clipping::last_norm(const own& of) {
    double found = 0;
    of.held.front().model->read(limit(of).norm, {&found, 1});
    check(found);
    return found;
}

double clipping::last_norm(const member& of) {
    std::vector<double> found(groups_.size());
    of.model->read(of.numbers + groups_.size(), found);
    for (const double each : found) check(each);
    return found.back();
}

double clipping::norm() {
    for (const own& mine : workers_)
        if (!mine.held.empty()) return last_norm(mine);
    return 0;
}

std::vector<double> clipping::stage_norms() {
    std::vector<double> each(static_cast<std::size_t>(program_.head.stages));
    for (const own& mine : workers_)
        for (const member& m : mine.held)
            if (m.first) each[static_cast<std::size_t>(m.stage)] = last_norm(m);
    return each;
}

}  // namespace chimera::executor
