// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/ledger.hpp>

namespace chimera::detail {

/// One message: the indices of its send and its receive over the whole program, and the workers they are on.
struct message_ends {
    std::int32_t send = -1;
    std::int32_t receive = -1;
    std::int32_t from = -1;
    std::int32_t to = -1;
};

/// Every message by number, and by what it carries: for each (stage that receives, unit) the send and the receive of
/// its activation and of its gradient. Only transfers in range are entered.
struct mail {
    std::vector<message_ends> messages;
    std::vector<message_ends> activations;  ///< (stages + links) × units; `from` and `to` stay -1
    std::vector<message_ends> gradients;
};

/// A fault at an instruction of worker w; `i` counts over the whole program.
[[nodiscard]] constexpr fault program_fault(const program_view& p, law which, complaint what, std::int32_t w,
                                            std::int32_t i) noexcept {
    const instruction& x = p.instructions[static_cast<std::size_t>(i)];
    return {.law = which,
            .what = what,
            .worker = w,
            .index = i - p.offsets[static_cast<std::size_t>(w)],
            .stage = x.stage,
            .unit = applying(x.first),
            .pipeline = x.pipeline,
            .peer = applying(x.peer),
            .instruction = true};
}

/// Returns the stage from which a transfer comes; -1 if there is none.
[[nodiscard]] constexpr std::int32_t source_of(const program_view& p, const instruction& x) noexcept {
    const bool gradient = x.op == action::send_gradient || x.op == action::recv_gradient;
    if (x.list >= 0) {
        if (static_cast<std::size_t>(x.list) >= p.links.size()) return -1;
        const stage_link& l = p.links[static_cast<std::size_t>(x.list)];
        return !reads_link(l, gradient, x.stage) ? -1 : gradient ? l.to : l.from;
    }
    const std::int32_t source = gradient ? x.stage + 1 : x.stage - 1;
    return source < p.head.stages ? source : -1;
}

/// Returns the worker of the stage at a transfer's other end. -1: no stage is there, or it is on this
/// worker.
[[nodiscard]] constexpr std::int32_t partner(const program_view& p, const instruction& x, std::int32_t w) noexcept {
    const std::int32_t source = source_of(p, x);
    if (source < 0) return -1;
    const std::int32_t from = p.worker_of(x.pipeline, source), to = p.worker_of(x.pipeline, x.stage);
    if (from == to || w != (is_send(x.op) ? from : to)) return -1;
    return is_send(x.op) ? to : from;
}

/// Enters one transfer; complains about numbers out of range, a wrong partner and doubles.
constexpr void post(const program_view& p, std::int32_t w, std::int32_t i, mail& m, report& r) {
    const instruction& x = p.instructions[static_cast<std::size_t>(i)];
    const auto complain = [&](complaint what) { r.add(program_fault(p, law::matched, what, w, i)); };
    const bool sends = is_send(x.op);
    if (!in_range(p.head, {pass::forward, x.pipeline, x.stage, x.first, x.count}))
        return complain(complaint::out_of_range);
    if (x.message < 0 || x.message >= p.messages) return complain(complaint::bad_message);
    if (x.group < 0) complain(complaint::no_group);
    message_ends& ends = m.messages[static_cast<std::size_t>(x.message)];
    std::int32_t& end = sends ? ends.send : ends.receive;
    if (end >= 0) return complain(sends ? complaint::sent_twice : complaint::received_twice);
    end = i;
    (sends ? ends.from : ends.to) = w;
    const std::int32_t with = partner(p, x, w);
    if (with < 0) return complain(complaint::needless);
    if (with != x.peer) complain(complaint::wrong_peer);
    auto& kind = x.op == action::send_activation || x.op == action::recv_activation ? m.activations : m.gradients;
    const std::int32_t place = x.list < 0 ? x.stage : p.head.stages + x.list;
    for (std::int32_t u = x.first; u < x.first + x.count; ++u) {
        message_ends& one = kind[static_cast<std::size_t>(place) * static_cast<std::size_t>(p.head.units()) +
                                 static_cast<std::size_t>(u)];
        std::int32_t& at = sends ? one.send : one.receive;
        if (at >= 0)
            complain(sends ? complaint::sent_twice : complaint::received_twice);
        else
            at = i;
    }
}

/// Walks every transfer of the program.
constexpr mail post_all(const program_view& p, report& r) {
    const std::size_t cells =
        (static_cast<std::size_t>(p.head.stages) + p.links.size()) * static_cast<std::size_t>(p.head.units());
    mail m{std::vector<message_ends>(static_cast<std::size_t>(p.messages), message_ends{}),
           std::vector<message_ends>(cells, message_ends{}), std::vector<message_ends>(cells, message_ends{})};
    const instruction* const all = p.instructions.data();
    for (std::int32_t w = 0; w < p.head.workers; ++w)
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i)
            if (is_transfer(all[i].op)) post(p, w, i, m, r);
    return m;
}

/// Both ends of every message exist and say the same.
constexpr void check_ends(const program_view& p, const mail& m, report& r) {
    const instruction* const all = p.instructions.data();
    for (std::size_t k = 0; k < m.messages.size(); ++k) {
        const message_ends& e = m.messages[k];
        if (e.send < 0 && e.receive < 0) {
            r.add({.law = law::matched,
                   .what = complaint::bad_message,
                   .other = static_cast<std::int32_t>(k),
                   .instruction = true});
            continue;
        }
        if (e.receive < 0) {
            r.add(program_fault(p, law::matched, complaint::never_received, e.from, e.send));
            continue;
        }
        if (e.send < 0) {
            r.add(program_fault(p, law::matched, complaint::never_sent, e.to, e.receive));
            continue;
        }
        const instruction &s = all[e.send], &v = all[e.receive];
        const bool same = (s.op == action::send_activation) == (v.op == action::recv_activation) &&
                          s.stage == v.stage && s.list == v.list && s.pipeline == v.pipeline && s.first == v.first &&
                          s.count == v.count && s.peer == e.to && v.peer == e.from;
        if (same) continue;
        fault f = program_fault(p, law::matched, complaint::ends_disagree, e.to, e.receive);
        f.other = e.send - p.offsets[static_cast<std::size_t>(e.from)];
        r.add(f);
    }
}

}  // namespace chimera::detail
