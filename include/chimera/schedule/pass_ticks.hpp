// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/refusal.hpp>
#include <chimera/core/slot_table.hpp>

#include <cstdint>

namespace chimera {

/// The times for which an order is made, in ticks of its grid.
struct pass_ticks {
    int forward = 1;          ///< of a forward
    int input_gradient = 1;   ///< of an input gradient
    int weight_gradient = 1;  ///< of a weight gradient
    int hop = 0;              ///< from a worker to the next one

    /// Returns whether all passes take as long and no hop takes time.
    [[nodiscard]] constexpr bool alike() const noexcept {
        return forward == input_gradient && forward == weight_gradient && hop == 0;
    }
    friend constexpr bool operator==(const pass_ticks&, const pass_ticks&) = default;
};

namespace detail {

inline constexpr int most_ticks = 10000;  // of a pass: slots keep their ticks in 16 bits, and a full backward is a sum

/// The ticks that the options of a family ask for: 0 is one tick for a pass, none for a hop.
template <class Spec>
[[nodiscard]] constexpr pass_ticks ticks_of(const Spec& spec) noexcept {
    const auto given = [](int ticks) { return ticks == 0 ? 1 : ticks; };
    return {given(spec.forward_ticks), given(spec.input_ticks), given(spec.weight_ticks), spec.hop_ticks};
}

/// Checks the ticks of a spec over sizes that fit: the longest order, slot after slot, must stay far from overflow.
template <class Spec>
[[nodiscard]] constexpr refusal refuse_ticks(const Spec& spec) noexcept {
    const pass_ticks t = ticks_of(spec);
    for (const int one : {t.forward, t.input_gradient, t.weight_gradient, t.hop})
        if (one < 0 || one > most_ticks) return refusal::ticks_out_of_range;
    const std::int64_t each = std::int64_t{t.forward} + t.input_gradient + t.weight_gradient + 2 * std::int64_t{t.hop};
    const std::int64_t units = std::int64_t{spec.stages} * spec.micro_batches;
    return units > (std::int64_t{1} << 30) / each ? refusal::ticks_too_many : refusal::none;
}

/// Gives every slot of an order the ticks of its pass.
constexpr void change_ticks(schedule& order, const pass_ticks& ticks) noexcept {
    for (slot& s : order.entries)
        s.ticks =
            static_cast<std::uint16_t>(s.op == pass::forward           ? ticks.forward
                                       : s.op == pass::input_gradient  ? ticks.input_gradient
                                       : s.op == pass::weight_gradient ? ticks.weight_gradient
                                                                       : ticks.input_gradient + ticks.weight_gradient);
}

/// Does so where slots have one tick each before; the last one is a backward, or a weight gradient if all are split.
constexpr void set_ticks(schedule& order, const pass_ticks& ticks) noexcept {
    const bool alike = ticks.forward == 1 && ticks.input_gradient == 1 && ticks.weight_gradient == 1;
    if (!alike || order.entries.back().op != pass::weight_gradient) change_ticks(order, ticks);
}

}  // namespace detail
}  // namespace chimera
