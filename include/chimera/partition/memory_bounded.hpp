// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/contiguous.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace chimera {

/// The memory of workers with one stage each: stage s takes reserved[s] + state + in_flight[s] · activations, summed
/// over its layers, and fits if that is at most `capacity`. All in bytes; whole numbers below 2^53 are summed exactly.
struct memory_limits {
    std::span<const double> state;        ///< per layer: weights, gradients, optimiser
    std::span<const double> activations;  ///< per layer and micro-batch in flight
    std::span<const double> in_flight;    ///< per stage: most micro-batches between forward and backward
    double capacity = 0;                  ///< of every worker
    std::span<const double> reserved;     ///< per stage, none: 0. Buffers and whatever does not depend on the cut
};

/// A partition under memory limits, or the bytes that are missing for one.
struct bounded_partition {
    std::vector<int> cuts;  ///< as everywhere; empty where no cut fits
    double seconds = 0;     ///< of the slowest stage
    int stage = -1;         ///< if no cut fits: the stage that lacks memory in the cut that lacks the least
    double missing = 0;     ///< bytes: no cut fits workers with less than this more, one fits with this more

    /// Returns true if there is a cut.
    [[nodiscard]] constexpr bool fits() const noexcept { return !cuts.empty(); }
};

namespace detail {

/// Stages with memory: one micro-batch more in flight costs `activations` more.
struct bounded_stages {
    range_sums seconds, state, activations;
    int layers = 0;
    int stages = 0;
    std::vector<double> in_flight;
    std::vector<double> room;  // per stage: capacity - reserved

    constexpr double cost(int, int i, int j) const { return seconds(i, j); }
    constexpr double bytes(int s, int i, int j) const {
        return state(i, j) + in_flight[static_cast<std::size_t>(s)] * activations(i, j);
    }
    constexpr bool fits(int s, int i, int j) const { return bytes(s, i, j) <= room[static_cast<std::size_t>(s)]; }

    /// Returns true if each layer alone fits each stage (sufficient, not necessary).
    constexpr bool singles_fit() const {
        const double least = *std::min_element(room.begin(), room.end());
        const double most = *std::max_element(in_flight.begin(), in_flight.end());
        for (int i = 0; i < layers; ++i)
            if (!(state(i, i + 1) + most * activations(i, i + 1) <= least)) return false;
        return true;
    }
};

/// A problem over these stages, to be cut so that they lack the least memory.
struct memory_stages {
    const bounded_stages& of;
    int layers = 0;
    int stages = 0;

    constexpr double cost(int s, int i, int j) const {
        return of.bytes(s, i, j) - of.room[static_cast<std::size_t>(s)];
    }
    constexpr bool fits(int, int, int) const { return true; }
};

constexpr bounded_stages make_bounded(std::span<const double> seconds, int stages, const memory_limits& under) {
    check_counts(seconds.size(), stages);
    const auto count = static_cast<std::size_t>(stages);
    check_length("the list of state bytes", under.state.size(), seconds.size());
    check_length("the list of activation bytes", under.activations.size(), seconds.size());
    check_length("the list of micro-batches in flight", under.in_flight.size(), count);
    if (!under.reserved.empty()) check_length("the list of reserved bytes", under.reserved.size(), count);
    check_numbers("the micro-batches in flight of stage", under.in_flight);
    check_numbers("the reserved bytes of stage", under.reserved);
    if (!(under.capacity >= 0)) refuse("the memory of a worker is negative or not a number (of bytes) give its bytes");
    bounded_stages out{range_sums("the seconds of layer", seconds),
                       range_sums("the state bytes of layer", under.state),
                       range_sums("the activation bytes of layer", under.activations),
                       static_cast<int>(seconds.size()),
                       stages,
                       {under.in_flight.begin(), under.in_flight.end()},
                       std::vector<double>(count, under.capacity)};
    for (std::size_t s = 0; s < under.reserved.size(); ++s) out.room[s] -= under.reserved[s];
    return out;
}

/// The cut that lacks the least memory, cost being what a stage lacks.
template <StageProblem Problem>
constexpr bounded_partition find_missing(const Problem& problem) {
    table search(problem, true);
    bounded_partition out;
    out.missing = search.find();
    const std::vector<int> cuts = search.cut();
    for (int s = problem.stages; s-- > 0;)
        if (problem.cost(s, cuts[static_cast<std::size_t>(s)], cuts[static_cast<std::size_t>(s) + 1]) == out.missing)
            out.stage = s;
    return out;
}

/// Whole bytes, rounded up.
inline std::string bytes_text(double bytes) {
    return bytes < 9e15 ? std::to_string(static_cast<std::int64_t>(std::ceil(bytes))) : std::to_string(bytes);
}

}  // namespace detail

/// Minimises the bottleneck over all cuts that fit; if none does, reports the missing bytes. Exact: by bisection where
/// every layer alone fits every stage, O(layers + stages · log(layers) · probes); else, and to find what is missing, by
/// dynamic programming, O(layers · stages). Refuses what `partition` refuses, and lists of a wrong length.
[[nodiscard]] constexpr bounded_partition bounded(std::span<const double> seconds, int stages,
                                                  const memory_limits& under, tie among = tie::even) {
    const detail::bounded_stages of = detail::make_bounded(seconds, stages, under);
    bounded_partition out;
    if (of.singles_fit()) {
        detail::bisection search(of);
        const double low = (std::max)(detail::lower_bound(of.seconds, stages), detail::largest_single(of.seconds));
        out.seconds = search.find(low, detail::upper_bound(of.seconds, stages));
        if (out.seconds < unbounded) out.cuts = search.cut(out.seconds, among, [&](int i) { return of.seconds(0, i); });
    } else {
        detail::table search(of, true);
        out.seconds = search.find();
        if (out.seconds < unbounded) out.cuts = search.cut();
    }
    if (!out.fits()) return detail::find_missing(detail::memory_stages{of, of.layers, of.stages});
    return out;
}

/// Minimises the bottleneck over all cuts that fit by dynamic programming alone.
[[nodiscard]] constexpr bounded_partition bounded_by_table(std::span<const double> seconds, int stages,
                                                           const memory_limits& under) {
    const detail::bounded_stages of = detail::make_bounded(seconds, stages, under);
    detail::table search(of, true);
    bounded_partition out;
    out.seconds = search.find();
    if (out.seconds == unbounded) return detail::find_missing(detail::memory_stages{of, of.layers, of.stages});
    out.cuts = search.cut();
    return out;
}

/// Returns the best cut under memory limits. Throws `chimera_error`, which names the stage and the missing bytes, if
/// none fits.
[[nodiscard]] constexpr std::vector<int> partition(std::span<const double> seconds, int stages,
                                                   const memory_limits& under, tie among = tie::even) {
    const bounded_partition out = bounded(seconds, stages, under, among);
    if (!out.fits())
        refuse("no cut into " + std::to_string(stages) + " stages fits (stage " + std::to_string(out.stage) +
               " lacks at least " + detail::bytes_text(out.missing) + " bytes) use workers of " +
               detail::bytes_text(under.capacity + out.missing) + " bytes or more, more stages, or recompute");
    return out.cuts;
}

}  // namespace chimera
