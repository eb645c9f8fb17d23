// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/ledger.hpp>

namespace chimera {
namespace detail {

/// Enters one pass of one (stage, unit); false when there is one already.
constexpr bool enter(passes& p, pass op, std::int32_t at) {
    std::int32_t* const first = op == pass::forward          ? &p.forward
                                : op == pass::recompute      ? &p.recompute
                                : op == pass::weight_gradient ? &p.weight
                                                              : &p.gradient;
    std::int32_t* const second = op == pass::backward ? &p.weight : first;
    if (*first >= 0 || *second >= 0) return false;
    *first = at;
    *second = at;
    return true;
}

/// Enters every compute step into the ledger; complains about those that have no place there.
template <typename View>
constexpr ledger enter_all(const View& t, report& r) {
    const auto stages = static_cast<std::size_t>(t.head.stages), units = static_cast<std::size_t>(t.head.units());
    ledger l{std::vector<passes>(stages * units, passes{}), std::vector<std::int32_t>(units, -1)};
    passes* const at = l.at.data();
    std::int32_t* const pipeline = l.pipeline.data();
    const auto* const all = items(t).data();
    const std::int32_t* const offsets = t.offsets.data();
    const std::int32_t* const placement = t.placement.data();
    for (std::int32_t w = 0; w < t.head.workers; ++w)
        for (std::int32_t i = offsets[w]; i < offsets[w + 1]; ++i) {
            const auto complain = [&](complaint what, const entry& e, std::int32_t unit, std::int32_t other = -1) {
                r.add({.law = law::once, .what = what, .worker = w, .index = i - offsets[w], .stage = e.stage,
                       .unit = unit, .pipeline = e.pipeline, .other = other, .instruction = is_program(t)});
            };
            const entry e = entry_of(all[i]);
            if (!known(all[i])) { complain(complaint::unknown_pass, e, e.first); continue; }
            if (!computes(all[i])) continue;
            if (!in_range(t.head, e)) { complain(complaint::out_of_range, e, e.first); continue; }
            const std::int32_t home = placement[e.pipeline * t.head.stages + e.stage];
            if (home != w) { complain(complaint::wrong_worker, e, e.first, home); continue; }
            for (std::int32_t u = e.first; u < e.first + e.count; ++u) {
                if (pipeline[u] < 0) pipeline[u] = e.pipeline;
                if (pipeline[u] != e.pipeline)
                    complain(complaint::two_pipelines, e, u, pipeline[u]);
                else if (!enter(at[static_cast<std::size_t>(e.stage) * units + static_cast<std::size_t>(u)], e.op, i))
                    complain(complaint::duplicate, e, u);
            }
        }
    return l;
}

/// Complains about what the ledger lacks.
template <typename View>
constexpr void check_complete(const View& t, const ledger& l, report& r) {
    const passes* p = l.at.data();
    const std::int32_t* const pipeline = l.pipeline.data();
    for (std::int32_t s = 0; s < t.head.stages; ++s)
        for (std::int32_t u = 0; u < t.head.units(); ++u, ++p) {
            if (p->forward >= 0 && p->gradient >= 0 && p->weight >= 0) continue;
            const auto complain = [&](complaint what) {
                const std::int32_t on = pipeline[u];
                r.add({.law = law::once, .what = what, .worker = on < 0 ? -1 : t.worker_of(on, s), .stage = s,
                       .unit = u, .pipeline = on, .instruction = is_program(t)});
            };
            if (p->forward < 0) complain(complaint::no_forward);
            if (p->gradient < 0) complain(complaint::no_backward);
            if (p->gradient >= 0 && p->weight < 0) complain(complaint::no_weight_gradient);
        }
}

template <typename View>
constexpr ledger check_once(const View& t, report& r) {
    ledger l = enter_all(t, r);
    check_complete(t, l, r);
    return l;
}

}  // namespace detail

namespace laws {

/// Every (stage, unit) has exactly one forward and one backward (or one input gradient and one weight gradient) and at most
/// one recompute; all passes of a unit are on one pipeline, each on the worker that the placement names.
constexpr bool once(schedule_view s) {
    report r;
    return detail::sound(s, r) && (detail::check_once(s, r), r.ok());
}
constexpr bool once(program_view p) {
    report r;
    return detail::sound(p, r) && (detail::check_once(p, r), r.ok());
}

}  // namespace laws
}  // namespace chimera
