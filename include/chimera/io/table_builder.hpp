// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/core/error.hpp>
#include <chimera/core/refusal.hpp>
#include <chimera/io/message_numbers.hpp>
#include <chimera/io/read_events.hpp>
#include <chimera/io/table.hpp>
#include <chimera/io/table_keys.hpp>
#include <chimera/io/table_links.hpp>
#include <chimera/program/links.hpp>
#include <chimera/schedule/custom.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace chimera::detail::reading {

/// Builds the schedule or the program while the file goes by.
class table_builder final : public table_events {
public:
    schedule_or_program build() {
        finish();
        const auto workers = static_cast<std::size_t>(head.workers);
        if (offsets.size() != workers + 1) {
            refuse(section + " has " + std::to_string(offsets.size() - 1) + " lists (the file has " +
                   std::to_string(workers) + " workers) give one for each worker");
        }
        check_units();
        return section == "slots" ? schedule_or_program(finish_schedule()) : schedule_or_program(finish_program());
    }

private:
    void take(const item& one) override {
        if (!one.has(field::op)) complain("key 'op' is missing (the format has it) add it");
        section == "slots" ? take_slot(one) : take_instruction(one);
    }

    void check_keys(const item& one, keys k) const {
        for (int f = 0; f < field_count; ++f) {
            const auto name = std::string(fields[static_cast<std::size_t>(f)].name);
            const bool here = (one.present >> f & 1U) != 0;
            if (!here && (k.needed >> f & 1U) != 0)
                complain("key '" + name + "' is missing (" + one.op + " has it) add it");
            if (here && (k.allowed >> f & 1U) == 0)
                complain("key '" + name + "' does not apply (to " + one.op + ") remove it");
        }
    }

    void take_slot(const item& one) {
        const auto letter = one.op.size() == 1 ? std::string_view("FBIWR").find(one.op[0]) : std::string_view::npos;
        if (letter == std::string_view::npos) unknown_op(one.op, "F, B, I, W or R");
        check_keys(one, {work, slot_keys | bits({field::overlap})});
        if (slots_.empty()) timed_ = one.has(field::tick);
        if (one.has(field::tick) != timed_)
            complain("key 'tick' is " + std::string(timed_ ? "missing" : "there") + " (all slots have one, or none) " +
                     (timed_ ? "add it" : "remove it"));
        if (!slots_.empty() && one.has(field::ticks) != lengths_)
            complain("key 'ticks' is " + std::string(lengths_ ? "missing" : "there") +
                     " (all slots have it, or none) " + (lengths_ ? "add it" : "remove it"));
        lengths_ = one.has(field::ticks);
        slot s;
        s.op = static_cast<pass>(letter);
        s.pipeline = static_cast<std::uint16_t>(one[field::pipeline]);
        s.stage = static_cast<std::uint16_t>(one[field::stage]);
        s.first = one[field::first];
        s.count = static_cast<std::uint8_t>(one[field::count] & 0x7f);
        if (timed_) s.tick = one[field::tick];
        if (lengths_) s.ticks = static_cast<std::uint16_t>(one[field::ticks]);
        s.overlap = one.overlap ? 1 : 0;
        slots_.push_back(s);
    }

    void take_instruction(const item& one) {
        int op = 0;
        while (op < action_count && name(static_cast<action>(op)) != one.op) ++op;
        if (op == action_count) unknown_op(one.op, "forward, backward, send_activation or another of the format's");
        instruction i;
        i.op = static_cast<action>(op);
        check_keys(one, keys_of(i.op));
        const auto get = [&](field f, std::int32_t otherwise) { return one.has(f) ? one[f] : otherwise; };
        i.pipeline = static_cast<std::uint16_t>(get(field::pipeline, 0));
        i.stage = static_cast<std::uint16_t>(stage_of(one, i.op));
        i.first = get(field::first, -1);
        i.count = static_cast<std::uint8_t>(get(field::count, 1) & 0x7f);
        i.peer = get(field::peer, -1);
        i.buffer = get(field::buffer, -1);
        i.group = get(field::group, -1);
        i.version = static_cast<std::uint8_t>(get(field::version, 0));
        i.overlap = one.overlap ? 1 : 0;
        if (is_transfer(i.op)) i.list = get(field::from_stage, -1);  // until the links are known
        if (is_compute(i.op)) take_buffers(one, i);
        if (one.has(field::members)) take_members(one, i.stage);
        instructions_.push_back(i);
    }

    /// The stage that a transfer goes to may stand under either key.
    std::int32_t stage_of(const item& one, action op) const {
        if (!is_transfer(op)) return one.has(field::stage) ? one[field::stage] : 0;
        const bool to = one.has(field::to_stage);
        if (!to && !one.has(field::stage))
            complain("key 'stage' is missing (a transfer names the stage that receives) add it");
        if (to && one.has(field::stage) && one[field::stage] != one[field::to_stage]) {
            complain("stage and to_stage differ (both name the stage that receives) give one number twice");
        }
        return to ? one[field::to_stage] : one[field::stage];
    }

    void take_buffers(const item& one, instruction& i) {
        if (!one.has(field::buffers)) {
            if (i.count > 1)
                complain("key 'buffers' is missing (count is " + std::to_string(i.count) +
                         ") give a buffer for each unit");
            return;
        }
        if (one.buffers.size() != i.count || one.buffers[0] != i.buffer) {
            complain("buffers does not fit (one for each of " + std::to_string(i.count) +
                     " units, the first as in buffer) correct it");
        }
        if (i.count == 1) return;
        i.list = static_cast<std::int32_t>(buffers_.size());
        if (buffers_.size() + one.buffers.size() > static_cast<std::size_t>(int_most))
            complain("too many buffers (in one file) split it");
        buffers_.insert(buffers_.end(), one.buffers.begin(), one.buffers.end());
    }

    void take_members(const item& one, std::size_t stage) {
        if (groups_.size() <= stage) groups_.resize(stage + 1);
        if (groups_[stage].empty()) groups_[stage] = one.members;
        if (groups_[stage] != one.members) {
            throw contradiction(place() + "members of stage " + std::to_string(stage) +
                                    " differ from an earlier list (a stage has one replica group) correct one of them",
                                complaint::bad_members);
        }
    }

    [[noreturn]] void unknown_op(const std::string& op, const char* known) const {
        std::string shown;
        for (const char c : op.substr(0, 32))
            shown.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
        complain("op '" + shown + "' is unknown (to version 1 of the format) give " + known);
    }

    /// Readers of the result keep tables of (stage, unit): the sizes must be in proportion to what the file holds.
    void check_units() const {
        const std::int64_t units = std::int64_t{head.micro_batches} * head.micro_batch_parts;
        const auto pairs = units <= most_slots ? units * head.stages : most_slots + 1;
        const auto items = static_cast<std::int64_t>(slots_.size() + instructions_.size());
        if (pairs > most_slots)
            refuse(
                "stages, micro_batches and micro_batch_parts are too large (more than 2^27 passes) give smaller ones");
        if (pairs > (1 << 20) && pairs / 128 > items) {
            refuse("micro_batches is " + std::to_string(head.micro_batches) + " (the file has only " +
                   std::to_string(items) + " " + section + ") give as many as it computes");
        }
    }

    std::vector<std::int32_t> finish_placement() const {
        const auto pipelines = static_cast<std::size_t>(head.pipelines);
        const auto stages = static_cast<std::size_t>(head.stages);
        if (placement.size() != pipelines) {
            refuse("placement has " + std::to_string(placement.size()) + " lists (the file has " +
                   std::to_string(pipelines) + " pipelines) give one for each pipeline");
        }
        std::vector<std::int32_t> out;
        for (std::size_t p = 0; p < pipelines; ++p) {
            if (placement[p].size() != stages) {
                refuse("placement, pipeline " + std::to_string(p) + ": " + std::to_string(placement[p].size()) +
                       " workers (the file has " + std::to_string(stages) + " stages) give one for each stage");
            }
            for (std::size_t s = 0; s < stages; ++s) {
                check("placement, pipeline " + std::to_string(p) + ", stage " + std::to_string(s) + ": ", "worker",
                      placement[p][s], head.workers);
            }
            out.insert(out.end(), placement[p].begin(), placement[p].end());
        }
        return out;
    }

    static void check(const std::string& where, const char* what, std::int64_t value, std::int64_t size) {
        if (value < size) return;
        refuse(where + what + " is " + std::to_string(value) + " (the file has " + std::to_string(size) +
               ") give 0 to " + std::to_string(size - 1));
    }

    /// Calls see(element, worker) for all, and names the place where it refuses.
    template <class Element, class See>
    void each(const std::vector<Element>& all, See see) const {
        for (std::size_t w = 0; w + 1 < offsets.size(); ++w) {
            for (std::int32_t i = offsets[w]; i < offsets[w + 1]; ++i) {
                const Element& one = all[static_cast<std::size_t>(i)];
                if (see(one, false, std::string())) continue;
                const char* what = section == "slots" ? ", slot " : ", instruction ";
                see(one, true, "worker " + std::to_string(w) + what + std::to_string(i - offsets[w]) + ": ");
            }
        }
    }

    /// Returns true if the sizes cover what a slot or an instruction computes; refuses where `loud`.
    template <class Element>
    bool covered(const Element& one, bool loud, const std::string& where) const {
        const std::int64_t last = std::int64_t{one.first} + one.count - 1;
        std::int64_t stages = head.stages;
        if constexpr (std::is_same_v<Element, instruction>)
            if (one.op == action::reduce_gradient || one.op == action::wait_gradient)
                stages += static_cast<std::int64_t>(tied.size());
        if (one.stage < stages && one.pipeline < head.pipelines && last < head.units()) return true;
        if (!loud) return false;
        check(where, "stage", one.stage, stages);
        check(where, "pipeline", one.pipeline, head.pipelines);
        check(where, "the last unit", last, head.units());
        return true;
    }

    schedule finish_schedule() {
        schedule out{head, finish_placement(), {}, {}, links_of(head, skips, tied)};
        each(slots_, [&](const slot& s, bool loud, const std::string& where) { return covered(s, loud, where); });
        out.offsets = std::move(offsets);
        out.entries = std::move(slots_);
        if (!lengths_) detail::give_lengths(out.entries);
        if (timed_) return out;
        std::int64_t all = 0;
        for (const slot& s : out.entries) all += s.ticks;
        if (all > std::int64_t{1} << 29) refuse("ticks are too large (more than 2^29 together) give smaller ones");
        return timed(out);
    }

    program finish_program() {
        program out;
        out.head = head;
        out.placement = finish_placement();
        out.links = links_of(head, skips, tied);
        for (instruction& i : instructions_)
            if (is_transfer(i.op) && i.list >= 0) i.list = link_of(i, out.links);
        each(instructions_, [&](const instruction& i, bool loud, const std::string& where) {
            if (i.list == no_link && is_transfer(i.op)) {
                if (loud) refuse(where + "no skip joins from_stage and to_stage (see skips) correct one of them");
                return false;
            }
            if (!covered(i, loud, where)) return false;
            if (loud) check(where, "peer", i.peer, head.workers);
            return i.peer < head.workers;
        });
        count_buffers(out);
        out.offsets = std::move(offsets);
        out.instructions = std::move(instructions_);
        out.buffers = std::move(buffers_);
        number_messages(out);
        list_members(out);
        if (head.update != update_rule::flushed) count_versions(out);
        return out;
    }

    /// Buffers of a worker: as many as the largest number asks for. More than it computes units can never be in use.
    void count_buffers(program& out) const {
        for (std::size_t w = 0; w + 1 < offsets.size(); ++w) {
            std::int64_t units = 0;
            std::int32_t most = -1;
            for (std::int32_t k = offsets[w]; k < offsets[w + 1]; ++k) {
                const instruction& i = instructions_[static_cast<std::size_t>(k)];
                if (!is_compute(i.op)) continue;
                units += i.count;
                most = (std::max)(most, i.buffer);
                for (int u = 1; i.list >= 0 && u < i.count; ++u)
                    most = (std::max)(most, buffers_[static_cast<std::size_t>(i.list + u)]);
            }
            if (most >= units)
                check("worker " + std::to_string(w) + ": ", "a buffer", most, (std::max<std::int64_t>)(units, 1));
            out.buffer_counts.push_back(most + 1);
        }
    }

    /// Replica groups as the instructions state them; for a stage without any, the workers that the placement names.
    void list_members(program& out) {
        const auto stages = static_cast<std::size_t>(head.stages);
        const std::vector<stage_link> ties = tied_links(out.links);
        groups_.resize(stages + ties.size());
        out.member_offsets.push_back(0);
        for (std::size_t s = 0; s < groups_.size(); ++s) {
            auto& group = groups_[s];
            for (const std::int32_t w : group)
                check("members of stage " + std::to_string(s) + ": ", "worker", w, head.workers);
            if (group.empty()) {
                for (const std::vector<std::int32_t>& workers : placement) {
                    if (s < stages) group.push_back(workers[s]);
                    if (s >= stages)
                        group.insert(group.end(), {workers[ties[s - stages].from], workers[ties[s - stages].to]});
                }
                std::sort(group.begin(), group.end());
                group.erase(std::unique(group.begin(), group.end()), group.end());
            }
            out.members.insert(out.members.end(), group.begin(), group.end());
            out.member_offsets.push_back(static_cast<std::int32_t>(out.members.size()));
        }
    }

    /// Weight versions that each member of a replica group keeps: as many as the largest number asks for.
    static void count_versions(program& out) {
        out.version_counts.assign(out.members.size(), 1);
        for (std::int32_t w = 0; w < out.head.workers; ++w) {
            for (const instruction& i : out.view().row(w)) {
                if (i.version == 0 || is_transfer(i.op)) continue;
                const auto begin = out.members.begin() + out.member_offsets[i.stage];
                const auto end = out.members.begin() + out.member_offsets[i.stage + 1U];
                const auto found = std::find(begin, end, w);
                if (found == end) continue;
                auto& count = out.version_counts[static_cast<std::size_t>(found - out.members.begin())];
                count = (std::max)(count, i.version + 1);
            }
        }
    }

    std::vector<slot> slots_;
    bool timed_ = true, lengths_ = true;  // slots say their tick, their length
    std::vector<instruction> instructions_;
    std::vector<std::int32_t> buffers_;
    std::vector<std::vector<std::int32_t>> groups_;
};

}  // namespace chimera::detail::reading
