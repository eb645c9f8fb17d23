// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/messages.hpp>

namespace chimera::detail {

/// An abstract machine that runs a program whose messages pair up. A computation takes no time; what counts is who
/// waits for whom. Rendezvous: a group is over when the other end of each of its transfers is posted. Eager: when what
/// it receives was sent. A worker waits for a reduction until all that reduce the stage have started. Any order of
/// steps reaches the same end, and every rendezvous run is an eager one as well.
class rehearsal {
public:
    constexpr rehearsal(const program_view& program, const mail& post, bool eager_sends)
        : p(program), m(post), eager(eager_sends), posted(program.instructions.size(), 0),
          pc(static_cast<std::size_t>(program.head.workers), 0), resume(pc), missing(pc), next_waiting(pc),
          waiting(static_cast<std::size_t>(program.head.stages), -1), started(waiting.size(), 0),
          reducers(waiting.size(), 0) {
        for (const instruction& i : p.instructions)
            if (i.op == action::reduce_gradient && i.stage < p.head.stages) ++reducers[i.stage];
    }

    /// Runs until nobody can move; the workers that did not reach their end complain.
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
    static constexpr std::size_t at(std::int32_t i) { return static_cast<std::size_t>(i); }

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
            } else if (x.op == action::reduce_gradient && x.stage < p.head.stages) {
                start(x.stage);
            } else if (x.op == action::wait_gradient && x.stage < p.head.stages &&
                       started[x.stage] < reducers[x.stage]) {
                next_waiting[at(w)] = waiting[x.stage];
                waiting[x.stage] = w;
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

    constexpr void start(std::int32_t stage) {
        if (++started[at(stage)] < reducers[at(stage)]) return;
        for (std::int32_t w = waiting[at(stage)]; w >= 0; w = next_waiting[at(w)]) wake(w);
        waiting[at(stage)] = -1;
    }

    constexpr void wake(std::int32_t w) {
        pc[at(w)] = resume[at(w)];
        ready.push_back(w);
    }

    /// Names the first transfer of the group that nobody answers, or the wait that never ends.
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
    bool eager;
    std::vector<char> posted;                ///< per instruction: the transfer is posted
    std::vector<std::int32_t> pc;            ///< per worker: the instruction it is at, over the whole program
    std::vector<std::int32_t> resume;        ///< per worker that waits: where it goes on
    std::vector<std::int32_t> missing;       ///< per worker in a group: transfers whose other end is not there yet
    std::vector<std::int32_t> next_waiting;  ///< lists of the workers that wait for a stage's reduction …
    std::vector<std::int32_t> waiting;       ///< … and their heads, per stage
    std::vector<std::int32_t> started, reducers;
    std::vector<std::int32_t> ready;
};

}  // namespace chimera::detail
