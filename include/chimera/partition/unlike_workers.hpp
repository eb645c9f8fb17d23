// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/memory_bounded.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace chimera {

/// A worker among unlike ones.
struct device {
    double speed = 1;             ///< the layers' seconds are divided by it
    double capacity = unbounded;  ///< bytes of memory
    double link = 0;              ///< seconds per byte that it sends to the next worker

    friend constexpr bool operator==(const device&, const device&) = default;
};

/// The needs of the layers on unlike workers. An empty list of bytes lays no claim to memory or links.
struct layer_needs {
    std::span<const double> seconds;      ///< per layer, at speed 1
    std::span<const double> state;        ///< per layer: bytes whatever the micro-batches
    std::span<const double> activations;  ///< per layer: bytes for each micro-batch in flight
    std::span<const double> in_flight;    ///< per stage, none: 1
    std::span<const double> outputs;      ///< per layer: bytes sent on where a stage ends with it
};

/// A partition over unlike workers: worker `order[s]` of those given holds stage s.
struct device_partition {
    std::vector<int> cuts;   ///< as everywhere; empty where no cut fits
    std::vector<int> order;  ///< per stage
    double seconds = 0;      ///< of the slowest stage: seconds / speed, and link · outputs unless it is the last
    int stage = -1;          ///< given order, no cut fits: as in bounded_partition
    double missing = 0;      ///< bytes that every worker needs more, at least

    /// Returns true if there is a cut.
    [[nodiscard]] constexpr bool fits() const noexcept { return !cuts.empty(); }
};

namespace detail {

/// Stages on the workers of an order.
struct device_stages : bounded_stages {
    std::span<const device> on;
    std::vector<double> outputs;

    constexpr double cost_on(const device& d, int i, int j) const {
        const double sum = seconds(i, j) / d.speed;
        return j == layers ? sum : sum + d.link * outputs[static_cast<std::size_t>(j) - 1];
    }
    constexpr bool fits_on(const device& d, int s, int i, int j) const { return bytes(s, i, j) <= d.capacity; }
    constexpr double cost(int s, int i, int j) const { return cost_on(on[static_cast<std::size_t>(s)], i, j); }
};

[[noreturn]] inline void refuse_device(std::size_t index, const char* what, const char* want) {
    refuse("the " + std::string(what) + " of worker " + std::to_string(index) + " cannot be used (it is to be " + want +
           ") check its numbers");
}
constexpr void check_devices(std::span<const device> workers) {
    for (std::size_t w = 0; w < workers.size(); ++w) {
        const device& d = workers[w];
        if (!(d.speed > 0) || d.speed == unbounded) refuse_device(w, "speed", "positive and finite");
        if (!(d.link >= 0) || d.link == unbounded) refuse_device(w, "link", "from 0 and finite");
        if (!(d.capacity >= 0)) refuse_device(w, "memory", "from 0");
    }
}

constexpr device_stages make_stages(const layer_needs& needs, std::span<const device> workers) {
    const std::size_t layers = needs.seconds.size();
    const std::vector<double> none(layers, 0.0), one(workers.size(), 1.0);
    const auto or_none = [](std::span<const double> given, std::span<const double> else_) {
        if (given.empty()) return else_;
        return given;
    };
    check_counts(layers, workers.size() > std::size_t{1} << 29 ? 1 << 29 : static_cast<int>(workers.size()));
    check_devices(workers);
    const std::span<const double> outputs = or_none(needs.outputs, none);
    check_length("the list of output bytes", outputs.size(), layers);
    check_numbers("the output bytes of layer", outputs);
    device_stages out{make_bounded(needs.seconds, static_cast<int>(workers.size()),
                                   {or_none(needs.state, none),
                                    or_none(needs.activations, none),
                                    or_none(needs.in_flight, one),
                                    unbounded,
                                    {}}),
                      workers,
                      {outputs.begin(), outputs.end()}};
    for (std::size_t s = 0; s < workers.size(); ++s) out.room[s] = workers[s].capacity;
    return out;
}

}  // namespace detail

}  // namespace chimera
