// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/heuristic.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace chimera::detail::seek {

/// Good rules look alike at every size: a problem with half the stages, micro-batches and memory is tuned first, in a
/// fraction of the time, and its rules, stretched, are where the tuning of the whole problem begins.

inline per_stage halve(const per_stage& each, std::size_t left) {
    if (each.values.size() == 1) return each;
    std::vector<double> out;
    for (std::size_t i = 0; i < left; ++i) {
        const std::size_t last = each.values.size() - 1;
        out.push_back((each.values[std::min(2 * i, last)] + each.values[std::min(2 * i + 1, last)]) / 2);
    }
    return out;
}

/// Whether there is a problem of half the size, of a size worth it.
inline bool can_halve(const search_problem& of) {
    if (of.stages < 16 || of.stages % 2 != 0 || of.micro_batches < 16) return false;
    if (of.placement == placing::fold) return of.stages % 4 == 0;
    return of.placement != placing::loop || of.stages / 2 % of.chunks == 0;
}

inline search_problem halve(const search_problem& of) {
    search_problem out = of;
    out.stages = of.stages / 2;
    out.micro_batches = (of.micro_batches + 1) / 2;
    const auto stages = static_cast<std::size_t>(out.stages);
    out.cost.forward = halve(of.cost.forward, stages);
    out.cost.backward = halve(of.cost.backward, stages);
    out.cost.input_gradient = halve(of.cost.input_gradient, stages);
    out.cost.weight_gradient = halve(of.cost.weight_gradient, stages);
    out.cost.transfer = halve(of.cost.transfer, stages - 1);
    const double least = least_memory(of);
    if (of.memory.size() > 1)
        out.memory = halve(per_stage(of.memory), static_cast<std::size_t>(workers_of(out))).values;
    for (double& m : out.memory) m = std::max(m / 2, least);
    return out;
}

/// The rules of a problem for one of twice its size.
inline rules stretch(const rules& from, const instance& small, const instance& large) {
    rules out;
    const auto twice = [](std::int32_t n) { return n > unbounded / 2 ? unbounded : 2 * n; };
    for (const lane& l : large.lanes) {
        const int kind = l.op == pass::forward ? 0 : l.op == pass::weight_gradient ? 2 : 1;
        const int stage = l.stage * small.stages / large.stages;
        const auto i = static_cast<std::size_t>(small.id(l.pipeline, stage, kind));
        out.under_way.push_back(twice(from.under_way[i]));
        out.rank.push_back(2 * from.rank[i] + (l.op == pass::forward ? 1 - l.stage % 2 : l.stage % 2));
    }
    for (int w = 0; w < large.workers; ++w) {
        const auto i = static_cast<std::size_t>(w * small.workers / large.workers);
        out.behind.push_back(twice(from.behind[i]));
        out.rush.push_back(twice(from.rush[i]));
        out.eager.push_back(from.eager[i]);
        out.patience.push_back(from.patience[i]);
    }
    return out;
}

/// Searches a problem, its halves first.
class scaled {
public:
    scaled(const search_problem& of, const instance& in, const search_options& how) : in_(in), how_(how) {
        const auto begun = std::chrono::steady_clock::now();
        std::optional<rules> guess;
        if (can_halve(of)) guess = halved(of);
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun;
        if (how_.seconds > 0) how_.seconds = std::max(how_.seconds - passed.count(), 1e-3);
        looking_.emplace(in_, how_, evaluations_, guess ? &*guess : nullptr);
        looking_->run();
    }
    heuristic& found() { return *looking_; }

private:
    rules halved(const search_problem& of) {
        const search_problem half = halve(of);
        const instance small = lay_out(half);
        search_options how = how_;
        how.seconds = how_.seconds / 2;
        if (how_.evaluations > 0) how.evaluations = how_.evaluations / 3, how_.evaluations -= how.evaluations;
        if (how_.progress)
            how.progress = [this](const search_progress& at) {
                return how_.progress({0, 0, 0, 0, at.evaluations, at.evaluations_most});
            };
        how.tune_only = true;
        scaled inner(half, small, how);
        evaluations_ = inner.found().evaluations();
        return stretch(inner.found().best_rules(), small, in_);
    }

    const instance& in_;
    search_options how_;
    std::int64_t evaluations_ = 0;
    std::optional<heuristic> looking_;
};

}  // namespace chimera::detail::seek
