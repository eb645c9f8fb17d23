// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/bottleneck_bisection.hpp>
#include <chimera/partition/dynamic_program.hpp>
#include <chimera/partition/range_sums.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

// Cuts of a model into stages. Throughout: `cuts` has stages + 1 numbers, the first layer of every stage and then the
// number of layers. Every stage holds at least one layer. Layer weights are seconds (or FLOPs: any one unit).

namespace chimera {

namespace detail {

/// Layers by their seconds alone, and where `sends` has numbers, what a stage adds that ends with that layer.
struct plain_stages {
    const range_sums& seconds;
    int layers = 0;
    int stages = 0;
    std::span<const double> sends;

    constexpr double cost(int, int i, int j) const {
        const double sum = seconds(i, j);
        return sends.empty() || j == layers ? sum : sum + sends[static_cast<std::size_t>(j) - 1];
    }
    constexpr bool fits(int, int, int) const { return true; }
};

/// Bounds of the bottleneck of any such cut: the largest layer and the mean are below it, their sum above. The margin
/// covers the rounding of sums.
constexpr double lower_bound(const range_sums& seconds, int stages) {
    return (std::max)(seconds.largest(), seconds.all() / stages * (1 - 0x1p-30));
}
constexpr double upper_bound(const range_sums& seconds, int stages) {
    return (seconds.all() / stages + seconds.largest()) * (1 + 0x1p-30);
}

/// Largest of the layers' costs as the sums see them (a difference may round above the number itself).
constexpr double largest_single(const range_sums& seconds) {
    double most = 0;
    for (int i = 0; i < seconds.size(); ++i) most = (std::max)(most, seconds(i, i + 1));
    return most;
}

}  // namespace detail

/// Returns the seconds of every stage. `sends[i]`: seconds that a stage which ends with layer i adds, unless it is the
/// last.
[[nodiscard]] constexpr std::vector<double> stage_seconds(std::span<const double> seconds, std::span<const int> cuts,
                                                          std::span<const double> sends = {}) {
    std::vector<double> out;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s) {
        double sum = 0;
        for (int i = cuts[s]; i < cuts[s + 1]; ++i) sum += seconds[static_cast<std::size_t>(i)];
        const auto end = static_cast<std::size_t>(cuts[s + 1]);
        if (!sends.empty() && end < seconds.size()) sum += sends[end - 1];
        out.push_back(sum);
    }
    return out;
}

/// Returns the seconds of the slowest stage.
[[nodiscard]] constexpr double bottleneck(std::span<const double> seconds, std::span<const int> cuts,
                                          std::span<const double> sends = {}) {
    const std::vector<double> each = stage_seconds(seconds, cuts, sends);
    return each.empty() ? 0 : *std::max_element(each.begin(), each.end());
}

/// Returns the cut with the least bottleneck, by exact bisection: O(layers + stages · log(layers) · probes). Refuses no
/// layers, no stages, more stages than layers, and negative, infinite or undefined seconds.
[[nodiscard]] constexpr std::vector<int> partition(std::span<const double> seconds, int stages, tie among = tie::even) {
    detail::check_counts(seconds.size(), stages);
    const detail::range_sums sums("the seconds of layer", seconds);
    const detail::plain_stages of{sums, sums.size(), stages, {}};
    detail::bisection search(of);
    const double low = (std::max)(detail::lower_bound(sums, stages), detail::largest_single(sums));
    const double bound = search.find(low, detail::upper_bound(sums, stages));
    return search.cut(bound, among, [&](int i) { return sums(0, i); });
}

/// Returns a cut with the least bottleneck by dynamic programming: O(layers · stages), times log(layers) if boundaries
/// cost. `sends[i]` (seconds, one per layer) is added to the stage that ends with layer i, unless it is the last.
/// Throws on the same input errors as `partition`.
[[nodiscard]] constexpr std::vector<int> partition_by_table(std::span<const double> seconds, int stages,
                                                            std::span<const double> sends = {}) {
    detail::check_counts(seconds.size(), stages);
    if (!sends.empty()) detail::check_length("the list of boundary costs", sends.size(), seconds.size());
    detail::check_numbers("the boundary cost of layer", sends);
    const detail::range_sums sums("the seconds of layer", seconds);
    const detail::plain_stages of{sums, sums.size(), stages, sends};
    detail::table search(of, sends.empty());
    search.find();
    return search.cut();
}

}  // namespace chimera
