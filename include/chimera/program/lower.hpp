// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/program/program.hpp>
#include <chimera/program/stash_slots.hpp>
#include <chimera/program/synchronise.hpp>
#include <chimera/program/transfers.hpp>
#include <chimera/program/update_points.hpp>
#include <chimera/program/versions.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace chimera {

namespace detail {

[[noreturn]] inline void refuse_links() {
    refuse(
        "the links cannot be (each goes from a stage to a later one, once; a skip passes over a stage; weights that "
        "change within an iteration are not tied) correct them",
        complaint::bad_links);
}

/// Writes one worker's instructions after another.
class lowering {
public:
    constexpr lowering(schedule_view of, reduction_start mode)
        : of_(of), messages_(find_messages(of)), transfers_(order_transfers(messages_.all, of.head.workers)),
          groups_(find_groups(of)), buffers_(of.head) {
        if (of.head.update == update_rule::flushed) {
            reductions_ = find_reductions(of, groups_, mode);
        } else {
            update_groups_ = find_update_groups(of.head, pipelines_of_units(of.head, of.entries));
            updates_ = find_updates(of, groups_, update_groups_);
        }
    }

    [[nodiscard]] constexpr program run() {
        out_.head = of_.head;
        out_.links.assign(of_.links.begin(), of_.links.end());
        out_.placement.assign(of_.placement.begin(), of_.placement.end());
        out_.instructions.reserve(of_.entries.size() + transfers_.transfers.size() +
                                  3 * (reductions_.all.size() + updates_.all.size()));
        out_.offsets.push_back(0);
        for (int w = 0; w < of_.head.workers; ++w) {
            of_.head.update == update_rule::flushed ? write_row(w) : write_updating_row(w);
            out_.offsets.push_back(static_cast<std::int32_t>(out_.instructions.size()));
            out_.buffer_counts.push_back(buffers_.opened());
        }
        out_.member_offsets = groups_.offsets;
        out_.members = groups_.members;
        out_.messages = static_cast<std::int32_t>(messages_.all.size());
        if (of_.head.update != update_rule::flushed) version_allotment(out_, update_groups_).run();
        return std::move(out_);
    }

private:
    constexpr void write_row(int w) {
        buffers_.next_worker();
        let_go_ = nullptr;
        const auto at = static_cast<std::size_t>(w);
        std::int32_t transfer = transfers_.offsets[at];
        std::int32_t reduce = reductions_.offsets[at];
        std::int32_t done = 0;
        write_reductions(w, reduce, done);
        for (std::int32_t i = of_.offsets[at]; i < of_.offsets[at + 1]; ++i) {
            const slot& s = of_.entries[static_cast<std::size_t>(i)];
            const bool paired = s.overlap != 0 && i + 1 < of_.offsets[at + 1];
            const std::int32_t until = paired ? before_pair(i) : s.tick;
            for (; transfer < transfers_.offsets[at + 1] && group(transfer) <= until; ++transfer)
                write_transfer(transfer);
            write_compute(s, static_cast<std::size_t>(i));
            ++done;
            if (!paired) write_reductions(w, reduce, done);
        }
        for (; transfer < transfers_.offsets[at + 1]; ++transfer) write_transfer(transfer);
        write_end(w);
    }

    /// Returns the tick up to which transfers come before slot i and its partner: nothing comes between the two. What
    /// the partner receives while slot i runs cannot depend on slot i, which ends later, so it may as well be received
    /// before both.
    [[nodiscard]] constexpr std::int32_t before_pair(std::int32_t i) const noexcept {
        const slot& s = of_.entries[static_cast<std::size_t>(i)];
        const slot& next = of_.entries[static_cast<std::size_t>(i) + 1];
        return next.tick < s.end() ? (std::max)(s.tick, next.tick) : s.tick;
    }

    /// A row with updates between its slots: transfers and updates by tick, transfers first.
    constexpr void write_updating_row(int w) {
        buffers_.next_worker();
        let_go_ = nullptr;
        const auto at = static_cast<std::size_t>(w);
        std::int32_t transfer = transfers_.offsets[at], update = updates_.offsets[at];
        const std::int32_t transfers = transfers_.offsets[at + 1], updates = updates_.offsets[at + 1];
        const auto write_until = [&](std::int32_t tick) {
            while (true) {
                const bool moves = transfer < transfers && group(transfer) <= tick;
                const bool changes = update < updates && updates_.all[static_cast<std::size_t>(update)].time <= tick;
                if (moves && (!changes || group(transfer) <= updates_.all[static_cast<std::size_t>(update)].time))
                    write_transfer(transfer++);
                else if (changes)
                    write_update(updates_.all[static_cast<std::size_t>(update++)].stage);
                else
                    return;
            }
        };
        for (std::int32_t i = of_.offsets[at]; i < of_.offsets[at + 1]; ++i) {
            const slot& s = of_.entries[static_cast<std::size_t>(i)];
            const bool second = i > of_.offsets[at] && of_.entries[static_cast<std::size_t>(i) - 1].overlap != 0 &&
                                s.tick < of_.entries[static_cast<std::size_t>(i) - 1].end();
            if (!second) write_until(s.overlap != 0 && i + 1 < of_.offsets[at + 1] ? before_pair(i) : s.tick);
            write_compute(s, static_cast<std::size_t>(i));
        }
        write_until((std::numeric_limits<std::int32_t>::max)());
    }
    constexpr void write_update(std::int32_t stage) {
        if (reduced(stage)) {
            write_stage(action::reduce_gradient, stage);
            write_stage(action::wait_gradient, stage);
        }
        write_stage(action::update_weights, stage);
    }

    [[nodiscard]] constexpr std::int32_t group(std::int32_t i) const noexcept {
        return transfers_.transfers[static_cast<std::size_t>(i)].group;
    }
    constexpr void write_transfer(std::int32_t i) {
        out_.instructions.push_back(transfers_.transfers[static_cast<std::size_t>(i)]);
    }

    constexpr void write_compute(const slot& s, std::size_t index) {
        instruction out;
        out.op = static_cast<action>(s.op);
        out.count = s.count;
        out.overlap = s.overlap;
        out.pipeline = s.pipeline;
        out.stage = s.stage;
        out.first = s.first;
        out.inputs = messages_.inputs[index];
        if (out.inputs > 0) out.message = messages_.first_input[index];
        for (int u = s.first; s.op == pass::forward && u < s.first + s.count; ++u) buffers_.take(s.stage, u);
        out.buffer = buffers_.held(s.stage, s.first);
        if (s.count > 1) {
            out.list = static_cast<std::int32_t>(out_.buffers.size());
            for (int u = s.first; u < s.first + s.count; ++u) out_.buffers.push_back(buffers_.held(s.stage, u));
        }
        // A pair may run together: what its first slot lets go is not for the second.
        if (let_go_ != nullptr) give_back(*let_go_);
        let_go_ = s.overlap ? &s : nullptr;
        if (!s.overlap) give_back(s);
        out_.instructions.push_back(out);
    }
    constexpr void give_back(const slot& s) {
        for (int u = s.first; ends_activation(s.op) && u < s.first + s.count; ++u) buffers_.give_back(s.stage, u);
    }

    [[nodiscard]] constexpr bool reduced(std::int32_t stage) const noexcept {
        const auto s = static_cast<std::size_t>(stage);
        return groups_.offsets[s + 1] - groups_.offsets[s] > 1;
    }
    constexpr void write_stage(action op, std::int32_t stage) {
        instruction out;
        out.op = op;
        out.stage = static_cast<std::uint16_t>(stage);
        out_.instructions.push_back(out);
    }
    constexpr void write_reductions(int w, std::int32_t& next, std::int32_t done) {
        for (; next < reductions_.offsets[static_cast<std::size_t>(w) + 1]; ++next) {
            const reduction& r = reductions_.all[static_cast<std::size_t>(next)];
            if (r.after > done) return;
            if (reduced(r.stage)) write_stage(action::reduce_gradient, r.stage);
        }
    }
    constexpr void write_end(int w) {
        const auto at = static_cast<std::size_t>(w);
        for (std::int32_t i = reductions_.offsets[at]; i < reductions_.offsets[at + 1]; ++i)
            if (reduced(reductions_.all[static_cast<std::size_t>(i)].stage))
                write_stage(action::wait_gradient, reductions_.all[static_cast<std::size_t>(i)].stage);
        for (std::int32_t i = reductions_.offsets[at]; i < reductions_.offsets[at + 1]; ++i)
            if (const std::int32_t s = reductions_.all[static_cast<std::size_t>(i)].stage; s < of_.head.stages)
                write_stage(action::update_weights, s);
    }

    schedule_view of_;
    message_list messages_;
    transfer_rows transfers_;
    replica_groups groups_;
    reduction_rows reductions_;    // flushed
    update_groups update_groups_;  // not flushed
    update_rows updates_;          // not flushed
    buffer_allocator buffers_;
    const slot* let_go_ = nullptr;  // the first slot of an open pair
    program out_;
};

}  // namespace detail

/// Adds to a schedule what the executor must not decide: sends and receives with their groups and one global order,
/// activation buffers, gradient reductions, updates. Linear in slots (stages · log stages for the order of reductions).
/// The two slots of a pair stand next to each other, the first marked `overlap`.
/// If weights change within the iteration (head.update), a stage is updated as soon as all workers that hold it have
/// the last gradient of a group. Several workers reduce that gradient at once; `mode` plays no part. Every instruction
/// says which weight buffer it reads or writes, and a stage has as many buffers as it has live versions at most.
/// Skips add messages beside those of the chain, and tied links a reduction over the workers of both stages.
/// Throws `chimera_error` if links cannot be, if a slot starts before its input is there, or if a stage needs weights
/// that are not made yet or more than 256 versions of them.
[[nodiscard]] constexpr program lower(schedule_argument order, reduction_start mode = reduction_start::eager_opt) {
    if (!detail::sound_links(order.head, order.links)) detail::refuse_links();
    return detail::lowering(order, mode).run();
}

/// Returns the program of a spec's schedule. Throws `chimera_error` as `generate` does, too.
template <schedule_spec Spec>
[[nodiscard]] constexpr program lower(const Spec& spec, reduction_start mode = reduction_start::eager_opt) {
    return lower(generate(spec), mode);
}

}  // namespace chimera
