// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/memory_bounded.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// One way to run a whole stage: nothing, attention's core or all of it recomputed. Lists per layer, or empty: 0.
struct stage_mode {
    std::span<const double> seconds;  ///< added to the layer's
    std::span<const double> bytes;    ///< kept for every micro-batch in flight
    std::span<const double> once;     ///< taken once, as by what is recomputed before its backward
    double each = 0;                  ///< bytes of a stage for every micro-batch in flight, as its input
    double whole = 0;                 ///< bytes of a stage, once
};

/// The memory of workers with one stage each: stage s takes reserved[s] + versions[s] · state, and the bytes of its
/// mode.
struct stagewise_limits {
    std::span<const double> state;      ///< per layer, of one version
    std::span<const stage_mode> modes;  ///< every stage has one of these
    std::span<const double> in_flight;  ///< per stage
    double capacity = 0;                ///< bytes of a worker
    std::span<const double> reserved;   ///< per stage, none: 0
    std::span<const double> versions;   ///< per stage, none: 1
};

/// A partition with the mode of every stage.
struct stagewise_partition {
    std::vector<int> cuts;            ///< as everywhere; empty where none fits
    std::vector<std::uint8_t> modes;  ///< per stage
    double seconds = 0;               ///< of the slowest stage, its mode's included
    int stage = -1;                   ///< if none fits, as in bounded_partition
    double missing = 0;               ///< bytes, as in bounded_partition

    /// Returns true if there is a cut.
    [[nodiscard]] constexpr bool fits() const noexcept { return !cuts.empty(); }
};

namespace detail {

class stagewise_stages {
public:
    int layers = 0;
    int stages = 0;

    constexpr stagewise_stages(std::span<const double> seconds, int count, const stagewise_limits& under)
        : layers(static_cast<int>(seconds.size())), stages(count), seconds_("the seconds of layer", seconds) {
        const std::size_t size = seconds.size(), each = at(count);
        check_length("the list of state bytes", under.state.size(), size);
        if (under.modes.empty() || under.modes.size() > 255)
            refuse("a stage has 1 to 255 modes (it runs one) give as many");
        state_ = range_sums("the state bytes of layer", under.state);
        in_flight_ = per_stage("the micro-batches in flight of stage", under.in_flight, each, 0);
        versions_ = per_stage("the weight versions of stage", under.versions, each, 1);
        room_ = per_stage("the reserved bytes of stage", under.reserved, each, 0);
        if (under.in_flight.size() != each)
            check_length("the list of micro-batches in flight", under.in_flight.size(), each);
        if (!(under.capacity >= 0))
            refuse("the memory of a worker is negative or not a number (of bytes) give its bytes");
        for (double& r : room_) r = under.capacity - r;
        for (const stage_mode& m : under.modes) {
            if (!(m.each >= 0) || !(m.whole >= 0))
                refuse("bytes of a mode are negative or not a number (of a stage) give them");
            modes_.push_back({per_layer("the extra seconds of layer", m.seconds, size),
                              per_layer("the activation bytes of layer", m.bytes, size),
                              per_layer("the recomputed bytes of layer", m.once, size), m.each, m.whole});
        }
    }

    /// Bytes in mode m that the worker has not.
    constexpr double over(std::size_t m, int s, int i, int j) const {
        const mode& of = modes_[m];
        return versions_[at(s)] * state_(i, j) + in_flight_[at(s)] * (of.bytes(i, j) + of.each) + of.once(i, j) +
               of.whole - room_[at(s)];
    }
    constexpr double cost(int s, int i, int j) const {
        double least = unbounded;
        for (std::size_t m = 0; m < modes_.size(); ++m)
            if (over(m, s, i, j) <= 0) least = (std::min)(least, seconds_(i, j) + modes_[m].seconds(i, j));
        return least;
    }
    constexpr bool fits(int s, int i, int j) const { return least_over(s, i, j) <= 0; }
    constexpr double least_over(int s, int i, int j) const {
        double least = unbounded;
        for (std::size_t m = 0; m < modes_.size(); ++m) least = (std::min)(least, over(m, s, i, j));
        return least;
    }
    /// The first mode that has the cost.
    constexpr std::uint8_t choose(int s, int i, int j) const {
        std::size_t m = 0;
        while (over(m, s, i, j) > 0 || seconds_(i, j) + modes_[m].seconds(i, j) > cost(s, i, j)) ++m;
        return static_cast<std::uint8_t>(m);
    }

private:
    struct mode {
        range_sums seconds, bytes, once;
        double each = 0, whole = 0;
    };
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

    static constexpr range_sums per_layer(const char* what, std::span<const double> given, std::size_t size) {
        if (given.empty()) return range_sums(what, std::vector<double>(size, 0.0));
        check_length(what, given.size(), size);
        return range_sums(what, given);
    }
    static constexpr std::vector<double> per_stage(const char* what, std::span<const double> given, std::size_t size,
                                                   double otherwise) {
        if (given.empty()) return std::vector<double>(size, otherwise);
        check_length(what, given.size(), size);
        check_numbers(what, given);
        return {given.begin(), given.end()};
    }

    range_sums seconds_, state_;
    std::vector<double> in_flight_, versions_, room_;
    std::vector<mode> modes_;
};

/// A problem over these stages, to be cut so that they lack the least memory.
struct least_stages {
    const stagewise_stages& of;
    int layers = 0;
    int stages = 0;

    constexpr double cost(int s, int i, int j) const { return of.least_over(s, i, j); }
    constexpr bool fits(int, int, int) const { return true; }
};

}  // namespace detail

/// Chooses the cut and the mode of every stage together for the least bottleneck; if none fits, reports the missing
/// bytes. Exact, by dynamic programming: O(layers · stages · modes). Refuses what `bounded` refuses.
[[nodiscard]] constexpr stagewise_partition partition_stagewise(std::span<const double> seconds, int stages,
                                                                const stagewise_limits& under) {
    detail::check_counts(seconds.size(), stages);
    const detail::stagewise_stages of(seconds, stages, under);
    detail::table search(of, true);
    stagewise_partition out;
    out.seconds = search.find();
    if (out.seconds == unbounded) {
        const bounded_partition lacks = detail::find_missing(detail::least_stages{of, of.layers, stages});
        out.stage = lacks.stage;
        out.missing = lacks.missing;
        return out;
    }
    out.cuts = search.cut();
    for (int s = 0; s < stages; ++s) {
        const auto at = static_cast<std::size_t>(s);
        out.modes.push_back(of.choose(s, out.cuts[at], out.cuts[at + 1]));
    }
    return out;
}

}  // namespace chimera
