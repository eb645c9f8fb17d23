// error: collision
// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/query.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

#include <array>

using namespace chimera;

constexpr int laid_over() {
    const schedule down = generate(one_f_one_b{.stages = 4, .micro_batches = 2});
#ifdef TWIN
    const std::array<schedule, 2> layers = {down, mirror(down)};
#else
    const std::array<schedule, 2> layers = {down, down};
#endif
    return makespan(overlay(layers));
}
static_assert(laid_over() == 10);
