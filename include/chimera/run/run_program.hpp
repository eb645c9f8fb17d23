// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/run/make_run_plan.hpp>
#include <chimera/run/walk_row.hpp>

#include <cstdint>
#include <type_traits>
#include <utility>

namespace chimera {

namespace detail {

/// A bit for each action of a constant program.
template <const auto& Program>
[[nodiscard]] consteval std::uint32_t needs_of() {
    std::uint32_t out = 0;
    for (const instruction& i : program_argument(Program).instructions) out |= bit(i.op);
    return out;
}

}  // namespace detail

/// Carries out worker `w` of a program once. Sets up a plan first: a trainer of many iterations keeps one instead.
template <class Hooks>
constexpr void run(program_argument lowered, int w, Hooks&& hooks) {
    const run_plan plan = make_run_plan(lowered, w);
    run(plan.view(), std::forward<Hooks>(hooks));
}

/// Carries out a row of a program that is a constant. A missing hook does not compile.
template <const auto& Program, class Hooks>
constexpr void run(run_argument row, Hooks&& hooks) {
    detail::assert_hooks<detail::needs_of<Program>(), std::remove_reference_t<Hooks>>();
    run(row, std::forward<Hooks>(hooks));
}

/// Carries out worker `w` of a program that is a constant. A missing hook does not compile.
template <const auto& Program, class Hooks>
constexpr void run(int w, Hooks&& hooks) {
    const run_plan plan = make_run_plan(Program, w);
    run<Program>(plan.view(), std::forward<Hooks>(hooks));
}

}  // namespace chimera
