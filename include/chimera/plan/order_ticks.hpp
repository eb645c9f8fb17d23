// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/family.hpp>
#include <chimera/simulate/costs.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace chimera {

namespace detail {

/// The mean over the stages, in seconds.
[[nodiscard]] constexpr double mean(const per_stage& of) noexcept {
    double sum = 0;
    for (const double one : of.values) sum += one;
    return of.values.empty() ? 0 : sum / static_cast<double>(of.values.size());
}

}  // namespace detail

/// Returns the spec with ticks that stand for real costs: means over the stages in thousandths of the longest pass,
/// rounded, at least 1 for a pass, divided by what they have in common. Alike passes become 1 each. The spec stays as
/// it is if its family takes no ticks, if it has ticks already, or if its order would be too long.
[[nodiscard]] constexpr family_spec with_ticks_of(const costs& c, family_spec spec) {
    if (!has_option(spec.which, "hop_ticks") || spec.forward_ticks + spec.input_ticks + spec.weight_ticks > 0)
        return spec;
    const double seconds[] = {detail::mean(c.forward), detail::mean(c.input_gradient), detail::mean(c.weight_gradient),
                              detail::mean(c.transfer)};
    const double longest = (std::max)({seconds[0], seconds[1], seconds[2]});
    if (!(longest > 0)) return spec;
    int ticks[4] = {};
    for (std::size_t i = 0; i < 4; ++i) {
        const double whole = (std::min)(seconds[i] / longest * 1000 + 0.5, 10000.0);
        ticks[i] = (std::max)(static_cast<int>(whole), i < 3 ? 1 : 0);
    }
    const int common = std::gcd(std::gcd(ticks[0], ticks[1]), std::gcd(ticks[2], ticks[3]));
    family_spec out = spec;
    out.forward_ticks = ticks[0] / common;
    out.input_ticks = ticks[1] / common;
    out.weight_ticks = ticks[2] / common;
    out.hop_ticks = ticks[3] / common;
    return out.refused() == refusal::none ? out : spec;
}

}  // namespace chimera
