// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/ledger.hpp>

namespace chimera {
namespace detail {

/// Enters one pass of one (stage, unit); false when there is one already.
constexpr bool enter(passes& p, pass op, std::int32_t at) {
    switch (op) {
        case pass::forward:
            return p.forward < 0 && (p.forward = at, true);
        case pass::backward:
            return p.gradient < 0 && p.weight < 0 && (p.gradient = p.weight = at, true);
        case pass::input_gradient:
            return p.gradient < 0 && (p.gradient = at, true);
        case pass::weight_gradient:
            return p.weight < 0 && (p.weight = at, true);
        case pass::recompute:
            return p.recompute < 0 && (p.recompute = at, true);
    }
    return false;
}

template <typename View>
constexpr void complain_once(const View& t, complaint what, std::int32_t w, std::int32_t i, std::int32_t unit,
                             std::int32_t other, report& r) {
    const auto& x = items(t)[static_cast<std::size_t>(i)];
    r.add({.law = law::once,
           .what = what,
           .worker = w,
           .index = i - t.offsets[static_cast<std::size_t>(w)],
           .stage = x.stage,
           .unit = unit,
           .pipeline = x.pipeline,
           .other = other,
           .instruction = is_program(t)});
}

/// Returns true for a compute step that is in range and on the worker of its placement; complains otherwise.
template <typename View>
constexpr bool well_placed(const View& t, std::int32_t w, std::int32_t i, report& r) {
    const auto& x = items(t)[static_cast<std::size_t>(i)];
    const auto complain = [&](complaint what, std::int32_t other) { complain_once(t, what, w, i, x.first, other, r); };
    if (!known(x)) return complain(complaint::unknown_pass, -1), false;
    if (!computes(x)) return false;
    if (!in_range(t.head, entry_of(x))) return complain(complaint::out_of_range, -1), false;
    const std::int32_t home = t.worker_of(x.pipeline, x.stage);
    return home == w || (complain(complaint::wrong_worker, home), false);
}

/// Enters every compute step into the ledger; complains about those that have no place there.
template <typename View>
constexpr ledger enter_all(const View& t, report& r) {
    const std::int64_t stages = t.head.stages, units = t.head.units();
    ledger l{std::vector<passes>(static_cast<std::size_t>(stages * units), passes{}),
             std::vector<std::int32_t>(static_cast<std::size_t>(units), -1)};
    passes* const at = l.at.data();
    std::int32_t* const pipeline = l.pipeline.data();
    const auto* const all = items(t).data();
    const std::int32_t* const offsets = t.offsets.data();
    const std::int32_t* const placement = t.placement.data();
    for (std::int32_t w = 0; w < t.head.workers; ++w)
        for (std::int32_t i = offsets[w], end = offsets[w + 1]; i < end; ++i) {
            const auto& x = all[i];
            const std::int64_t first = x.first, last = first + x.count;
            // Cheap and right first: in constant evaluation every expression counts.
            const bool fine = computes(x) && x.stage < stages && first >= 0 && first < last && last <= units &&
                              x.pipeline < t.head.pipelines && placement[x.pipeline * stages + x.stage] == w &&
                              known(x);
            if (!fine && !well_placed(t, w, i, r)) continue;
            for (std::int64_t u = first; u < last; ++u) {
                if (pipeline[u] < 0) pipeline[u] = x.pipeline;
                if (pipeline[u] != x.pipeline)
                    complain_once(t, complaint::two_pipelines, w, i, static_cast<std::int32_t>(u), pipeline[u], r);
                else if (!enter(at[x.stage * units + u], static_cast<pass>(x.op), i))
                    complain_once(t, complaint::duplicate, w, i, static_cast<std::int32_t>(u), -1, r);
            }
        }
    return l;
}

/// Complains about what the ledger lacks.
template <typename View>
constexpr void check_complete(const View& t, const ledger& l, report& r) {
    const passes* p = l.at.data();
    const std::int32_t* const pipeline = l.pipeline.data();
    const std::int32_t stages = t.head.stages, units = t.head.units();
    for (std::int32_t s = 0; s < stages; ++s)
        for (std::int32_t u = 0; u < units; ++u, ++p) {
            if (p->forward >= 0 && p->gradient >= 0 && p->weight >= 0) continue;
            const auto complain = [&](complaint what) {
                const std::int32_t on = pipeline[u];
                r.add({.law = law::once,
                       .what = what,
                       .worker = on < 0 ? -1 : t.worker_of(on, s),
                       .stage = s,
                       .unit = u,
                       .pipeline = on,
                       .instruction = is_program(t)});
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

/// Every (stage, unit) has exactly one forward and one backward (or one input gradient and one weight gradient) and at
/// most one recompute; all passes of a unit are on one pipeline, each on the worker that the placement names.
[[nodiscard]] constexpr bool once(schedule_argument s) {
    report r;
    return detail::sound(s, r) && (detail::check_once(s, r), r.ok());
}
[[nodiscard]] constexpr bool once(program_argument p) {
    report r;
    return detail::sound(p, r) && (detail::check_once(p, r), r.ok());
}

}  // namespace laws
}  // namespace chimera
