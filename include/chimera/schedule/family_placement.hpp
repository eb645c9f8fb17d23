// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/family.hpp>

#include <algorithm>
#include <vector>

namespace chimera {

/// Returns true if the family's backwards come in two halves.
[[nodiscard]] constexpr bool splits_backward(const family_spec& spec) noexcept {
    return traits_of(spec.which).splits_backward || spec.split;
}

/// Returns the pipelines that the family lays over its workers.
[[nodiscard]] constexpr int pipelines_of(const family_spec& spec) noexcept { return spec.placements() / spec.stages; }

/// Returns the worker that holds a stage of a pipeline, without making the schedule.
[[nodiscard]] constexpr int worker_of(const family_spec& spec, int pipeline, int stage) noexcept {
    const int workers = spec.workers();
    int at = stage;
    switch (traits_of(spec.which).placement) {
        case placement_rule::replicated:
            return pipeline;
        case placement_rule::shifted:
            at = (stage + pipeline / 2 * (2 * workers / pipelines_of(spec))) % workers;
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

/// Returns, per stage, the worker of stages that share one: of V-shaped and looped placements, and of two mirrored
/// pipelines, where one number stands for both workers. Empty where every worker holds one stage, or holds them in
/// another way.
[[nodiscard]] inline std::vector<int> shared_workers(const family_spec& spec) {
    std::vector<int> out;
    const int pipelines = pipelines_of(spec);
    const bool several = stages_per_worker(spec) > 1;
    if (spec.stages == 1 || pipelines > 2 || several == (pipelines == 2)) return out;
    for (int s = 0; s < spec.stages; ++s)
        out.push_back(several ? worker_of(spec, 0, s) : (std::min)(s, spec.stages - 1 - s));
    return out;
}

}  // namespace chimera
