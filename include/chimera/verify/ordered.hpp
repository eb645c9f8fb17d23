// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/once.hpp>

namespace chimera {
namespace detail {

/// "a comes after b" in a schedule: a starts when b has ended, or later. 64 bits: ticks of a file may be anything.
struct by_tick {
    const slot* all;
    [[nodiscard]] constexpr bool operator()(std::int32_t a, std::int32_t b) const noexcept {
        return std::int64_t{all[a].tick} >= std::int64_t{all[b].tick} + all[b].ticks;
    }
};

/// "a comes after b" in a program, for two instructions of one worker.
struct by_index {
    [[nodiscard]] constexpr bool operator()(std::int32_t a, std::int32_t b) const noexcept { return a > b; }
};

/// The order inside one (stage, unit): forward, recompute, backward or input gradient, weight gradient.
template <typename View, typename After>
constexpr void check_order_within(const View& t, const passes& p, After after, std::int32_t unit, report& r) {
    const auto check = [&](std::int32_t a, std::int32_t b, complaint what) {
        if (a < 0 || b < 0 || a == b || after(a, b)) return;
        fault f = fault_at(t, law::ordered, what, a);
        f.unit = unit;
        r.add(f);
    };
    check(p.gradient, p.forward, complaint::before_forward);
    check(p.weight, p.gradient, complaint::weight_early);
    if (p.recompute < 0) return;
    check(p.recompute, p.forward, complaint::recompute_early);
    check(p.gradient, p.recompute, complaint::before_recompute);
}

/// The order of one unit between a stage and the next. `a`, `b`: the producer's and the consumer's index.
template <typename View>
constexpr void complain_between(const View& t, complaint what, std::int32_t consumer, std::int32_t producer,
                                std::int32_t unit, report& r) {
    const fault from = fault_at(t, law::ordered, what, producer);
    fault f = fault_at(t, law::ordered, what, consumer);
    f.unit = unit;
    f.peer = from.worker;
    f.other = from.index;
    r.add(f);
}

/// Returns whether a stage's forward and full backward are in order with those of the stage after. 64 bits: see
/// by_tick.
[[nodiscard]] constexpr bool plain_and_in_order(const slot* all, const passes& here, const passes& next) noexcept {
    if (here.forward < 0 || here.gradient < 0 || next.forward < 0 || next.gradient < 0) return false;
    if (here.weight != here.gradient || here.recompute >= 0) return false;
    const slot &f = all[here.forward], &b = all[here.gradient], &g = all[next.gradient];
    const std::int64_t made = std::int64_t{f.tick} + f.ticks;
    return all[next.forward].tick >= made && b.tick >= made && b.tick >= std::int64_t{g.tick} + g.ticks;
}

constexpr void check_ordered(const schedule_view& s, const ledger& l, report& r) {
    const by_tick after{s.entries.data()};
    const std::int32_t units = s.head.units(), last = s.head.stages - 1;
    const passes* p = l.at.data();
    for (std::int32_t stage = 0; stage <= last; ++stage)
        for (std::int32_t u = 0; u < units; ++u, ++p) {
            if (stage < last && plain_and_in_order(after.all, *p, p[units])) continue;
            check_order_within(s, *p, after, u, r);
            if (stage == last) continue;
            const passes& next = p[units];
            if (p->forward >= 0 && next.forward >= 0 && !after(next.forward, p->forward))
                complain_between(s, complaint::before_activation, next.forward, p->forward, u, r);
            if (p->gradient >= 0 && next.gradient >= 0 && !after(p->gradient, next.gradient))
                complain_between(s, complaint::before_gradient, p->gradient, next.gradient, u, r);
        }
}

/// The order of the two ends of a link that are on one worker.
constexpr void check_link_ordered(const program_view& t, const ledger& l, const stage_link& link, report& r) {
    const by_index after{};
    const auto units = static_cast<std::size_t>(t.head.units());
    for (std::size_t u = 0; u < units; ++u) {
        const std::int32_t on = l.pipeline[u];
        if (on < 0 || t.worker_of(on, link.from) != t.worker_of(on, link.to)) continue;
        const passes &from = l.at[link.from * units + u], &to = l.at[link.to * units + u];
        const auto unit = static_cast<std::int32_t>(u);
        if (from.forward >= 0 && to.forward >= 0 && !after(to.forward, from.forward))
            complain_between(t, complaint::before_activation, to.forward, from.forward, unit, r);
        if (from.gradient >= 0 && to.gradient >= 0 && !after(from.gradient, to.gradient))
            complain_between(t, complaint::before_gradient, from.gradient, to.gradient, unit, r);
    }
}

/// In a program only what one worker does has an order of its own; law matched looks at what crosses workers.
constexpr void check_ordered(const program_view& t, const ledger& l, report& r) {
    const by_index after{};
    const std::int32_t units = t.head.units();
    const passes* p = l.at.data();
    for (std::int32_t stage = 0; stage < t.head.stages; ++stage)
        for (std::int32_t u = 0; u < units; ++u, ++p) {
            check_order_within(t, *p, after, u, r);
            const std::int32_t on = l.pipeline[static_cast<std::size_t>(u)];
            if (stage + 1 == t.head.stages || on < 0 || t.worker_of(on, stage) != t.worker_of(on, stage + 1)) continue;
            const passes& next = p[units];
            if (p->forward >= 0 && next.forward >= 0 && !after(next.forward, p->forward))
                complain_between(t, complaint::before_activation, next.forward, p->forward, u, r);
            if (p->gradient >= 0 && next.gradient >= 0 && !after(p->gradient, next.gradient))
                complain_between(t, complaint::before_gradient, p->gradient, next.gradient, u, r);
        }
    for (const stage_link& link : t.links)
        if (link.kind == link_kind::skip) check_link_ordered(t, l, link, r);
}

}  // namespace detail

namespace laws {

/// Every slot starts after what it depends on has ended: a forward after the forward of the stage before, a backward
/// (or input gradient) after the one of the stage after, its own forward and its recompute, a weight gradient after
/// its input gradient. In a program: every instruction comes after those of its own worker that it depends on.
[[nodiscard]] constexpr bool ordered(schedule_argument s) {
    report r;
    if (detail::sound(s, r)) detail::check_ordered(s, detail::check_once(s, r), r);
    return !r.broken(law::ordered);
}
[[nodiscard]] constexpr bool ordered(program_argument p) {
    report r;
    if (detail::sound(p, r)) detail::check_ordered(p, detail::check_once(p, r), r);
    return !r.broken(law::ordered);
}

}  // namespace laws
}  // namespace chimera
