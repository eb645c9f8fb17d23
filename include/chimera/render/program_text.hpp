// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/links.hpp>
#include <chimera/program/program.hpp>
#include <chimera/render/labels.hpp>

#include <string>

namespace chimera {

namespace detail {

inline void put_instruction_line(std::string& out, program_argument from, const instruction& i) {
    std::string words(name(i.op));
    words.resize(16, ' ');
    const bool tied = i.stage >= from.head.stages;
    if (tied) {
        const stage_link l = tied_links(from.links)[static_cast<std::size_t>(i.stage - from.head.stages)];
        put(out, words, "stages ", l.from, " and ", l.to, ", tied");
    } else {
        put(out, words, "stage ", i.stage);
    }
    if (is_compute(i.op) || is_transfer(i.op)) {
        put(out, ", pipeline ", i.pipeline, ", unit ", i.first);
        if (i.count > 1) put(out, '-', i.first + i.count - 1);
    }
    if (is_compute(i.op)) {
        put(out, ", buffer ", from.buffer_of(i, 0));
        for (int u = 1; u < i.count; ++u) put(out, ' ', from.buffer_of(i, u));
    } else if (is_transfer(i.op)) {
        put(out, is_send(i.op) ? ", to worker " : ", from worker ", i.peer, ", group ", i.group);
        if (i.list >= 0) {
            const stage_link& l = from.links[static_cast<std::size_t>(i.list)];
            put(out, ", skip from stage ", l.to == i.stage ? l.from : l.to);
        }
    } else if (i.op != action::update_weights) {
        put(out, ", members");
        for (const std::int32_t w : from.replica_group(i.stage)) put(out, ' ', w);
    }
    if (from.head.update != update_rule::flushed && (is_compute(i.op) || i.op == action::update_weights))
        put(out, ", version ", static_cast<int>(i.version));
    if (i.overlap != 0) put(out, ", with the next");
    out.push_back('\n');
}

}  // namespace detail

/// A program in words: a caption, then for each worker its instructions, one per line.
[[nodiscard]] inline std::string text(program_argument from) {
    using namespace detail;
    std::string out;
    out.reserve(from.instructions.size() * 72 + 256);
    format::put_visible(out, from.head.family.view());
    put(out, ": ");
    put_sizes(out, from.head);
    put(out, "; ", from.instructions.size(), " instructions, ", from.messages, " messages\n");
    for (int w = 0; w < from.head.workers; ++w) {
        put(out, "worker ", w, ": ", from.buffer_counts[static_cast<std::size_t>(w)], " activation buffers\n");
        std::size_t index = 0;
        for (const instruction& i : from.row(w)) {
            std::string number = std::to_string(index++);
            put(out, std::string(number.size() < 6 ? 6 - number.size() : 0, ' '), number, "  ");
            put_instruction_line(out, from, i);
        }
    }
    return out;
}

}  // namespace chimera
