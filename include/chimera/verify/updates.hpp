// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/update_group.hpp>
#include <chimera/verify/holders.hpp>
#include <chimera/verify/message_laws.hpp>

namespace chimera::detail {

/// Law synchronised where weights change within the iteration. On each worker that holds a stage, group after group:
/// all its gradients, reduction, wait (both only with replicas), update.
class update_order {
public:
    constexpr update_order(const program_view& program, const holders& held_by, const update_groups& of, report& found)
        : p(program), h(held_by), groups(of), r(found), points(static_cast<std::size_t>(program.head.stages), counts{}),
          last(points.size() * static_cast<std::size_t>(of.count), -1) {}

    constexpr void run() {
        for (std::int32_t w = 0; w < p.head.workers; ++w) {
            const std::int32_t begin = p.offsets[at(w)], end = p.offsets[at(w) + 1];
            for (std::int32_t k = h.begin[at(w)]; k < h.begin[at(w) + 1]; ++k) points[at(h.stages[at(k)])].holds = true;
            for (std::int32_t i = begin; i < end; ++i) note_last(i, i);
            for (std::int32_t i = begin; i < end; ++i) look_at(w, i);
            for (std::int32_t i = begin; i < end; ++i) note_last(i, -1);
            for (std::int32_t k = h.begin[at(w)]; k < h.begin[at(w) + 1]; ++k) finish(w, h.stages[at(k)]);
        }
    }

private:
    struct counts {
        std::int32_t reduces = 0, waits = 0, updates = 0;
        bool holds = false;
    };
    [[nodiscard]] static constexpr std::size_t at(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }

    [[nodiscard]] constexpr bool contributes(const instruction& x) const noexcept {
        return is_compute(x.op) && ends_activation(static_cast<pass>(x.op)) && x.stage < p.head.stages &&
               covers(p.head, x.first, x.count);
    }
    constexpr std::int32_t& last_of(std::int32_t stage, std::int32_t group) {
        return last[at(stage) * at(groups.count) + at(group)];
    }
    constexpr void note_last(std::int32_t i, std::int32_t value) {
        const instruction& x = p.instructions[at(i)];
        if (!contributes(x)) return;
        for (std::int32_t u = x.first; u < x.first + x.count; ++u) last_of(x.stage, groups[u]) = value;
    }

    constexpr void complain(complaint what, std::int32_t w, std::int32_t i, std::int32_t other) {
        fault f = program_fault(p, law::synchronised, what, w, i);
        f.other = other;
        r.add(f);
    }

    constexpr void look_at(std::int32_t w, std::int32_t i) {
        const instruction& x = p.instructions[at(i)];
        if (contributes(x)) return add(w, i);
        if (x.op < action::reduce_gradient || x.op > action::update_weights) return;
        if (x.stage >= p.head.stages || !points[x.stage].holds) return complain(complaint::not_held, w, i, -1);
        const bool shared = h.size(x.stage) > 1;
        if (x.op != action::update_weights && !shared) complain(complaint::needless_reduce, w, i, -1);
        counts& c = points[x.stage];
        const auto before_last = [&](std::int32_t group, complaint what) {
            if (last_of(x.stage, group) > i) complain(what, w, i, last_of(x.stage, group) - p.offsets[at(w)]);
        };
        if (x.op == action::reduce_gradient) {
            if (c.reduces > c.updates || c.reduces == groups.count) return complain(complaint::duplicate, w, i, -1);
            before_last(c.reduces++, complaint::early_reduce);
        } else if (x.op == action::wait_gradient) {
            if (c.waits >= c.reduces) return complain(shared ? complaint::early_wait : complaint::duplicate, w, i, -1);
            ++c.waits;
        } else {
            if (c.updates == groups.count) return complain(complaint::duplicate, w, i, -1);
            if (shared && c.waits <= c.updates) complain(complaint::early_update, w, i, -1);
            before_last(c.updates++, complaint::late_contribution);
        }
    }

    constexpr void add(std::int32_t w, std::int32_t i) {
        const instruction& x = p.instructions[at(i)];
        if (!points[x.stage].holds) return;
        for (std::int32_t u = x.first; u < x.first + x.count; ++u)
            if (groups[u] > points[x.stage].updates)
                return complain(complaint::mixed_groups, w, i, points[x.stage].updates);
    }

    constexpr void finish(std::int32_t w, std::int32_t stage) {
        counts& c = points[at(stage)];
        const auto lacks = [&](complaint what, std::int32_t made) {
            if (made < groups.count)
                r.add({.law = law::synchronised, .what = what, .worker = w, .stage = stage, .instruction = true});
        };
        if (c.holds && h.size(stage) > 1) {
            lacks(complaint::no_reduce, c.reduces);
            lacks(complaint::no_wait, c.waits);
        }
        if (c.holds) lacks(complaint::no_update, c.updates);
        c = {};
    }

    const program_view& p;
    const holders& h;
    const update_groups& groups;
    report& r;
    std::vector<counts> points;      // per stage, of the worker at hand
    std::vector<std::int32_t> last;  // (stage, group): the last gradient of the worker at hand, over the whole program
};

constexpr void check_updates(const program_view& p, const holders& h, const update_groups& groups, report& r) {
    update_order(p, h, groups, r).run();
}

}  // namespace chimera::detail
