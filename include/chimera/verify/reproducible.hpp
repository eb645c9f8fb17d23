// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/message_laws.hpp>
#include <chimera/verify/reduction_rounds.hpp>

namespace chimera {
namespace detail {

/// The number of groups of one stage that a worker has closed: their sums were used. Holds for the worker last met.
struct closing {
    std::int32_t worker = -1, reduces = 0, updates = 0;

    constexpr void note(std::int32_t w, bool update) {
        if (worker != w) *this = {w, 0, 0};
        ++(update ? updates : reduces);
    }
    [[nodiscard]] constexpr bool closed(std::int32_t w, std::int32_t group) const noexcept {
        return worker == w && (reduces > group || updates > group);
    }
};

/// Contributions of one worker are added in the order of its row, then those of the workers in the order of the
/// members: a total order, provided that none comes after its sum was used and none comes twice.
constexpr void check_reproducible(const program_view& p, const update_groups& groups, report& r) {
    const auto stages = static_cast<std::size_t>(p.head.stages), units = static_cast<std::size_t>(p.head.units());
    std::vector<std::uint8_t> added(stages * units, 0);
    std::vector<closing> closings(stages, closing{});
    for (std::int32_t w = 0; w < p.head.workers; ++w)
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i) {
            const instruction& x = p.instructions[static_cast<std::size_t>(i)];
            if (x.stage >= p.head.stages) continue;
            if (x.op == action::reduce_gradient || x.op == action::update_weights)
                closings[x.stage].note(w, x.op == action::update_weights);
            if (!is_compute(x.op) || !ends_activation(static_cast<pass>(x.op))) continue;
            if (!covers(p.head, x.first, x.count)) continue;
            if (closings[x.stage].closed(w, groups[x.first]))
                r.add(program_fault(p, law::reproducible, complaint::after_reduce, w, i));
            for (std::int32_t k = 0; k < x.count; ++k) {
                std::uint8_t& seen = added[x.stage * units + static_cast<std::size_t>(x.first + k)];
                if (seen) {
                    fault f = program_fault(p, law::reproducible, complaint::contributes_twice, w, i);
                    f.unit = x.first + k;
                    r.add(f);
                }
                seen = 1;
            }
        }
    for (std::int32_t s = 0; s < reduced_of(p); ++s) {
        const auto group = p.replica_group(s);
        for (std::size_t k = 1; k < group.size(); ++k)
            if (group[k - 1] >= group[k])
                r.add({.law = law::reproducible,
                       .what = complaint::unordered_members,
                       .worker = group[k],
                       .stage = s,
                       .other = group[k - 1],
                       .instruction = true});
    }
}

}  // namespace detail

namespace laws {

/// The order in which a stage's gradients are added is fixed by the program: all contributions of a worker come before
/// it reduces or updates (with those of its group, where there are several updates), no unit contributes twice in the
/// whole replica group, and the members are in ascending order.
[[nodiscard]] constexpr bool reproducible(program_argument p) {
    report r;
    return detail::sound(p, r) && (detail::check_reproducible(p, detail::groups_of(p), r), r.ok());
}

}  // namespace laws
}  // namespace chimera
