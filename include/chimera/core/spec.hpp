// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/refusal.hpp>
#include <chimera/core/slot_table.hpp>

#include <concepts>
#include <cstddef>

namespace chimera {

/// A family's sizes: says whether it can be built, how many slots it will have, and builds it.
template <class T>
concept schedule_spec = requires(const T& spec) {
    { spec.refused() } -> std::same_as<refusal>;
    { spec.workers() } -> std::same_as<int>;
    { spec.placements() } -> std::same_as<int>;
    { spec.slot_count() } -> std::same_as<std::size_t>;
    { spec.make() } -> std::same_as<schedule>;
};

/// The schedule of a spec. Throws `error` with the rule that the spec breaks.
template <schedule_spec Spec>
constexpr schedule generate(const Spec& spec) {
    if (const refusal why = spec.refused(); why != refusal::none) refuse(text(why));
    return spec.make();
}

}  // namespace chimera
