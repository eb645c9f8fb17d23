// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/refusal.hpp>
#include <chimera/core/slot_table.hpp>

#include <concepts>
#include <cstddef>

namespace chimera {

namespace detail {

/// Calls the `make()` of a spec, also where it is private. `generate` and `table_of` ask `refused()` first; a family
/// that builds on another one has asked already.
struct maker {
    template <class Spec>
    static constexpr auto make(const Spec& spec) -> decltype(spec.make()) {
        return spec.make();
    }
};

}  // namespace detail

/// The sizes of a family. `refused()` names the rule that they break, `workers()`, `placements()` and `slot_count()`
/// tell the table's sizes before it is made, and `make()` makes it. The library's families keep `make()` private, so
/// that `refused()` is always asked first; a spec outside the library may have a public one.
template <class T>
concept schedule_spec = requires(const T& spec) {
    /// Returns the rule that the sizes break, or `refusal::none`. The other functions are for sizes that break none.
    { spec.refused() } -> std::same_as<refusal>;
    /// Returns the number of workers: rows of the table.
    { spec.workers() } -> std::same_as<int>;
    /// Returns the number of entries of the placement: pipelines × stages.
    { spec.placements() } -> std::same_as<int>;
    /// Returns the number of slots of the table, over all workers.
    { spec.slot_count() } -> std::same_as<std::size_t>;
    /// Returns the schedule. `generate` and `table_of` call it, after `refused()`.
    { detail::maker::make(spec) } -> std::same_as<schedule>;
};

/// Returns the schedule of a spec, at run time or within a constant expression; `table_of<spec>` is one that a constant
/// can keep. Throws `chimera_error` whose `refusal()` is the rule that the spec breaks.
template <schedule_spec Spec>
[[nodiscard]] constexpr schedule generate(const Spec& spec) {
    if (const refusal why = spec.refused(); why != refusal::none) refuse(text(why), why);
    return detail::maker::make(spec);
}

}  // namespace chimera
