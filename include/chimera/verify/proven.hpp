// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/check.hpp>

#include <cstdint>
#include <optional>

namespace chimera {

/// Numbers that say in a compiler's message what they count.
namespace at {
/// A worker's number.
struct worker {
    int number;  ///< 0 … workers - 1
};
/// A slot's number in its worker's row.
struct slot {
    int number;  ///< from 0
};
/// An instruction's number in its worker's row.
struct instruction {
    int number;  ///< from 0
};
/// A stage's number.
struct stage {
    int number;  ///< 0 … stages - 1
};
/// A unit's number.
struct unit {
    int number;  ///< 0 … units - 1
};
}  // namespace at

/// A type that never compiles: naming one stops the compilation, and the message carries law and place. -1: a number
/// that does not apply.
template <law Law, at::worker Worker, auto Index, at::stage Stage, at::unit Unit>
struct broken {
    static_assert(Law != law::once, "a pass is missing, doubled or misplaced (law once) see the numbers of `broken`");
    static_assert(Law != law::ordered,
                  "a slot starts before what it depends on (law ordered) see the numbers of `broken`");
    static_assert(Law != law::exclusive, "two slots of a worker overlap (law exclusive) see the numbers of `broken`");
    static_assert(Law != law::bounded, "too many live activations (law bounded) see the numbers of `broken`");
    static_assert(Law != law::matched, "sends and receives do not match (law matched) see the numbers of `broken`");
    static_assert(Law != law::synchronised,
                  "a gradient is not synchronised (law synchronised) see the numbers of `broken`");
    static_assert(Law != law::housed, "two activations share a buffer (law housed) see the numbers of `broken`");
    static_assert(Law != law::reproducible,
                  "gradients add up in no fixed order (law reproducible) see the numbers of `broken`");
};

namespace detail {

struct first_fault {
    bool any = false;
    fault what;
};

/// Returns a number as `broken` shows it: -1 if it does not apply.
[[nodiscard]] consteval int number_of(std::optional<std::int32_t> number) noexcept { return number.value_or(-1); }

template <typename Table>
[[nodiscard]] consteval first_fault find_first_fault(const Table& table, limits allowed) {
    const report found = verify(table, allowed);
    return found.ok() ? first_fault{} : first_fault{true, found.faults.front()};
}

}  // namespace detail

/// Holds a table in static storage to its laws at compile time. A broken one stops the compilation with
/// `broken<law::ordered, at::worker{1}, at::slot{7}, at::stage{3}, at::unit{2}>`.
template <const auto& Table, limits Allowed = limits{}>
[[nodiscard]] consteval bool prove() {
    constexpr detail::first_fault found = detail::find_first_fault(Table, Allowed);
    if constexpr (found.any && found.what.instruction)
        return sizeof(broken<found.what.law, at::worker{detail::number_of(found.what.worker)},
                             at::instruction{detail::number_of(found.what.index)},
                             at::stage{detail::number_of(found.what.stage)},
                             at::unit{detail::number_of(found.what.unit)}>) == 0;
    else if constexpr (found.any)
        return sizeof(
                   broken<found.what.law, at::worker{detail::number_of(found.what.worker)},
                          at::slot{detail::number_of(found.what.index)}, at::stage{detail::number_of(found.what.stage)},
                          at::unit{detail::number_of(found.what.unit)}>) == 0;
    else
        return true;
}

/// The table itself, proven: `constexpr auto& table = proven<table_of<spec>>;`
template <const auto& Table, limits Allowed = limits{}>
requires(prove<Table, Allowed>()) inline constexpr const auto& proven = Table;

}  // namespace chimera
