// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/split.hpp>
#include <chimera/core/error.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/schedule/family_placement.hpp>
#include <chimera/schedule/order_ticks.hpp>
#include <chimera/search/pass_order.hpp>
#include <chimera/simulate/reorder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace chimera::detail::seek {

/// Returns the most live activations of a worker.
inline double peak_of(const instance& task, const order& rows, std::size_t worker) {
    double live = 0, most = 0;
    for (std::int32_t i = task.offsets[worker]; i < task.offsets[worker + 1]; ++i) {
        live += task.pass_chains[rows[static_cast<std::size_t>(i)]].mass;
        most = (std::max)(most, live);
    }
    return most;
}

/// Returns the most live activations of all workers together, each at its own peak.
inline double peaks_of(const instance& task, const order& rows) {
    double sum = 0;
    for (std::size_t w = 0; w < task.limit.size(); ++w) sum += peak_of(task, rows, w);
    return sum;
}

/// Returns true if every worker of the order keeps its memory.
inline bool keeps_limits(const instance& task, const order& rows) {
    for (std::size_t w = 0; w < task.limit.size(); ++w)
        if (peak_of(task, rows, w) > task.limit[w] + whole) return false;
    return true;
}

/// Returns the rows of a schedule as pass chains, units one by one, pairs one after the other, and full backwards in
/// halves where the task has halves. Nothing if the schedule is none of the task's: other sizes, another placement,
/// units shared out in another way, or backwards in halves where the task wants them full.
inline std::optional<order> order_of(const instance& task, schedule_argument from) {
    const shape& head = from.head;
    if (head.workers != task.workers || head.stages != task.stages || head.pipelines != task.pipelines ||
        head.units() != task.units || head.micro_batch_parts != 1 ||
        !std::equal(from.placement.begin(), from.placement.end(), task.placement.begin(), task.placement.end()))
        return {};
    order out;
    out.reserve(static_cast<std::size_t>(task.passes()));
    std::vector<std::int32_t> counts(task.pass_chains.size(), 0);
    const auto put = [&](const slot& s, int kind) {
        const std::int32_t id = task.id(s.pipeline, s.stage, kind);
        ++counts[static_cast<std::size_t>(id)];
        out.push_back(static_cast<std::uint16_t>(id));
    };
    for (const slot& s : from.entries) {
        const bool half = s.op == pass::input_gradient || s.op == pass::weight_gradient;
        if (half && !task.split) return {};
        for (int u = 0; u < s.count; ++u) {
            if (s.op == pass::weight_gradient) put(s, 2);
            if (s.op == pass::forward || sends_gradient(s.op)) put(s, s.op == pass::forward ? 0 : 1);
            if (s.op == pass::backward && task.split) put(s, 2);
        }
    }
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] != task.pass_chains[i].count) return {};
    return out;
}

/// Returns true if a family of these options puts every stage where the task has it, and refuses none of the sizes.
inline bool lives_on(const instance& task, const family_spec& of) {
    if (of.refused() != refusal::none || of.workers() != task.workers ||
        of.placements() != task.pipelines * task.stages || (!task.split && splits_backward(of)))
        return false;
    const stage_placement worker_at(of);
    for (int p = 0, i = 0; p < task.pipelines; ++p)
        for (int s = 0; s < task.stages; ++s, ++i)
            if (worker_at(p, s) != task.placement[static_cast<std::size_t>(i)]) return false;
    return true;
}

/// Adds a spec as it is, with ticks for the task's costs, and with all of the task's memory, where its family has them.
inline void add_timed(const instance& task, const family_spec& of, std::vector<family_spec>& to) {
    to.push_back(of);
    family_spec timed = with_ticks(of, mean_passes(task.cost, splits_backward(of)));
    if (timed != of) to.push_back(timed);
    if (!has_option(of.which, "activations") || of.which == family::zb_v || of.which == family::v_min) return;
    timed.activations = static_cast<int>((std::min)(task.least_limit() + whole, 65535.0));
    timed.thorough = true;
    if (lives_on(task, timed)) to.push_back(timed);
}

/// Calls f with the spec of each family that lives on the task's placement, with each choice of its options that
/// decides about an order, until f returns false. Where the task has backwards in halves, those that split them first.
template <class F>
void each_family_spec(const instance& task, const F& f) {
    std::vector<int> groups{0, 1, (task.workers + 1) / 2, 2 * task.workers, task.units};
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    std::vector<family_spec> all;
    for (std::size_t i = 0; i < family_labels.size(); ++i) {
        const auto which = static_cast<family>(i);
        if (asynchronous(which) || which == family::data_parallel) continue;
        for (const int group : groups)
            for (const chimera::scale how : {chimera::scale::direct, chimera::scale::doubling})
                for (const bool split : {false, true}) {
                    if ((group != 0 && !has_option(which, "group")) || (split && !has_option(which, "split")) ||
                        (how != chimera::scale::direct && !has_option(which, "scale")))
                        continue;
                    family_spec of{.which = which, .stages = task.stages, .micro_batches = task.units};
                    of.chunks = task.stages / task.workers;
                    of.group = group;
                    of.scale = how;
                    of.split = split;
                    if (lives_on(task, of)) add_timed(task, of, all);
                }
    }
    std::stable_partition(all.begin(), all.end(), [](const family_spec& of) { return splits_backward(of); });
    for (const family_spec& of : all)
        if (!f(of)) return;
}

/// Returns the order of a family re-made by a list scheduler at the task's costs; nothing if it cannot run within the
/// limits. `own`: within the family's own peaks.
inline std::optional<order> retime(const instance& task, const schedule& made, bool own) {
    std::vector<std::int32_t> limits;
    for (int w = 0; w < task.workers; ++w) {
        const double most = (std::min)(task.limit[static_cast<std::size_t>(w)] + whole, 1.0 * task.passes());
        limits.push_back(own ? peak_units(made, worker{w}) : static_cast<std::int32_t>(most));
    }
    try {
        return order_of(task, reorderer(made, task.cost, std::move(limits)).run());
    } catch (const chimera_error&) {
        return {};
    }
}

/// Calls f with the orders of the published families that live on the task's placement, each as it is and re-made at
/// the task's costs, until f returns false; with none for one that breaks the task's limits. Large tasks: as they are
/// alone.
template <class F>
void family_starts(const instance& task, const F& f) {
    constexpr std::int32_t retimed_most = 1 << 17;  // passes: a list scheduler needs a second for a few millions
    each_family_spec(task, [&](const family_spec& of) {
        schedule made = generate(of);
        const auto take = [&](std::optional<order> rows) {
            if (rows && !keeps_limits(task, *rows)) rows.reset();
            return f(rows);
        };
        if (!take(order_of(task, made))) return false;
        if (task.passes() > retimed_most) return true;
        for (slot& s : made.entries) s.overlap = 0;
        if (task.split) made = halves(made);
        return take(retime(task, made, true)) && take(retime(task, made, false));
    });
}

}  // namespace chimera::detail::seek
