// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/collective_order.hpp>
#include <chimera/verify/messages.hpp>

namespace chimera {
namespace detail {

/// What one worker's row says about one stage: indices over the whole program, -1 for none.
struct sync_points {
    std::int32_t reduce = -1;
    std::int32_t wait = -1;
    std::int32_t update = -1;
    std::int32_t last_contribution = -1;
    bool holds = false;
};

/// Who holds what, as the placement says.
struct holders {
    std::vector<std::int32_t> begin;    ///< workers + 1, into `stages`
    std::vector<std::int32_t> stages;   ///< worker after worker; a stage that it holds on two pipelines comes twice
    std::vector<std::int32_t> offsets;  ///< stages + 1, into `workers`
    std::vector<std::int32_t> workers;  ///< the replica groups, ascending
    constexpr std::int32_t size(std::int32_t stage) const {
        return offsets[static_cast<std::size_t>(stage) + 1] - offsets[static_cast<std::size_t>(stage)];
    }
};

/// Calls visit(stage, worker) once for each stage that a worker holds, worker by worker.
template <typename Visit>
constexpr void each_holder(const holders& h, std::vector<std::int32_t>& last, Visit visit) {
    for (std::int32_t& w : last) w = -1;
    for (std::size_t w = 0; w + 1 < h.begin.size(); ++w)
        for (std::int32_t k = h.begin[w]; k < h.begin[w + 1]; ++k) {
            const auto s = static_cast<std::size_t>(h.stages[static_cast<std::size_t>(k)]);
            if (last[s] == static_cast<std::int32_t>(w)) continue;
            last[s] = static_cast<std::int32_t>(w);
            visit(s, static_cast<std::int32_t>(w));
        }
}

/// Two counting sorts of the placement: by worker, then by stage.
constexpr holders find_holders(const program_view& p) {
    const auto stages = static_cast<std::size_t>(p.head.stages), workers = static_cast<std::size_t>(p.head.workers);
    const std::size_t places = p.placement.size();
    holders h{std::vector<std::int32_t>(workers + 1, 0), std::vector<std::int32_t>(places, 0),
              std::vector<std::int32_t>(stages + 1, 0), std::vector<std::int32_t>(places, -1)};
    for (const std::int32_t w : p.placement) ++h.begin[static_cast<std::size_t>(w) + 1];
    for (std::size_t w = 0; w < workers; ++w) h.begin[w + 1] += h.begin[w];
    std::vector<std::int32_t> fill = h.begin, last(stages, -1);
    for (std::size_t k = 0; k < places; ++k)
        h.stages[static_cast<std::size_t>(fill[static_cast<std::size_t>(p.placement[k])]++)] =
            static_cast<std::int32_t>(k % stages);
    each_holder(h, last, [&](std::size_t s, std::int32_t) { ++h.offsets[s + 1]; });
    for (std::size_t s = 0; s < stages; ++s) h.offsets[s + 1] += h.offsets[s];
    fill = h.offsets;
    each_holder(h, last, [&](std::size_t s, std::int32_t w) { h.workers[static_cast<std::size_t>(fill[s]++)] = w; });
    return h;
}

/// The members that the program lists are the workers that hold the stage.
constexpr void check_members(const program_view& p, const holders& h, report& r) {
    for (std::int32_t s = 0; s < p.head.stages; ++s) {
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
    if (x.stage >= p.head.stages || !at[x.stage].holds) {
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

constexpr void check_synchronised(const program_view& p, report& r) {
    const holders h = find_holders(p);
    check_members(p, h, r);
    std::vector<sync_points> at(static_cast<std::size_t>(p.head.stages), sync_points{});
    const auto held = [&](std::int32_t w, auto visit) {
        for (std::int32_t k = h.begin[static_cast<std::size_t>(w)]; k < h.begin[static_cast<std::size_t>(w) + 1]; ++k)
            visit(h.stages[static_cast<std::size_t>(k)]);
    };
    for (std::int32_t w = 0; w < p.head.workers; ++w) {
        held(w, [&](std::int32_t s) { at[static_cast<std::size_t>(s)].holds = true; });
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i)
            note(p, h, w, i, at.data(), r);
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

/// Each worker that holds a stage with replicas starts its reduction once, after its last contribution, waits for it
/// once and only then updates; a stage without replicas is only updated. Members are the stage's workers; all workers
/// start the reductions they share in one order.
constexpr bool synchronised(program_view p) {
    report r;
    return detail::sound(p, r) && (detail::check_synchronised(p, r), r.ok());
}

}  // namespace laws
}  // namespace chimera
