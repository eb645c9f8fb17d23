// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/layer.hpp>

#include <cstdint>
#include <vector>

namespace chimera {

/// The bytes per number. The defaults are those of mixed precision with Adam: 16 bytes of state a parameter.
struct precision {
    double weight = 2;
    double gradient = 2;
    double optimiser = 12;  ///< master weight and two moments in 32 bits
    double activation = 2;

    friend constexpr bool operator==(const precision&, const precision&) = default;
};

/// The sizes with 32 bits throughout and Adam: weight, gradient and two moments.
inline constexpr precision single_precision{4, 4, 8, 4};

/// A model as the planner sees it: layers in the order in which a sample passes them.
struct model {
    label name;
    std::vector<layer> layers;
    std::int64_t tokens = 0;  ///< per sample; 0 where samples are not sequences
    precision bytes{};
};

/// Returns the number of trained parameters, each counted once.
[[nodiscard]] constexpr std::int64_t parameters(const model& network) {
    std::int64_t sum = 0;
    for (const layer& l : network.layers) sum += l.parameters;
    return sum;
}

/// Returns the FLOPs of a sample's forward and backward, nothing recomputed.
[[nodiscard]] constexpr double flops(const model& network) {
    double sum = 0;
    for (const layer& l : network.layers) sum += l.forward + l.input_gradient + l.weight_gradient;
    return sum;
}

}  // namespace chimera
