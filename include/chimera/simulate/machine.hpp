// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/program/links.hpp>
#include <chimera/program/program.hpp>
#include <chimera/simulate/cost_tables.hpp>
#include <chimera/simulate/timeline.hpp>
#include <chimera/timing/row_windows.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace chimera::detail {

/// The abstract machine that plays a program in the order of its rows.
///
/// Sends and receives are posted and do not block; a compute action starts when its worker is free and its messages
/// have arrived; a message travels for the boundary's transfer time; a collective runs beside the workers from the
/// moment its last member starts it. `advance` takes a worker to its next compute or update and says when that could
/// start.
class machine {
public:
    /// `out`: what the timeline is written over.
    constexpr machine(program_view of, const costs& c, timeline out = {})
        : of_(of), rates_(c, of.head), arrivals_(static_cast<std::size_t>(of.messages), missing),
          workers_(static_cast<std::size_t>(of.head.workers)), awake_((workers_.size() + group - 1) / group, 0),
          collectives_(static_cast<std::size_t>(of.head.stages) + of.links.size()), started_(of.members.size(), 0),
          out_(std::move(out)) {
        check_length(c.update, of.head.stages, "update");
        for (int s = 0; s < of.head.stages; ++s) {
            reduce_.push_back(reduce_seconds(c.reduce, s, static_cast<int>(of.replica_group(s).size())));
            updates_.push_back(c.update[s]);
        }
        for (int k = 0; k < static_cast<int>(tied_links(of.links).size()); ++k)
            reduce_.push_back(tied_seconds(c, k, static_cast<int>(of.replica_group(of.head.stages + k).size())));
        lay_out();
        for (std::size_t w = 0; w < workers_.size(); ++w) wake(w);
    }

    static constexpr std::size_t group = 32;  ///< workers that are played together: what they touch stays in the cache

    /// Takes a worker of the g-th group that may be able to go on; -1 when there is none.
    constexpr std::int32_t take_awake(std::size_t g) {
        if (awake_[g] == 0) return none;
        const int bit = std::countr_zero(awake_[g]);
        awake_[g] &= awake_[g] - 1;
        return static_cast<std::int32_t>(g * group) + bit;
    }
    constexpr void wake(std::size_t w) { awake_[w / group] |= std::uint32_t{1} << w % group; }
    [[nodiscard]] constexpr std::size_t groups() const noexcept { return awake_.size(); }

    /// Runs what costs no time. True when the worker stands at a compute or update with all inputs: see `ready`.
    constexpr bool advance(std::size_t w) {
        state& me = workers_[w];
        const instruction* const all = of_.instructions.data();
        for (const std::int32_t end = of_.offsets[w + 1]; me.at != end; ++me.at) {
            const instruction& i = all[me.at];
            if (is_compute(i.op)) {
                me.ready = me.clock;
                return inputs_there(i, me) && (!runs_paired(i, me.at, end) || inputs_there(all[me.at + 1], me));
            }
            if (is_recv(i.op)) continue;
            if (is_send(i.op))
                send(i, me.clock);
            else if (i.op == action::reduce_gradient)
                start_reduction(i, w);
            else if (i.op == action::update_weights) {
                me.ready = me.clock;
                return true;
            } else if (!wait(i, w))
                return false;
        }
        return false;
    }

    /// Earliest time at which the worker's next action can start, in seconds; valid after `advance` returned true.
    [[nodiscard]] constexpr double ready(std::size_t w) const noexcept { return workers_[w].ready; }

    /// Performs the worker's next action, or pair of them, from `begin` on and returns its end.
    constexpr double perform(std::size_t w, double begin) {
        state& me = workers_[w];
        const instruction& i = of_.instructions[static_cast<std::size_t>(me.at)];
        if (runs_paired(i, me.at, of_.offsets[w + 1])) {
            const instruction& with = of_.instructions[static_cast<std::size_t>(me.at) + 1];
            me.clock = begin + rates_.of(i, with);
            record(i, begin, me);
            record(with, begin, me);
            return me.clock;
        }
        look_ahead(me);
        me.clock = begin + (i.op == action::update_weights ? updates_[i.stage] : rates_.of(i));
        record(i, begin, me);
        return me.clock;
    }

    /// The timeline, once no worker can advance. Refuses a program that has not come to its end.
    [[nodiscard]] constexpr timeline finish() {
        for (std::size_t w = 0; w < workers_.size(); ++w)
            if (workers_[w].at != of_.offsets[w + 1])
                refuse("the program cannot finish (worker " + std::to_string(w) + " waits at instruction " +
                           std::to_string(workers_[w].at - of_.offsets[w]) + ") verify it to see what is missing",
                       complaint::deadlock);
        return std::move(out_);
    }

private:
    static constexpr double missing = -1;
    static constexpr std::int32_t none = -1;

    struct state {
        std::int32_t at = 0;          // next instruction
        std::int32_t step = 0;        // next entry of out_.steps
        std::int32_t reduction = 0;   // next entry of out_.reductions
        std::int32_t blocked = none;  // message waited for
        double clock = 0;
        double ready = 0;
    };
    struct running_collective {
        std::int32_t missing = 0;  // members that have not started it
        double start = 0;          // of the last member so far
    };

    constexpr void lay_out() {
        out_.head = of_.head;
        out_.offsets.clear();
        out_.reduction_offsets.clear();
        out_.placement.assign(of_.placement.begin(), of_.placement.end());
        std::int32_t steps = 0;
        std::int32_t reductions = 0;
        for (std::size_t w = 0; w < workers_.size(); ++w) {
            workers_[w].at = of_.offsets[w];
            workers_[w].step = steps;
            workers_[w].reduction = reductions;
            out_.offsets.push_back(steps);
            out_.reduction_offsets.push_back(reductions);
            for (const instruction& i : of_.row(static_cast<int>(w))) {
                steps += is_compute(i.op) || i.op == action::update_weights ? 1 : 0;
                reductions += i.op == action::reduce_gradient ? 1 : 0;
            }
        }
        out_.offsets.push_back(steps);
        out_.reduction_offsets.push_back(reductions);
        out_.steps.resize(static_cast<std::size_t>(steps));
        out_.reductions.assign(static_cast<std::size_t>(reductions), step{});
    }

    /// Two compute instructions run together where the costs say what that takes; else one after the other.
    [[nodiscard]] constexpr bool runs_paired(const instruction& i, std::int32_t at, std::int32_t end) const noexcept {
        if (i.overlap == 0 || at + 1 == end) return false;
        const instruction& with = of_.instructions[static_cast<std::size_t>(at) + 1];
        return is_compute(with.op) && rates_.pairs(i, with);
    }

    /// Asks for what the worker will read and write some slots later: no hardware follows this many rows.
    [[gnu::always_inline]] constexpr void look_ahead(const state& me) const {
        if (std::is_constant_evaluated()) return;
        const instruction* const all = of_.instructions.data();
        const auto last = static_cast<std::int32_t>(of_.instructions.size()) - 1;
        expect(all + (std::min)(me.at + 16, last));
        expect(all + (std::min)(me.at + 18, last));
        expect(out_.steps.data() + (std::min)(me.step + 6, static_cast<std::int32_t>(out_.steps.size()) - 1));
    }

    constexpr void record(const instruction& i, double begin, state& me) {
        step& s = out_.steps[static_cast<std::size_t>(me.step++)];
        s.op = i.op;
        s.count = i.count;
        s.pipeline = i.pipeline;
        s.stage = i.stage;
        s.first = i.first;
        s.begin = begin;
        s.end = me.clock;
        ++me.at;
    }

    /// Moves `ready` on to the arrival of the last input.
    constexpr bool inputs_there(const instruction& i, state& me) {
        double ready = me.ready;
        for (std::int32_t m = i.message; m < i.message + i.inputs; ++m) {
            const double arrival = arrivals_[static_cast<std::size_t>(m)];
            if (arrival == missing) {
                me.blocked = m;
                return false;
            }
            ready = (std::max)(ready, arrival);
        }
        me.ready = ready;
        return true;
    }

    constexpr void send(const instruction& i, double clock) {
        const std::size_t boundary = i.list >= 0 ? of_.links[static_cast<std::size_t>(i.list)].from
                                     : i.op == action::send_activation ? i.stage - 1u
                                                                       : i.stage;
        arrivals_[static_cast<std::size_t>(i.message)] = clock + rates_.transfer[boundary] * i.count;
        state& peer = workers_[static_cast<std::size_t>(i.peer)];
        if (peer.blocked != i.message) return;
        peer.blocked = none;
        wake(static_cast<std::size_t>(i.peer));
    }

    /// The number of times that worker w has started the reduction of `stage`: a stage is reduced once for every
    /// update.
    constexpr std::int32_t& rounds(std::uint16_t stage, std::size_t w) {
        const auto members = of_.replica_group(stage);
        const auto at = std::lower_bound(members.begin(), members.end(), static_cast<std::int32_t>(w));
        return started_[static_cast<std::size_t>(of_.member_offsets[stage] + (at - members.begin()))];
    }

    constexpr void start_reduction(const instruction& i, std::size_t w) {
        state& me = workers_[w];
        const auto round = static_cast<std::size_t>(rounds(i.stage, w)++);
        std::vector<running_collective>& all = collectives_[i.stage];
        const auto members = of_.replica_group(i.stage);
        if (round == all.size()) all.push_back({static_cast<std::int32_t>(members.size()), 0});
        running_collective& c = all[round];
        step& s = out_.reductions[static_cast<std::size_t>(me.reduction++)];
        s.op = i.op;
        s.stage = i.stage;
        s.begin = s.end = me.clock;
        c.start = (std::max)(c.start, me.clock);
        if (--c.missing > 0) return;
        for (const std::int32_t m : members) {
            state& member = workers_[static_cast<std::size_t>(m)];
            if (member.blocked != wait_code(i.stage)) continue;
            member.blocked = none;
            wake(static_cast<std::size_t>(m));
        }
    }

    /// Waits for the reduction that the worker started last.
    constexpr bool wait(const instruction& i, std::size_t w) {
        state& me = workers_[w];
        const std::int32_t started = rounds(i.stage, w);
        if (started == 0) return true;
        const running_collective& c = collectives_[i.stage][static_cast<std::size_t>(started) - 1];
        if (c.missing > 0) {
            me.blocked = wait_code(i.stage);
            return false;
        }
        std::int32_t last = me.reduction - 1;
        while (out_.reductions[static_cast<std::size_t>(last)].stage != i.stage) --last;
        const double end = c.start + reduce_[i.stage];
        out_.reductions[static_cast<std::size_t>(last)].end = end;
        me.clock = (std::max)(me.clock, end);
        return true;
    }

    [[nodiscard]] static constexpr std::int32_t wait_code(std::uint16_t stage) noexcept { return -2 - stage; }

    program_view of_;
    rates rates_;
    std::vector<double> arrivals_;  // per message
    std::vector<state> workers_;
    std::vector<std::uint32_t> awake_;                          // a bit for every worker
    std::vector<std::vector<running_collective>> collectives_;  // per stage, one for every time it is reduced
    std::vector<std::int32_t> started_;                         // per member of every stage: how many of them
    std::vector<double> reduce_;                                // per stage: seconds
    std::vector<double> updates_;                               // per stage
    timeline out_;
};

}  // namespace chimera::detail
