// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/filler.hpp>
#include <chimera/core/query.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera {

/// Moves the weight gradients into bubbles: every worker keeps the order of its other slots, each as early as possible, and
/// runs its oldest pending weight gradient when it would idle or when its memory is full.
/// `memory`: most live activations per worker, in units; 0: what the order needs with each weight gradient where it stands.
/// Refuses an order that cannot run within that. Linear in slots.
[[nodiscard]] constexpr schedule fill(schedule_argument of, int memory = 0) {
    std::vector<std::int32_t> limits;
    limits.reserve(static_cast<std::size_t>(of.head.workers));
    for (int w = 0; w < of.head.workers; ++w) limits.push_back(memory > 0 ? memory : peak_units(of, worker{w}));
    return detail::filler(of, std::move(limits)).run();
}

}  // namespace chimera
