// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/platform.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

/// A number for every stage, or one per stage.
struct per_stage {
    std::vector<double> values;  ///< one value, or as many as there are stages (boundaries: stages - 1);
                                 ///< none where a cost may be left out

    /// Takes one number for all stages, or one for each.
    constexpr per_stage(double one = 0) : values(1, one) {}
    constexpr per_stage(std::vector<double> each) : values(static_cast<std::vector<double>&&>(each)) {}
    /// Returns true if there is a number.
    [[nodiscard]] constexpr bool given() const noexcept { return !values.empty(); }
    /// Returns the number of a stage, 0 … stages - 1; there must be one.
    [[nodiscard]] constexpr double operator[](int stage) const noexcept {
        return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(stage)];
    }
};

/// The algorithm of a reduction; reduce_cost has the formulas.
enum class collective : std::uint8_t {
    fixed,         ///< the stage's seconds, however many workers
    rabenseifner,  ///< reduce-scatter by halving, all-gather by doubling
    ring           ///< reduce-scatter and all-gather around a ring
};

/// The cost of a reduction over r workers, in seconds.
/// fixed: `seconds` of the stage, whatever r. rabenseifner: 2 log2(r) α + 2 (r-1) β L / r (Chimera, section 3.4).
/// ring: 2 (r-1) α + 2 (r-1) β L / r. α = latency, L = bytes, β = 1 / bandwidth.
struct reduce_cost {
    collective algorithm = collective::fixed;  ///< algorithm whose formula holds
    per_stage seconds{0};                      ///< of a stage's reduction, for `fixed`
    double latency = 0;                        ///< seconds
    double bandwidth = 1;                      ///< bytes per second
    per_stage bytes{0};                        ///< of a stage's gradient, for the others
};

/// The costs of passes, transfers, reductions and updates, in seconds per micro-batch and stage: a chimera.costs file,
/// resolved.
struct costs {
    per_stage forward{1};                     ///< a forward
    per_stage backward{1};                    ///< a full backward
    per_stage input_gradient{1};              ///< the input half of a backward
    per_stage weight_gradient{1};             ///< the weight half of a backward
    per_stage recompute{1};                   ///< a recompute
    per_stage paired{std::vector<double>{}};  ///< a forward and a full backward that run together, by the forward's
                                              ///< stage; without values: the sum of the two
    per_stage transfer{0};  ///< seconds for one micro-batch to cross the boundary after the stage, either way
    reduce_cost reduce{};   ///< reductions of gradients
    per_stage tied{0};      ///< weights of each tied link: seconds of their reduction if `reduce` is fixed, else bytes
    per_stage update{0};    ///< an update of the weights, not per micro-batch
};

/// Returns the means over the stages of a forward, an input gradient, a weight gradient and a transfer, in seconds;
/// without `split`, half a full backward for either gradient.
[[nodiscard]] constexpr std::array<double, 4> mean_passes(const costs& seconds, bool split) noexcept {
    const auto mean = [](const per_stage& each) {
        double sum = 0;
        for (const double one : each.values) sum += one;
        return each.values.empty() ? 0 : sum / static_cast<double>(each.values.size());
    };
    if (split)
        return {mean(seconds.forward), mean(seconds.input_gradient), mean(seconds.weight_gradient),
                mean(seconds.transfer)};
    const double half = mean(seconds.backward) / 2;
    return {mean(seconds.forward), half, half, mean(seconds.transfer)};
}

}  // namespace chimera
