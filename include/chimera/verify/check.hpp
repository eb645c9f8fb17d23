// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/verify/bounded.hpp>
#include <chimera/verify/exclusive.hpp>
#include <chimera/verify/housed.hpp>
#include <chimera/verify/matched.hpp>
#include <chimera/verify/once.hpp>
#include <chimera/verify/ordered.hpp>
#include <chimera/verify/reproducible.hpp>
#include <chimera/verify/synchronised.hpp>

namespace chimera {

/// Holds a schedule to the laws once, ordered, exclusive and bounded. Linear in its slots. Rows may hold anything:
/// numbers out of range are faults; sizes, placement or offsets that do not fit each other are the only fault
/// reported.
[[nodiscard]] constexpr report verify(schedule_argument s, limits allowed = {}) {
    report r;
    r.most = allowed.faults;
    if (!detail::sound(s, r)) return r;
    const detail::ledger l = detail::check_once(s, r);
    detail::check_ordered(s, l, r);
    detail::check_exclusive(s, r);
    detail::check_bounded(s, allowed.activations, r);
    return r;
}

/// Holds the schedule of a spec to its laws. Throws `chimera_error` as `generate` does.
template <schedule_spec Spec>
[[nodiscard]] constexpr report verify(const Spec& spec, limits allowed = {}) {
    return verify(generate(spec), allowed);
}

/// Holds a program to all eight laws. Linear in its instructions.
[[nodiscard]] constexpr report verify(program_argument p, limits allowed = {}) {
    report r;
    r.most = allowed.faults;
    if (!detail::sound(p, r)) return r;
    const detail::ledger l = detail::check_once(p, r);
    const detail::update_groups groups = detail::find_update_groups(p.head, l.pipeline);
    const bool marked = detail::marked(p);
    detail::check_ordered(p, l, r);
    if (marked) detail::check_exclusive(p, r);
    detail::check_bounded(p, allowed.activations, r);
    detail::check_matched(p, l, r);
    detail::check_synchronised(p, groups, r);
    detail::check_housed(p, groups, marked, r);
    detail::check_reproducible(p, groups, r);
    return r;
}

}  // namespace chimera
