// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace chimera {

/// A schedule in arrays of exact size, a form that constant evaluation can leave behind.
template <std::size_t Workers, std::size_t Places, std::size_t Slots>
struct fixed_schedule {
    shape head;                                     ///< sizes
    std::array<std::int32_t, Places> placement;     ///< pipelines × stages: the worker of (pipeline, stage)
    std::array<std::int32_t, Workers + 1> offsets;  ///< row w is slots [offsets[w], offsets[w + 1])
    std::array<slot, Slots> entries;                ///< row after row, each in order of execution

    /// Returns a view, valid as long as the schedule is. A temporary has none: its view would dangle.
    [[nodiscard]] constexpr schedule_view view() const& noexcept { return {head, placement, offsets, entries}; }
    /// Converts to the view.
    constexpr operator schedule_view() const& noexcept { return view(); }  // NOLINT: a schedule is read through a view
    schedule_view view() const&& = delete;                                 // a view of a temporary would dangle
    operator schedule_view() const&& = delete;                             // NOLINT
};

namespace detail {

// Copies into raw arrays: std::array's operator[] costs constant evaluation twice as much.
template <class To, class From>
constexpr void copy_all(To& to, const From& from) {
    auto* out = to.data();
    for (const auto *value = from.data(), *last = value + from.size(); value != last; ++value) *out++ = *value;
}

template <auto Spec>
consteval auto freeze() {
#define CHIMERA_ASSERT(name, text) static_assert(Spec.refused() != refusal::name, text);
    CHIMERA_REFUSALS(CHIMERA_ASSERT)
#undef CHIMERA_ASSERT
    if constexpr (Spec.refused() == refusal::none) {
        constexpr auto workers = static_cast<std::size_t>(Spec.workers());
        constexpr auto places = static_cast<std::size_t>(Spec.placements());
        const schedule made = maker::make(Spec);
        fixed_schedule<workers, places, Spec.slot_count()> out{made.head, {}, {}, {}};
        if (made.entries.size() != out.entries.size()) throw "slot_count() differs from what make() yields";
        copy_all(out.placement, made.placement);
        copy_all(out.offsets, made.offsets);
        copy_all(out.entries, made.entries);
        return out;
    } else {
        return fixed_schedule<1, 1, 1>{};
    }
}

template <auto Spec>
inline constexpr auto frozen = freeze<Spec>();

}  // namespace detail

/// The schedule of a spec in static storage. An object of this type holds nothing but names the spec, so that it can be
/// a template argument of any size of table.
template <schedule_spec auto Spec>
struct fixed_table {
    static constexpr const shape& head = detail::frozen<Spec>.head;           ///< sizes
    static constexpr const auto& placement = detail::frozen<Spec>.placement;  ///< the worker of (pipeline, stage)
    static constexpr const auto& offsets = detail::frozen<Spec>.offsets;      ///< begins and ends of the rows
    static constexpr const auto& entries = detail::frozen<Spec>.entries;      ///< row after row, in order of execution

    /// Returns a copy, whose slots may be changed.
    [[nodiscard]] static constexpr auto copy() noexcept { return detail::frozen<Spec>; }
    /// Returns a view, which never dangles.
    [[nodiscard]] static constexpr schedule_view view() noexcept { return detail::frozen<Spec>.view(); }
    /// Converts to the view.
    constexpr operator schedule_view() const noexcept { return view(); }  // NOLINT: a schedule is read through a view
};

/// The schedule of a spec as a constant. A spec that cannot be built stops the compilation with the rule that it
/// breaks.
template <schedule_spec auto Spec>
inline constexpr fixed_table<Spec> table_of{};

}  // namespace chimera
