// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/program/instruction.hpp>
#include <chimera/program/links.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail {

/// A boundary tensor that crosses workers: what one slot yields and another, on another worker, consumes.
struct message {
    std::int32_t from = 0;  ///< worker
    std::int32_t to = 0;    ///< worker
    std::int32_t time = 0;  ///< tick at which the producing slot ends
    std::int32_t first = 0;
    std::uint16_t stage = 0;  ///< the stage that receives
    std::uint16_t pipeline = 0;
    std::uint8_t count = 0;
    bool gradient = false;
    std::int32_t link = -1;  ///< skip that it goes over, an index into the links
};

/// All messages of a schedule, numbered consumer after consumer, so that a slot's inputs are consecutive.
struct message_list {
    std::vector<message> all;
    std::vector<std::int32_t> first_input;  ///< per slot: its first message
    std::vector<std::uint8_t> inputs;       ///< per slot: how many it consumes
};

[[noreturn]] inline void missing_input(complaint what, int worker, std::size_t slot, int stage, int unit) {
    refuse("slot " + std::to_string(slot) + " of worker " + std::to_string(worker) + " (stage " +
               std::to_string(stage) + ", unit " + std::to_string(unit) +
               ") starts before its input is there (law ordered) verify the schedule",
           what);
}

/// Returns what is wrong with an input that no slot yields (`producer` is negative) or that comes too late.
[[nodiscard]] constexpr complaint input_fault(bool gradient, std::int32_t producer) noexcept {
    if (producer < 0) return gradient ? complaint::no_backward : complaint::no_forward;
    return gradient ? complaint::before_gradient : complaint::before_activation;
}

/// The slot that yields what (stage, unit) hands on: forwards first, then gradients; -1 where no slot does.
[[nodiscard]] constexpr std::vector<std::int32_t> producers(schedule_argument of) {
    const auto units = static_cast<std::size_t>(of.head.units());
    const std::size_t half = units * static_cast<std::size_t>(of.head.stages);
    std::vector<std::int32_t> out(2 * half, -1);
    std::int32_t index = 0;
    for (const slot& s : of.entries) {
        if (s.op == pass::forward || sends_gradient(s.op)) {
            const std::size_t at =
                (s.op == pass::forward ? 0 : half) + s.stage * units + static_cast<std::size_t>(s.first);
            for (std::size_t u = 0; u < s.count; ++u) out[at + u] = index;
        }
        ++index;
    }
    return out;
}

/// Adds the messages by which slot `s` of worker w gets what `from_stage` makes, one for each producing slot on another
/// worker.
constexpr void add_inputs_from(schedule_argument of, const std::vector<std::int32_t>& producer, int w,
                               std::size_t index, int from_stage, std::int32_t link, message_list& out) {
    const slot& s = of.entries[index];
    const bool gradient = sends_gradient(s.op);
    const auto units = static_cast<std::size_t>(of.head.units());
    const std::size_t half = gradient ? units * static_cast<std::size_t>(of.head.stages) : 0;
    const std::int32_t from = of.worker_of(s.pipeline, from_stage);
    for (int u = s.first; u < s.first + s.count;) {
        const std::size_t at = half + static_cast<std::size_t>(from_stage) * units + static_cast<std::size_t>(u);
        const std::int32_t by = producer[at];
        if (by < 0 || of.entries[static_cast<std::size_t>(by)].end() > s.tick)
            missing_input(input_fault(gradient, by), w, index, s.stage, u);
        const slot& source = of.entries[static_cast<std::size_t>(by)];
        const int count = (std::min)(source.first + source.count, s.first + s.count) - u;
        if (from != w)
            out.all.push_back(
                {from, w, source.end(), u, s.stage, s.pipeline, static_cast<std::uint8_t>(count), gradient, link});
        u += count;
    }
}

/// Adds the messages that slot `s` of worker w consumes: those of the chain, then those of its links.
constexpr void add_inputs(schedule_argument of, const std::vector<std::int32_t>& producer, int w, std::size_t index,
                          message_list& out) {
    const slot& s = of.entries[index];
    const bool gradient = sends_gradient(s.op);
    if (s.op != pass::forward && !gradient) return;
    const int from_stage = gradient ? s.stage + 1 : s.stage - 1;
    if (from_stage >= 0 && from_stage < of.head.stages) add_inputs_from(of, producer, w, index, from_stage, -1, out);
    for (std::size_t k = 0; k < of.links.size(); ++k)
        if (const stage_link& l = of.links[k]; reads_link(l, gradient, s.stage))
            add_inputs_from(of, producer, w, index, gradient ? l.to : l.from, static_cast<std::int32_t>(k), out);
}

[[nodiscard]] constexpr message_list find_messages(schedule_argument of) {
    message_list out;
    const std::vector<std::int32_t> producer = producers(of);
    out.first_input.reserve(of.entries.size());
    out.inputs.reserve(of.entries.size());
    out.all.reserve(of.entries.size());
    std::size_t index = 0;
    for (int w = 0; w < of.head.workers; ++w) {
        for (std::size_t left = of.row(w).size(); left > 0; --left, ++index) {
            const std::size_t before = out.all.size();
            add_inputs(of, producer, w, index, out);
            out.first_input.push_back(static_cast<std::int32_t>(before));
            out.inputs.push_back(static_cast<std::uint8_t>(out.all.size() - before));
        }
    }
    return out;
}

}  // namespace chimera::detail
