// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/collective_order.hpp>
#include <chimera/verify/holders.hpp>
#include <chimera/verify/message_laws.hpp>
#include <chimera/verify/updates.hpp>

namespace chimera {
namespace detail {

/// The synchronisation of one stage in one worker's row: indices over the whole program, -1 for none.
struct sync_points {
    std::int32_t reduce = -1;
    std::int32_t wait = -1;
    std::int32_t update = -1;
    std::int32_t last_contribution = -1;
    bool holds = false;
};

/// The members that the program lists are the workers that hold the stage.
constexpr void check_members(const program_view& p, const holders& h, report& r) {
    for (std::int32_t s = 0; s < reduced_of(p); ++s) {
        const auto listed = p.replica_group(s);
        bool same = static_cast<std::int32_t>(listed.size()) == h.size(s);
        for (std::size_t k = 0; same && k < listed.size(); ++k)
            same = listed[k] == h.workers[static_cast<std::size_t>(h.offsets[static_cast<std::size_t>(s)]) + k];
        if (!same) r.add({.law = law::synchronised, .what = complaint::bad_members, .stage = s, .instruction = true});
    }
}

/// Enters one instruction of worker w; complains about what must not be there.
constexpr void note(const program_view& p, const holders& h, std::int32_t w, std::int32_t i, sync_points* at,
                    report& r) {
    const instruction& x = p.instructions[static_cast<std::size_t>(i)];
    const bool contributes = is_compute(x.op) && ends_activation(static_cast<pass>(x.op));
    if (!contributes && (is_transfer(x.op) || x.op < action::reduce_gradient || x.op > action::update_weights)) return;
    const auto complain = [&](complaint what) { r.add(program_fault(p, law::synchronised, what, w, i)); };
    const bool tied = x.stage >= p.head.stages;
    if (x.stage >= reduced_of(p) || !at[x.stage].holds || (tied && x.op == action::update_weights)) {
        if (!contributes) complain(complaint::not_held);
        return;
    }
    sync_points& of = at[x.stage];
    if (contributes) {
        of.last_contribution = i;
        return;
    }
    std::int32_t& point = x.op == action::reduce_gradient ? of.reduce
                          : x.op == action::wait_gradient ? of.wait
                                                          : of.update;
    if (x.op != action::update_weights && h.size(x.stage) < 2) complain(complaint::needless_reduce);
    if (point >= 0)
        complain(complaint::duplicate);
    else
        point = i;
}

/// The points of one (worker, stage) exist and stand in order: contributions, reduce, wait, update.
constexpr void check_points(const program_view& p, std::int32_t w, std::int32_t stage, const sync_points& at,
                            bool shared, report& r) {
    const auto lacks = [&](complaint what) {
        r.add({.law = law::synchronised, .what = what, .worker = w, .stage = stage, .instruction = true});
    };
    const auto early = [&](complaint what, std::int32_t i, std::int32_t after) {
        if (i < 0 || after < 0 || i > after) return;
        fault f = program_fault(p, law::synchronised, what, w, i);
        f.other = after - p.offsets[static_cast<std::size_t>(w)];
        r.add(f);
    };
    if (shared && at.reduce < 0) lacks(complaint::no_reduce);
    if (shared && at.wait < 0) lacks(complaint::no_wait);
    if (at.update < 0) lacks(complaint::no_update);
    early(complaint::early_reduce, at.reduce, at.last_contribution);
    early(complaint::early_wait, at.wait, at.reduce);
    early(complaint::early_update, at.update, at.wait);
    early(complaint::late_contribution, at.update, at.last_contribution);
}

/// The points of the k-th tied link on worker w: its reduction comes after the last gradient of either stage, and
/// either stage is updated after the wait.
constexpr void check_tied(const program_view& p, std::int32_t w, std::int32_t k, const stage_link& link,
                          sync_points* at, const holders& h, report& r) {
    sync_points& own = at[p.head.stages + k];
    const bool shared = h.size(p.head.stages + k) > 1;
    for (const std::int32_t stage : {link.from, link.to}) {
        if (!own.holds || !shared || !at[stage].holds || at[stage].update < 0) continue;
        sync_points both = own;
        both.last_contribution = at[stage].last_contribution;
        both.update = at[stage].update;
        check_points(p, w, p.head.stages + k, both, true, r);
    }
    own = {};
}

constexpr void check_synchronised(const program_view& p, const update_groups& groups, report& r) {
    const holders h = find_holders(p);
    check_members(p, h, r);
    if (p.head.update != update_rule::flushed) {
        check_updates(p, h, groups, r);
        return check_collective_order(p, r);
    }
    const std::vector<stage_link> tied = tied_links(p.links);
    std::vector<sync_points> at(static_cast<std::size_t>(reduced_of(p)), sync_points{});
    const auto held = [&](std::int32_t w, auto visit) {
        for (std::int32_t k = h.begin[static_cast<std::size_t>(w)]; k < h.begin[static_cast<std::size_t>(w) + 1]; ++k)
            visit(h.stages[static_cast<std::size_t>(k)]);
    };
    for (std::int32_t w = 0; w < p.head.workers; ++w) {
        held(w, [&](std::int32_t s) { at[static_cast<std::size_t>(s)].holds = true; });
        for (std::size_t k = 0; k < tied.size(); ++k)
            at[static_cast<std::size_t>(p.head.stages) + k].holds = at[tied[k].from].holds || at[tied[k].to].holds;
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i)
            note(p, h, w, i, at.data(), r);
        for (std::size_t k = 0; k < tied.size(); ++k)
            check_tied(p, w, static_cast<std::int32_t>(k), tied[k], at.data(), h, r);
        held(w, [&](std::int32_t s) {
            sync_points& points = at[static_cast<std::size_t>(s)];
            if (points.holds) check_points(p, w, s, points, h.size(s) > 1, r);
            points = {};
        });
    }
    check_collective_order(p, r);
}

}  // namespace detail

namespace laws {

/// Returns true if each worker that holds a stage with replicas starts its reduction once, after its last contribution,
/// waits for it once and only then updates; a stage without replicas is only updated. If weights change within the
/// iteration, this holds for each group of micro-batches, one group after the other. Members are the stage's workers;
/// all workers start the reductions they share in one order.
[[nodiscard]] constexpr bool synchronised(program_argument p) {
    report r;
    return detail::sound(p, r) && (detail::check_synchronised(p, detail::groups_of(p), r), r.ok());
}

}  // namespace laws
}  // namespace chimera
