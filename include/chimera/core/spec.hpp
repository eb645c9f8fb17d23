// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/refusal.hpp>
#include <chimera/core/slot_table.hpp>

#include <concepts>
#include <cstddef>

namespace chimera {

namespace detail {

/// Calls the `make()` of a spec, also where it is private. `generate` and `table_of` alone ask `refused()` first; a family
/// that builds on another one has asked already.
struct maker {
    template <class Spec>
    static constexpr auto make(const Spec& spec) -> decltype(spec.make()) {
        return spec.make();
    }
};

}  // namespace detail

/// A family's sizes: says whether it can be built, how many slots it will have, and builds it in `make()`. A spec outside
/// the library may have a public `make()`; the library's families keep theirs private, so that `refused()` is always asked.
template <class T>
concept schedule_spec = requires(const T& spec) {
    { spec.refused() } -> std::same_as<refusal>;
    { spec.workers() } -> std::same_as<int>;
    { spec.placements() } -> std::same_as<int>;
    { spec.slot_count() } -> std::same_as<std::size_t>;
    { detail::maker::make(spec) } -> std::same_as<schedule>;
};

/// The schedule of a spec. Throws `chimera_error` with the rule that the spec breaks.
template <schedule_spec Spec>
[[nodiscard]] constexpr schedule generate(const Spec& spec) {
    if (const refusal why = spec.refused(); why != refusal::none) refuse(text(why), why);
    return detail::maker::make(spec);
}

}  // namespace chimera
