// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

namespace chimera::detail {

/// Returns the stages that a worker of the spec holds on one pipeline.
template <class Spec>
[[nodiscard]] constexpr int stages_each(const Spec& spec) noexcept {
    if constexpr (requires { spec.stages_per_worker(); }) return spec.stages_per_worker();
    return Spec::traits.stages_per_worker;
}

/// Returns a family's spec on `count` workers: with as many stages as these hold. A number that the family does not
/// run on, or that is out of range, gives a spec that `refused()` names the rule of.
template <class Spec>
[[nodiscard]] constexpr Spec on_workers(Spec spec, int count) noexcept {
    if constexpr (requires { spec.width; }) {
        spec.width = count;
    } else {
        const std::int64_t stages = std::int64_t{count} * stages_each(spec);
        const bool fits = stages <= (std::numeric_limits<int>::max)() && stages >= 0;
        spec.stages = fits ? static_cast<int>(stages) : stages < 0 ? 0 : (std::numeric_limits<int>::max)();
    }
    return spec;
}

}  // namespace chimera::detail
