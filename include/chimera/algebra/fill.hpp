// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/filler.hpp>
#include <chimera/core/query.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace chimera {

/// Moves the weight gradients into bubbles. Every worker keeps the order of its other slots, each as early as possible,
/// and runs its oldest pending weight gradient when it would idle or when its memory is full.
/// `memory`: the most live activations of a worker, in units; none: as many as the order needs as it stands.
/// Throws `chimera_error` if the order cannot run within that. Linear in slots.
[[nodiscard]] constexpr schedule fill(schedule_argument table, std::optional<int> memory = {}) {
    std::vector<std::int32_t> limits;
    limits.reserve(static_cast<std::size_t>(table.head.workers));
    for (int w = 0; w < table.head.workers; ++w) limits.push_back(memory ? *memory : peak_units(table, worker{w}));
    return detail::filler(table, std::move(limits)).run();
}

}  // namespace chimera
