// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/program/program.hpp>
#include <chimera/render/format.hpp>

#include <string>

namespace chimera {

namespace detail {

inline void put_integers(std::string& out, std::span<const std::int32_t> values) {
    out.push_back('[');
    for (std::size_t i = 0; i < values.size(); ++i) put(out, i == 0 ? "" : ",", values[i]);
    out.push_back(']');
}

/// Pairs of stages, where there are links of the kind.
inline void put_links(std::string& out, std::string_view key, link_kind kind, std::span<const stage_link> links) {
    bool any = false;
    for (const stage_link& l : links) {
        if (l.kind != kind) continue;
        put(out, any ? "," : " \"", any ? "" : key, any ? "" : "\":[", '[', l.from, ',', l.to, ']');
        any = true;
    }
    if (any) put(out, "],\n");
}

/// The keys that schedules and programs share, up to and including the placement.
inline void put_header(std::string& out, std::string_view format, const shape& head,
                       std::span<const std::int32_t> placement, std::span<const stage_link> links) {
    put(out, "{\"format\":\"", format, "\",\"version\":1,\"family\":");
    put_quoted(out, head.family.view());
    put(out, ",\"workers\":", head.workers, ",\"stages\":", head.stages, ",\"pipelines\":", head.pipelines);
    put(out, ",\n \"micro_batches\":", head.micro_batches, ",\"micro_batch_parts\":", head.micro_batch_parts);
    if (head.update != update_rule::flushed)
        put(out, ",\n \"update\":\"", name(head.update), "\",\"update_every\":", head.update_every);
    put(out, ",\n \"placement\":[");
    for (std::int32_t p = 0; p < head.pipelines; ++p) {
        if (p > 0) out.push_back(',');
        const auto stages = static_cast<std::size_t>(head.stages);
        put_integers(out, placement.subspan(static_cast<std::size_t>(p) * stages, stages));
    }
    put(out, "],\n");
    put_links(out, "skips", link_kind::skip, links);
    put_links(out, "tied", link_kind::tied, links);
}

/// `"key":[[…],[…]]}`: one list per worker, one element per line, each written by `write(element)`.
template <class View, class Write>
void put_rows(std::string& out, std::string_view key, const View& from, Write write) {
    put(out, " \"", key, "\":[");
    for (std::int32_t w = 0; w < from.head.workers; ++w) {
        put(out, w == 0 ? "[" : ",\n [");
        const char* before = "\n  ";
        for (const auto& element : from.row(w)) {
            put(out, before);
            write(element);
            before = ",\n  ";
        }
        out.push_back(']');
    }
    put(out, "]}\n");
}

inline void put_slot(std::string& out, const slot& s) {
    put(out, "{\"op\":\"", letter(s.op), "\",\"pipeline\":", s.pipeline, ",\"stage\":", s.stage);
    put(out, ",\"first\":", s.first, ",\"count\":", static_cast<int>(s.count));
    put(out, ",\"tick\":", s.tick, ",\"ticks\":", s.ticks, s.overlap != 0 ? ",\"overlap\":true}" : "}");
}

inline void put_instruction(std::string& out, program_argument from, const instruction& i) {
    put(out, "{\"op\":\"", name(i.op), '"');
    if (is_compute(i.op) || is_transfer(i.op)) put(out, ",\"pipeline\":", i.pipeline);
    put(out, ",\"stage\":", i.stage);
    const bool versions = from.head.update != update_rule::flushed;
    if (versions && (is_compute(i.op) || i.op == action::update_weights))
        put(out, ",\"version\":", static_cast<int>(i.version));
    if (i.op == action::update_weights) return put(out, '}');
    if (!is_compute(i.op) && !is_transfer(i.op)) {
        put(out, ",\"members\":");
        put_integers(out, from.replica_group(i.stage));
        return put(out, '}');
    }
    put(out, ",\"first\":", i.first, ",\"count\":", static_cast<int>(i.count));
    if (is_transfer(i.op)) put(out, ",\"peer\":", i.peer, ",\"to_stage\":", i.stage);
    if (is_transfer(i.op) && i.list >= 0) {
        const stage_link& l = from.links[static_cast<std::size_t>(i.list)];
        put(out, ",\"from_stage\":", l.to == i.stage ? l.from : l.to);
    }
    if (is_transfer(i.op) && i.group >= 0) put(out, ",\"group\":", i.group);
    if (is_compute(i.op) && i.buffer >= 0) put(out, ",\"buffer\":", i.buffer);
    if (is_compute(i.op) && i.list >= 0 && i.count > 1) {
        put(out, ",\"buffers\":");
        put_integers(out, from.buffers.subspan(static_cast<std::size_t>(i.list), i.count));
    }
    put(out, i.overlap != 0 ? ",\"overlap\":true}" : "}");
}

}  // namespace detail

/// The schedule as a chimera.schedule file, version 1. One slot per line; linear in slots.
[[nodiscard]] inline std::string json(schedule_argument from) {
    std::string out;
    out.reserve(from.entries.size() * 88 + from.placement.size() * 6 + 512);
    detail::put_header(out, "chimera.schedule", from.head, from.placement, from.links);
    detail::put_rows(out, "slots", from, [&](const slot& s) { detail::put_slot(out, s); });
    return out;
}

/// The program as a chimera.program file, version 1. One instruction per line. Keys that do not apply are absent; on a
/// send and a receive `stage` and `to_stage` both name the stage that receives, `from_stage` the other one of a skip; a
/// compute step over several units has the `buffer` of its first one and `buffers`, one each. If weights change within
/// the iteration, compute steps and updates have a `version`, and the header says when ("update", "update_every").
[[nodiscard]] inline std::string json(program_argument from) {
    std::string out;
    out.reserve(from.instructions.size() * 104 + from.placement.size() * 6 + 512);
    detail::put_header(out, "chimera.program", from.head, from.placement, from.links);
    detail::put_rows(out, "instructions", from, [&](const instruction& i) { detail::put_instruction(out, from, i); });
    return out;
}

}  // namespace chimera
