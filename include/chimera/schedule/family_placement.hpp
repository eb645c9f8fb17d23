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

/// Maps stages to workers as a family places them, without making a schedule. Made once, it asks the family nothing
/// more.
class stage_placement {
public:
    /// Takes the rule of the spec's family, and its numbers of workers and pipelines.
    constexpr explicit stage_placement(const family_spec& spec) noexcept
        : rule_(traits_of(spec.which).placement), workers_(spec.workers()), pipelines_(pipelines_of(spec)) {}

    /// Returns the workers that hold stages.
    [[nodiscard]] constexpr int workers() const noexcept { return workers_; }
    /// Returns the pipelines laid over them.
    [[nodiscard]] constexpr int pipelines() const noexcept { return pipelines_; }

    /// Returns the worker that holds a stage of a pipeline.
    [[nodiscard]] constexpr int operator()(int pipeline, int stage) const noexcept {
        int at = stage;
        switch (rule_) {
            case placement_rule::replicated:
                return pipeline;
            case placement_rule::shifted:
                at = (stage + pipeline / 2 * (2 * workers_ / pipelines_)) % workers_;
                break;
            case placement_rule::looped:
                at = stage % workers_;
                break;
            case placement_rule::folded:
                at = stage % (2 * workers_);
                at = at < workers_ ? at : 2 * workers_ - 1 - at;
                break;
            case placement_rule::linear:
                break;
        }
        return pipeline % 2 == 0 ? at : workers_ - 1 - at;
    }

private:
    placement_rule rule_;
    int workers_, pipelines_;
};

/// Returns the worker that holds a stage of a pipeline; for many stages, use a stage_placement.
[[nodiscard]] constexpr int worker_of(const family_spec& spec, int pipeline, int stage) noexcept {
    return stage_placement(spec)(pipeline, stage);
}

/// Returns, per stage, the worker of stages that share one: of V-shaped and looped placements, and of two mirrored
/// pipelines, where one number stands for both workers. Empty where every worker holds one stage, or holds them in
/// another way.
[[nodiscard]] inline std::vector<int> shared_workers(const family_spec& spec) {
    std::vector<int> out;
    const int pipelines = pipelines_of(spec);
    const bool several = stages_per_worker(spec) > 1;
    const stage_placement worker_at(spec);
    if (spec.stages == 1 || pipelines > 2 || several == (pipelines == 2)) return out;
    for (int s = 0; s < spec.stages; ++s) out.push_back(several ? worker_at(0, s) : (std::min)(s, spec.stages - 1 - s));
    return out;
}

}  // namespace chimera
