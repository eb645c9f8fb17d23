// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/family.hpp>

#include <algorithm>
#include <vector>

namespace chimera {

/// Whether the family's backwards come in two halves.
constexpr bool splits_backward(const family_spec& of) { return traits_of(of.which).splits_backward || of.split; }

/// Pipelines that the family lays over its workers.
constexpr int pipelines_of(const family_spec& of) { return of.placements() / of.stages; }

/// The worker that holds a stage of a pipeline, without generating the order.
constexpr int worker_of(const family_spec& of, int pipeline, int stage) {
    const int workers = of.workers();
    int at = stage;
    switch (traits_of(of.which).placement) {
        case placement_rule::replicated:
            return pipeline;
        case placement_rule::shifted:
            at = (stage + pipeline / 2 * (2 * workers / pipelines_of(of))) % workers;
            break;
        case placement_rule::looped:
            at = stage % workers;
            break;
        case placement_rule::folded:
            at = stage % (2 * workers);
            at = at < workers ? at : 2 * workers - 1 - at;
            break;
        case placement_rule::linear:
            break;
    }
    return pipeline % 2 == 0 ? at : workers - 1 - at;
}

/// Per stage, the worker of stages that share one: of V-shaped and looped placements, and of two mirrored pipelines, where one number
/// stands for both workers. Empty where every worker holds one stage, or holds them in another way.
inline std::vector<int> shared_workers(const family_spec& of) {
    std::vector<int> out;
    const int pipelines = pipelines_of(of);
    const bool several = stages_per_worker(of) > 1;
    if (of.stages == 1 || pipelines > 2 || several == (pipelines == 2)) return out;
    for (int s = 0; s < of.stages; ++s) out.push_back(several ? worker_of(of, 0, s) : std::min(s, of.stages - 1 - s));
    return out;
}

}  // namespace chimera
