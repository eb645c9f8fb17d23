// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/sort_keys.hpp>
#include <chimera/verify/once.hpp>
#include <chimera/verify/progress.hpp>

#include <algorithm>

namespace chimera {
namespace detail {

/// Checks that what one (stage, unit) needs of another worker is sent after it is made and received before it is used.
constexpr void check_crossing(const program_view& p, const message_ends& e, std::int32_t made, std::int32_t used,
                              std::int32_t unit, report& r) {
    if (made < 0 || used < 0) return;
    const auto at = [&](complaint what, std::int32_t i, std::int32_t other) {
        fault f = fault_at(p, law::matched, what, i);
        f.unit = unit;
        f.peer = fault_at(p, law::matched, what, other).worker;
        r.add(f);
    };
    if (e.send < 0 || e.receive < 0) return at(complaint::no_transfer, used, made);
    if (e.send < made) at(complaint::send_early, made, used);
    if (e.receive > used) at(complaint::receive_late, used, made);
}

/// Checks that what one link carries has its messages: activations of its earlier stage, gradients of its later one.
constexpr void check_link(const program_view& p, const ledger& l, const mail& m, std::size_t k, report& r) {
    const stage_link& link = p.links[k];
    if (link.kind != link_kind::skip) return;
    const auto units = static_cast<std::size_t>(p.head.units());
    const std::size_t at = (static_cast<std::size_t>(p.head.stages) + k) * units;
    for (std::size_t u = 0; u < units; ++u) {
        const std::int32_t on = l.pipeline[u];
        if (on < 0 || p.worker_of(on, link.from) == p.worker_of(on, link.to)) continue;
        const passes &from = l.at[link.from * units + u], &to = l.at[link.to * units + u];
        check_crossing(p, m.activations[at + u], from.forward, to.forward, static_cast<std::int32_t>(u), r);
        check_crossing(p, m.gradients[at + u], to.gradient, from.gradient, static_cast<std::int32_t>(u), r);
    }
}

/// Every dependency that crosses workers has its message, in time at both ends.
constexpr void check_crossings(const program_view& p, const ledger& l, const mail& m, report& r) {
    const std::int32_t units = p.head.units();
    const passes* here = l.at.data();
    const message_ends* gradient = m.gradients.data();
    const message_ends* activation = m.activations.data() + units;
    for (std::int32_t s = 0; s + 1 < p.head.stages; ++s)
        for (std::int32_t u = 0; u < units; ++u, ++here, ++gradient, ++activation) {
            const std::int32_t on = l.pipeline[static_cast<std::size_t>(u)];
            if (on < 0 || p.worker_of(on, s) == p.worker_of(on, s + 1)) continue;
            const passes& next = here[units];
            check_crossing(p, *activation, here->forward, next.forward, u, r);
            check_crossing(p, *gradient, next.gradient, here->gradient, u, r);
        }
    for (std::size_t k = 0; k < p.links.size(); ++k) check_link(p, l, m, k, r);
}

/// Units of compute step x that message k brings; 0 where it brings none, or something else.
[[nodiscard]] constexpr std::int32_t brings(const program_view& p, const mail& m, const instruction& x, std::int32_t w,
                                            std::int32_t k) noexcept {
    if (k < 0 || k >= p.messages) return 0;
    const message_ends& e = m.messages[static_cast<std::size_t>(k)];
    if (e.receive < 0 || e.to != w) return 0;
    const instruction& v = p.instructions[static_cast<std::size_t>(e.receive)];
    if (v.op != (x.op == action::forward ? action::recv_activation : action::recv_gradient)) return 0;
    if (v.stage != x.stage || v.pipeline != x.pipeline) return 0;
    const std::int32_t first = (std::max)(v.first, x.first), last = (std::min)(v.first + v.count, x.first + x.count);
    return (std::max)(last - first, 0);
}

/// A compute step names exactly the messages that bring what it needs from another worker.
constexpr void check_inputs(const program_view& p, const mail& m, report& r) {
    const instruction* const all = p.instructions.data();
    for (std::int32_t w = 0; w < p.head.workers; ++w)
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i) {
            const instruction& x = all[i];
            if (!is_compute(x.op) || !in_range(p.head, entry_of(x))) continue;
            const bool gradient = sends_gradient(static_cast<pass>(x.op));
            const std::int32_t source = gradient ? x.stage + 1 : x.stage - 1;
            const bool crosses = (gradient || x.op == action::forward) && source >= 0 && source < p.head.stages &&
                                 p.worker_of(x.pipeline, source) != p.worker_of(x.pipeline, x.stage);
            std::int32_t sources = crosses ? 1 : 0;
            for (const stage_link& l : p.links)
                if ((gradient || x.op == action::forward) && reads_link(l, gradient, x.stage) &&
                    p.worker_of(x.pipeline, gradient ? l.to : l.from) != p.worker_of(x.pipeline, x.stage))
                    ++sources;
            std::int32_t brought = 0;
            bool each = true;
            for (std::int32_t k = 0; k < x.inputs && each; ++k) {
                const std::int32_t units = x.message > p.messages - 1 - k ? 0 : brings(p, m, x, w, x.message + k);
                brought += units;
                each = units > 0;
            }
            if (!each || brought != sources * x.count)
                r.add(program_fault(p, law::matched, complaint::bad_inputs, w, i));
        }
}

/// For each ordered pair of workers the receives name the messages in the order of the sends: transfers between two
/// workers match in order. Linear: the sends sorted by receiver (counting), then one cursor per sender.
constexpr void check_pair_order(const program_view& p, const mail& m, report& r) {
    const auto workers = static_cast<std::size_t>(p.head.workers);
    const instruction* const all = p.instructions.data();
    std::vector<std::int32_t> begin(workers + 1, 0), sorted(m.messages.size(), -1), cursor(workers, 0);
    for (const message_ends& e : m.messages)
        if (e.to >= 0 && e.from >= 0) ++begin[static_cast<std::size_t>(e.to) + 1];
    for (std::size_t w = 0; w < workers; ++w) begin[w + 1] += begin[w];
    std::vector<std::int32_t> fill = begin;
    for (std::size_t i = 0; i < p.instructions.size(); ++i)
        if (is_send(all[i].op)) {
            const message_ends& e = m.messages[static_cast<std::size_t>(all[i].message)];
            sorted[static_cast<std::size_t>(fill[static_cast<std::size_t>(e.to)]++)] = all[i].message;
        }
    for (std::size_t w = 0; w < workers; ++w) {
        for (std::int32_t k = begin[w + 1]; k-- > begin[w];)
            cursor[static_cast<std::size_t>(
                m.messages[static_cast<std::size_t>(sorted[static_cast<std::size_t>(k)])].from)] = k;
        for (std::int32_t i = p.offsets[w]; i < p.offsets[w + 1]; ++i) {
            if (!is_recv(all[i].op)) continue;
            const std::int32_t expected =
                sorted[static_cast<std::size_t>(cursor[static_cast<std::size_t>(all[i].peer)]++)];
            if (expected == all[i].message) continue;
            fault f = program_fault(p, law::matched, complaint::pair_order, static_cast<std::int32_t>(w), i);
            const message_ends& e = m.messages[static_cast<std::size_t>(expected)];
            f.other = e.send - p.offsets[static_cast<std::size_t>(e.from)];
            r.add(f);
            break;
        }
    }
}

/// Calls of one group stand together: no group number comes back later in the row.
constexpr void check_groups(const program_view& p, report& r) {
    const instruction* const all = p.instructions.data();
    std::vector<std::int64_t> starts;  // sort keys: group, then instruction
    for (std::int32_t w = 0; w < p.head.workers; ++w) {
        starts.clear();
        bool ascending = true;
        std::int32_t open = -1;
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i) {
            const std::int32_t group = is_transfer(all[i].op) ? all[i].group : -1;
            if (group >= 0 && group != open) {
                ascending = ascending && (starts.empty() || starts.back() >> 32 < group);
                starts.push_back(sort_key(group, i));
            }
            open = group;
        }
        if (ascending) continue;
        sort_keys(starts);
        for (std::size_t k = 1; k < starts.size(); ++k)
            if (starts[k] >> 32 == starts[k - 1] >> 32)
                r.add(program_fault(p, law::matched, complaint::split_group, w, second_of(starts[k])));
    }
}

constexpr void check_matched(const program_view& p, const ledger& l, report& r) {
    const mail m = post_all(p, r);
    check_ends(p, m, r);
    check_crossings(p, l, m, r);
    check_inputs(p, m, r);
    check_groups(p, r);
    if (r.broken(law::matched)) return;  // the other checks need both ends of every message
    check_pair_order(p, m, r);
    report stuck;
    stuck.most = r.most;
    const reduction_rounds rounds(p);
    if (rehearsal(p, m, rounds, false).run(stuck)) return;
    report worse;
    worse.most = r.most;
    const bool only_rendezvous = rehearsal(p, m, rounds, true).run(worse);
    for (const fault& f : only_rendezvous ? stuck.faults : worse.faults) r.add(f);
}

}  // namespace detail

namespace laws {

/// Sends and receives pair up one to one, carry exactly what crosses workers, after it is made and before it is used;
/// both sides of a pair of workers agree on one order; groups stand together; and the program reaches its end when a
/// send waits for its receive (rendezvous), therefore also when it does not (eager).
[[nodiscard]] constexpr bool matched(program_argument p) {
    report r;
    if (!detail::sound(p, r)) return false;
    report ignored;
    detail::check_matched(p, detail::check_once(p, ignored), r);
    return !r.broken(law::matched);
}

}  // namespace laws
}  // namespace chimera
