// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/family.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace chimera {

/// The times of a forward, an input gradient, a weight gradient and of the way from worker to worker, in one unit.
using pass_times = std::array<double, 4>;

namespace detail {

/// Returns the ticks of the longest pass: the fewest of which all times are whole numbers, or 1000.
[[nodiscard]] constexpr int fewest_ticks(const pass_times& times, double longest) noexcept {
    for (int ticks = 1; ticks < 1000; ++ticks) {
        bool whole = true;
        for (const double one : times) {
            const double exact = one / longest * ticks;
            const double off = exact - static_cast<double>(static_cast<std::int64_t>(exact + 0.5));
            whole = whole && off < 1e-7 && off > -1e-7;
        }
        if (whole) return ticks;
    }
    return 1000;
}

}  // namespace detail

/// Returns the spec as it was before it got ticks.
[[nodiscard]] constexpr family_spec without_ticks(family_spec spec) noexcept {
    spec.forward_ticks = spec.input_ticks = spec.weight_ticks = spec.hop_ticks = 0;
    spec.thorough = false;
    return spec;
}

/// Returns the spec with ticks that stand for the times, and `thorough`: whole numbers in the same proportions where a
/// pass of fewer than 1000 ticks allows, else rounded, at least 1 for a pass. The spec stays as it is if its family
/// takes no ticks, if it has ticks already, or if its order would be too long.
[[nodiscard]] constexpr family_spec with_ticks(family_spec spec, const pass_times& times) {
    const bool given = spec.forward_ticks + spec.input_ticks + spec.weight_ticks + spec.hop_ticks > 0;
    if (given || !has_option(spec.which, "hop_ticks")) return spec;
    const double longest = (std::max)({times[0], times[1], times[2]});
    if (!(longest > 0) || !(times[3] <= 10 * longest)) return spec;
    const int scale = detail::fewest_ticks(times, longest);
    const auto ticks = [&](std::size_t i, int least) {
        return (std::max)(static_cast<int>(times[i] / longest * scale + 0.5), least);
    };
    family_spec out = spec;
    out.forward_ticks = ticks(0, 1);
    out.input_ticks = ticks(1, 1);
    out.weight_ticks = ticks(2, 1);
    out.hop_ticks = ticks(3, 0);
    out.thorough = true;
    return out.refused() == refusal::none ? out : spec;
}

}  // namespace chimera
