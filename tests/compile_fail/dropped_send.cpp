// error: sends and receives do not match (law matched)
// error: broken<chimera::law::matched
// error: at::worker{1}
// error: at::instruction{
// error: at::stage{1}
// error: at::unit{0}
// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/verify.hpp>

#include <algorithm>
#include <array>

using namespace chimera;

constexpr program lowered() {
    return lower(generate(one_f_one_b{.stages = 2, .micro_batches = 1}), reduction_start::lazy);
}
constexpr std::size_t size() {
    const program p = lowered();
    return p.instructions.size();
}

/// A program in static storage; the first send of worker 0 becomes an update that comes too often.
struct held {
    shape head{};
    std::array<std::int32_t, 2> placement{0, 1};
    std::array<std::int32_t, 3> offsets{}, member_offsets{0, 1, 2};
    std::array<instruction, size()> instructions{};
    std::array<std::int32_t, 2> members{0, 1}, buffer_counts{1, 1};

    constexpr held() {
        const program p = lowered();
        head = p.head;
        std::copy(p.offsets.begin(), p.offsets.end(), offsets.begin());
        std::copy(p.instructions.begin(), p.instructions.end(), instructions.begin());
#ifndef TWIN
        for (instruction& x : instructions)
            if (x.op == action::send_activation) x = {.op = action::update_weights, .stage = 0};
#endif
    }
    constexpr operator program_view() const {
        return {head, placement, offsets, instructions, {}, member_offsets, members, buffer_counts, 2};
    }
};
constexpr held changed;
static_assert(&proven<changed> == &changed);
