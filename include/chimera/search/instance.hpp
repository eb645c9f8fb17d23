// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/refusal.hpp>
#include <chimera/search/problem.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail::seek {

/// All passes of one kind that one pipeline runs of one stage. Units are alike, so they run first in, first out: the
/// k-th pass of a pass chain needs the k-th of the pass chain before. (Exchanging two units that overtake each other
/// changes no time.)
struct pass_chain {
    double seconds = 0;
    double travel = 0;  ///< from the end of the pass chain before, where that is another worker's
    double mass = 0;    ///< what a pass adds to the live activations of its worker
    std::int32_t worker = 0;
    std::int32_t before = -1;  ///< pass chain whose k-th pass the k-th needs; -1: none
    std::int32_t after = -1;   ///< pass chain that needs this one, weight gradients apart; -1: none
    std::int32_t count = 0;
    std::int32_t forward = 0;   ///< pass chain of the same stage's forwards
    std::int32_t gradient = 0;  ///< pass chain of the same stage's (input) gradients
    std::int32_t weight = -1;   ///< pass chain of the same stage's weight gradients; -1: full backwards
    std::int32_t stage = 0;
    std::int32_t pipeline = 0;
    pass op = pass::forward;
};

inline constexpr double whole = 1e-9;  ///< slack in sums of memory shares

/// A problem laid out flat: pass chains 3 (p D + s) + {0: forward, 1: gradient, 2: weight gradient}; without split 2 (p
/// D + s) + {0, 1}.
struct instance {
    int workers = 0;
    int stages = 0;
    int pipelines = 0;
    int kinds = 3;
    std::int32_t units = 0;
    bool split = true;
    objective minimise = objective::makespan;
    costs cost{};
    std::vector<pass_chain> pass_chains;
    std::vector<std::vector<std::int32_t>> held;  ///< per worker: its pass chains
    std::vector<double> limit;                    ///< per worker: most live activations
    std::vector<std::int32_t> base;               ///< per pass chain: where its passes start in a flat list of all
    std::vector<std::int32_t> offsets;            ///< per worker: where its row starts; workers + 1
    std::vector<std::int32_t> placement;
    std::vector<double> work;  ///< per worker: seconds of all its passes
    std::vector<double>
        reserve;  ///< per pass chain of forwards: room that must stay free for deeper stages of the worker

    constexpr std::int32_t passes() const { return offsets.back(); }
    constexpr double least_limit() const { return *std::min_element(limit.begin(), limit.end()); }
    constexpr std::int32_t id(int pipeline, int stage, int kind) const {
        return kinds * (pipeline * stages + stage) + kind;
    }
};

constexpr int workers_of(const search_problem& problem) {
    if (problem.placement == placing::fold) return problem.stages / 2;
    if (problem.placement == placing::loop) return problem.stages / problem.chunks;
    return problem.stages;
}

/// Activations of one unit that a worker must be able to hold, or nothing ever gets through.
constexpr int least_memory(const search_problem& problem) {
    return problem.placement == placing::fold ? 2 : problem.placement == placing::loop ? problem.chunks : 1;
}

constexpr int place(const search_problem& problem, int workers, int pipeline, int stage) {
    if (problem.placement == placing::fold) return stage < workers ? stage : 2 * workers - 1 - stage;
    if (problem.placement == placing::loop) return stage % workers;
    return pipeline == 0 ? stage : workers - 1 - stage;
}

constexpr bool finite(double value) { return value >= 0 && value <= 1e15; }

constexpr void check_costs(const per_stage& each, int needed, const char* key) {
    const auto size = static_cast<int>(each.values.size());
    if (size != 1 && size != (std::max)(needed, 1))
        refuse(std::string(key) + " has " + std::to_string(size) + " numbers (" + std::to_string(needed) +
               " are needed) give that many, or one for all");
    for (const double value : each.values)
        if (!finite(value)) refuse(std::string(key) + " is no time (negative, not a number or too large) give seconds");
}

constexpr void check_sizes(const search_problem& problem) {
    if (problem.stages < 1) refuse(text(refusal::stages_below_one), refusal::stages_below_one);
    if (problem.micro_batches < 1) refuse(text(refusal::micro_batches_below_one), refusal::micro_batches_below_one);
    if (problem.stages > 1024)
        refuse("stages is " + std::to_string(problem.stages) +
               " (search takes at most 1024) search a part of the model");
    if (std::int64_t{problem.stages} * problem.micro_batches > 1 << 20)
        refuse("stages times micro_batches is " + std::to_string(std::int64_t{problem.stages} * problem.micro_batches) +
               " (search takes at most 1048576) search fewer micro-batches, the middle of a schedule repeats");
    if (problem.placement == placing::fold && problem.stages % 2 != 0)
        refuse("stages must be even (a fold puts two on each worker) use an even number of stages");
    if (problem.placement == placing::loop && (problem.chunks < 1 || problem.stages % problem.chunks != 0))
        refuse("chunks is " + std::to_string(problem.chunks) + " (it must divide stages, " +
               std::to_string(problem.stages) + ") give a divisor");
}

constexpr void check_memory(const search_problem& problem, int workers) {
    const auto size = problem.memory.size();
    if (size > 1 && size != static_cast<std::size_t>(workers))
        refuse("memory has " + std::to_string(size) + " limits (there are " + std::to_string(workers) +
               " workers) give one for each, or one for all");
    const int least = least_memory(problem);
    for (std::size_t w = 0; w < size; ++w)
        if (!(problem.memory[w] >= least))
            refuse("memory of worker " + std::to_string(w) + " is too small (" + name(problem.placement) +
                   " needs room for " + std::to_string(least) + " activations) allow at least that");
    if (!(problem.kept >= 0 && problem.kept <= 1))
        refuse("kept is no share (0 … 1 is possible) give one such as 1 or 0.4");
}

/// Refuses what cannot be searched, in one line.
constexpr void check(const search_problem& problem) {
    check_sizes(problem);
    check_memory(problem, workers_of(problem));
    check_costs(problem.cost.forward, problem.stages, "forward");
    if (problem.split) {
        check_costs(problem.cost.input_gradient, problem.stages, "input_gradient");
        check_costs(problem.cost.weight_gradient, problem.stages, "weight_gradient");
    } else {
        check_costs(problem.cost.backward, problem.stages, "backward");
    }
    check_costs(problem.cost.transfer, problem.stages - 1, "transfer");
    double sum = 0;
    for (int s = 0; s < problem.stages; ++s) {
        sum += problem.cost.forward[s];
        sum +=
            problem.split ? problem.cost.input_gradient[s] + problem.cost.weight_gradient[s] : problem.cost.backward[s];
    }
    if (!(sum > 0)) refuse("all costs are 0 (every schedule is then as short as any) give the time of a pass");
}

/// Enters the pass chains of one stage of one pipeline.
constexpr void add_stage(const search_problem& problem, instance& to, int p, int s, std::int32_t count) {
    const bool last = s + 1 == to.stages;
    pass_chain one;
    one.worker = place(problem, to.workers, p, s);
    one.count = count;
    one.stage = s;
    one.pipeline = p;
    one.forward = to.id(p, s, 0);
    one.gradient = to.id(p, s, 1);
    one.weight = to.split ? to.id(p, s, 2) : -1;
    const auto crossing = [&](int other, int boundary) {
        return place(problem, to.workers, p, other) != one.worker ? problem.cost.transfer[boundary] : 0.0;
    };
    pass_chain f = one;
    f.op = pass::forward;
    f.seconds = problem.cost.forward[s];
    f.mass = 1;
    f.before = s > 0 ? to.id(p, s - 1, 0) : -1;
    f.travel = s > 0 ? crossing(s - 1, s - 1) : 0;
    f.after = last ? to.id(p, s, 1) : to.id(p, s + 1, 0);
    pass_chain g = one;
    g.op = to.split ? pass::input_gradient : pass::backward;
    g.seconds = to.split ? problem.cost.input_gradient[s] : problem.cost.backward[s];
    g.mass = to.split ? problem.kept - 1 : -1;
    g.before = last ? f.forward : to.id(p, s + 1, 1);
    g.travel = last ? 0 : crossing(s + 1, s);
    g.after = s > 0 ? to.id(p, s - 1, 1) : -1;
    to.pass_chains.push_back(f);
    to.pass_chains.push_back(g);
    if (!to.split) return;
    pass_chain w = one;
    w.op = pass::weight_gradient;
    w.seconds = problem.cost.weight_gradient[s];
    w.mass = -problem.kept;
    w.before = g.gradient;
    to.pass_chains.push_back(w);
}

/// Deeper stages on the same worker need room, or forwards of the first stages lock everyone out: a forward of stage s
/// may start only while a place is left for each later stage that the worker holds. Then the unit that has come
/// furthest can always go on: its worker holds only activations of earlier stages, which left that place free.
constexpr void set_reserves(instance& to) {
    to.reserve.assign(to.pass_chains.size(), 0.0);
    for (const auto& pass_chains : to.held) {
        std::vector<std::int32_t> stages;
        for (const std::int32_t l : pass_chains) stages.push_back(to.pass_chains[static_cast<std::size_t>(l)].stage);
        std::sort(stages.begin(), stages.end());
        stages.erase(std::unique(stages.begin(), stages.end()), stages.end());
        for (const std::int32_t l : pass_chains) {
            const auto at =
                std::upper_bound(stages.begin(), stages.end(), to.pass_chains[static_cast<std::size_t>(l)].stage);
            to.reserve[static_cast<std::size_t>(l)] = static_cast<double>(stages.end() - at);
        }
    }
}

/// Checks the problem and lays it out.
constexpr instance lay_out(const search_problem& problem) {
    check(problem);
    instance to;
    to.workers = workers_of(problem);
    to.stages = problem.stages;
    to.pipelines = problem.placement == placing::overlay ? 2 : 1;
    to.kinds = problem.split ? 3 : 2;
    to.units = problem.micro_batches;
    to.split = problem.split;
    to.minimise = problem.minimise;
    to.cost = problem.cost;
    for (int p = 0; p < to.pipelines; ++p)
        for (int s = 0; s < to.stages; ++s) {
            add_stage(problem, to, p, s, (problem.micro_batches + (p == 0 ? to.pipelines - 1 : 0)) / to.pipelines);
            to.placement.push_back(place(problem, to.workers, p, s));
        }
    to.held.assign(static_cast<std::size_t>(to.workers), std::vector<std::int32_t>());
    to.work.assign(static_cast<std::size_t>(to.workers), 0.0);
    std::vector<std::int32_t> sizes(static_cast<std::size_t>(to.workers), 0);
    std::int32_t sum = 0;
    for (std::size_t l = 0; l < to.pass_chains.size(); ++l) {
        const auto w = static_cast<std::size_t>(to.pass_chains[l].worker);
        to.held[w].push_back(static_cast<std::int32_t>(l));
        to.work[w] += to.pass_chains[l].seconds * to.pass_chains[l].count;
        to.base.push_back(sum);
        sum += to.pass_chains[l].count;
        sizes[w] += to.pass_chains[l].count;
    }
    to.offsets.push_back(0);
    for (const std::int32_t size : sizes) to.offsets.push_back(to.offsets.back() + size);
    for (int w = 0; w < to.workers; ++w)
        to.limit.push_back(problem.memory.empty()
                               ? 1e18
                               : problem.memory[problem.memory.size() == 1 ? 0 : static_cast<std::size_t>(w)]);
    set_reserves(to);
    return to;
}

}  // namespace chimera::detail::seek
