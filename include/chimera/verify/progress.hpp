// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/message_laws.hpp>
#include <chimera/verify/reduction_rounds.hpp>

namespace chimera::detail {

/// An abstract machine that runs a program whose messages pair up. A computation takes no time; what counts is who
/// waits for whom. Rendezvous: a group is over when the other end of each of its transfers is posted. Eager: when what
/// it receives was sent. A worker waits for a reduction until all that reduce the stage have started it. Any order of
/// steps reaches the same end, and every rendezvous run is an eager one as well.
class rehearsal {
public:
    constexpr rehearsal(const program_view& program, const mail& post, const reduction_rounds& rounds, bool eager_sends)
        : p(program), m(post), of_round(rounds), eager(eager_sends), posted(program.instructions.size(), 0),
          pc(static_cast<std::size_t>(program.head.workers), 0), resume(pc), missing(pc), next_waiting(pc),
          waiting(rounds.nodes(), -1), started(waiting.size(), 0), reducers(waiting.size(), 0) {
        for (std::size_t i = 0; i < p.instructions.size(); ++i)
            if (p.instructions[i].op == action::reduce_gradient && p.instructions[i].stage < reduced_of(p))
                ++reducers[of_round.node(i)];
    }

    /// Runs until no worker can move; the workers that did not reach their end complain.
    constexpr bool run(report& r) {
        for (std::int32_t w = p.head.workers; w-- > 0;) {
            pc[at(w)] = p.offsets[at(w)];
            ready.push_back(w);
        }
        while (!ready.empty()) {
            const std::int32_t w = ready.back();
            ready.pop_back();
            advance(w);
        }
        bool done = true;
        for (std::int32_t w = 0; w < p.head.workers; ++w)
            if (pc[at(w)] < p.offsets[at(w) + 1]) done = (complain(w, r), false);
        return done;
    }

private:
    [[nodiscard]] static constexpr std::size_t at(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }

    constexpr void advance(std::int32_t w) {
        std::int32_t& i = pc[at(w)];
        const std::int32_t end = p.offsets[at(w) + 1];
        while (i < end) {
            const instruction& x = p.instructions[at(i)];
            std::int32_t after = i + 1;
            if (is_transfer(x.op)) {
                after = post_group(w, i, end);
                if (missing[at(w)] > 0) {
                    resume[at(w)] = after;
                    return;
                }
            } else if (x.op == action::reduce_gradient && x.stage < reduced_of(p)) {
                start(of_round.node(at(i)));
            } else if (x.op == action::wait_gradient && x.stage < reduced_of(p) &&
                       started[of_round.node(at(i))] < reducers[of_round.node(at(i))]) {
                next_waiting[at(w)] = waiting[of_round.node(at(i))];
                waiting[of_round.node(at(i))] = w;
                resume[at(w)] = after;
                return;
            }
            i = after;
        }
    }

    /// Posts the group that begins at i; returns where it ends.
    constexpr std::int32_t post_group(std::int32_t w, std::int32_t i, std::int32_t end) {
        const std::int32_t group = p.instructions[at(i)].group;
        for (; i < end && is_transfer(p.instructions[at(i)].op) && p.instructions[at(i)].group == group; ++i) {
            const instruction& x = p.instructions[at(i)];
            const message_ends& e = m.messages[at(x.message)];
            const bool sends = is_send(x.op);
            posted[at(i)] = 1;
            if (!posted[at(sends ? e.receive : e.send)]) {
                if (!(eager && sends)) ++missing[at(w)];
            } else if (!(eager && !sends) && --missing[at(x.peer)] == 0) {
                wake(x.peer);
            }
        }
        return i;
    }

    constexpr void start(std::size_t node) {
        if (++started[node] < reducers[node]) return;
        for (std::int32_t w = waiting[node]; w >= 0; w = next_waiting[at(w)]) wake(w);
        waiting[node] = -1;
    }

    constexpr void wake(std::int32_t w) {
        pc[at(w)] = resume[at(w)];
        ready.push_back(w);
    }

    /// Names the first transfer of the group that no worker answers, or the wait that never ends.
    constexpr void complain(std::int32_t w, report& r) const {
        std::int32_t i = pc[at(w)];
        for (; is_transfer(p.instructions[at(i)].op); ++i) {
            const instruction& x = p.instructions[at(i)];
            const message_ends& e = m.messages[at(x.message)];
            if (eager && is_send(x.op)) continue;
            if (!posted[at(is_send(x.op) ? e.receive : e.send)]) break;
        }
        r.add(program_fault(p, law::matched, eager ? complaint::deadlock : complaint::rendezvous_deadlock, w, i));
    }

    const program_view& p;
    const mail& m;
    const reduction_rounds& of_round;
    bool eager;
    std::vector<std::uint8_t> posted;        ///< per instruction: the transfer is posted
    std::vector<std::int32_t> pc;            ///< per worker: the instruction it is at, over the whole program
    std::vector<std::int32_t> resume;        ///< per worker that waits: where it goes on
    std::vector<std::int32_t> missing;       ///< per worker in a group: transfers whose other end is not there yet
    std::vector<std::int32_t> next_waiting;  ///< lists of the workers that wait for a reduction …
    std::vector<std::int32_t> waiting;       ///< … and their heads, per reduction
    std::vector<std::int32_t> started, reducers;
    std::vector<std::int32_t> ready;
};

}  // namespace chimera::detail
