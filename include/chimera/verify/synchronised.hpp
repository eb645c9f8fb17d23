// SPDX-License-Identifier: Apache-2.0
#pragma once

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

/// The replica groups that the placement implies: stage after stage, ascending.
struct holders {
    std::vector<std::int32_t> offsets;  ///< stages + 1
    std::vector<std::int32_t> workers;
    constexpr std::int32_t size(std::int32_t stage) const {
        return offsets[static_cast<std::size_t>(stage) + 1] - offsets[static_cast<std::size_t>(stage)];
    }
};

/// Distinct workers per stage. The workers of each stage come out ascending, since they are met worker by worker.
constexpr holders find_holders(const program_view& p) {
    const auto stages = static_cast<std::size_t>(p.head.stages), workers = static_cast<std::size_t>(p.head.workers);
    std::vector<std::int32_t> begin(workers + 1, 0), by_worker(p.placement.size(), 0);
    for (const std::int32_t w : p.placement) ++begin[static_cast<std::size_t>(w) + 1];
    for (std::size_t w = 0; w < workers; ++w) begin[w + 1] += begin[w];
    std::vector<std::int32_t> fill = begin, last(stages, -1);
    for (std::size_t k = 0; k < p.placement.size(); ++k)
        by_worker[static_cast<std::size_t>(fill[static_cast<std::size_t>(p.placement[k])]++)] =
            static_cast<std::int32_t>(k % stages);
    holders h{std::vector<std::int32_t>(stages + 1, 0), std::vector<std::int32_t>(p.placement.size(), -1)};
    const auto each = [&](auto visit) {
        for (std::size_t s = 0; s < stages; ++s) last[s] = -1;
        for (std::size_t w = 0; w < workers; ++w)
            for (std::int32_t k = begin[w]; k < begin[w + 1]; ++k) {
                const auto s = static_cast<std::size_t>(by_worker[static_cast<std::size_t>(k)]);
                if (last[s] == static_cast<std::int32_t>(w)) continue;
                last[s] = static_cast<std::int32_t>(w);
                visit(s, static_cast<std::int32_t>(w));
            }
    };
    each([&](std::size_t s, std::int32_t) { ++h.offsets[s + 1]; });
    for (std::size_t s = 0; s < stages; ++s) h.offsets[s + 1] += h.offsets[s];
    fill = h.offsets;
    each([&](std::size_t s, std::int32_t w) { h.workers[static_cast<std::size_t>(fill[s]++)] = w; });
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
constexpr void note(const program_view& p, const holders& h, std::int32_t w, std::int32_t i, sync_points* at, report& r) {
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
    std::int32_t& point = x.op == action::reduce_gradient ? of.reduce : x.op == action::wait_gradient ? of.wait : of.update;
    if (x.op != action::update_weights && h.size(x.stage) < 2) complain(complaint::needless_reduce);
    if (point >= 0) complain(complaint::duplicate);
    else point = i;
}

/// The points of one (worker, stage) exist and stand in order: contributions, reduce, wait, update.
constexpr void check_points(const program_view& p, std::int32_t w, std::int32_t stage, const sync_points& at, bool shared,
                            report& r) {
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

/// Two stages that two workers both reduce are started in the same order on both. Cost: the square of the stages per worker.
class collective_order {
public:
    explicit constexpr collective_order(const program_view& program)
        : p(program), first(static_cast<std::size_t>(p.head.stages) * static_cast<std::size_t>(p.head.stages), -1) {}

    constexpr void add_row(std::int32_t w, report& r) {
        started.clear();
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1]; ++i) {
            const instruction& x = p.instructions[static_cast<std::size_t>(i)];
            if (x.op != action::reduce_gradient || x.stage >= p.head.stages) continue;
            for (const std::int32_t before : started) {
                if (before == x.stage) continue;
                const std::int32_t rival = first[cell(x.stage, before)];
                if (first[cell(before, x.stage)] < 0) first[cell(before, x.stage)] = w;
                if (rival < 0 || rival == w) continue;
                fault f = program_fault(p, law::synchronised, complaint::collective_order, w, i);
                f.peer = rival;
                f.other = before;
                r.add(f);
            }
            started.push_back(x.stage);
        }
    }

private:
    constexpr std::size_t cell(std::int32_t before, std::int32_t after) const {
        return static_cast<std::size_t>(before) * static_cast<std::size_t>(p.head.stages) + static_cast<std::size_t>(after);
    }
    const program_view& p;
    std::vector<std::int32_t> first;  ///< stages × stages: the first worker that started one before the other
    std::vector<std::int32_t> started;
};

constexpr void check_synchronised(const program_view& p, report& r) {
    const holders h = find_holders(p);
    check_members(p, h, r);
    std::vector<sync_points> at(static_cast<std::size_t>(p.head.stages), sync_points{});
    std::vector<char> holds(at.size() * static_cast<std::size_t>(p.head.workers), 0);
    for (std::size_t k = 0; k < p.placement.size(); ++k)
        holds[static_cast<std::size_t>(p.placement[k]) * at.size() + k % at.size()] = 1;
    collective_order order(p);
    for (std::int32_t w = 0; w < p.head.workers; ++w) {
        for (std::size_t s = 0; s < at.size(); ++s) {
            at[s] = {};
            at[s].holds = holds[static_cast<std::size_t>(w) * at.size() + s] != 0;
        }
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1]; ++i)
            note(p, h, w, i, at.data(), r);
        for (std::int32_t s = 0; s < p.head.stages; ++s)
            if (at[static_cast<std::size_t>(s)].holds)
                check_points(p, w, s, at[static_cast<std::size_t>(s)], h.size(s) > 1, r);
        order.add_row(w, r);
    }
}

}  // namespace detail

namespace laws {

/// Each worker that holds a stage with replicas starts its reduction once, after its last contribution, waits for it once and
/// only then updates; a stage without replicas is only updated. Members are the stage's workers; any two workers start
/// the reductions they share in the same order.
constexpr bool synchronised(program_view p) {
    report r;
    return detail::sound(p, r) && (detail::check_synchronised(p, r), r.ok());
}

}  // namespace laws
}  // namespace chimera
