// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot.hpp>
#include <chimera/program/instruction.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chimera::detail {

/// The kinds of cells in an order that is written by hand or in PyTorch's style.
enum class cell_kind : std::uint8_t {
    idle,      ///< nothing: the worker waits
    compute,   ///< 0F3, 2I1, 2W1, 1B1, 0R3
    pair,      ///< (0F7;7B3)OVERLAP_F_B: two passes at once
    transfer,  ///< 1SEND_F3, 1RECV_F3, 1SEND_B3, 1RECV_B3; the stage is that of the worker that sends or receives
    other,     ///< 0UNSHARD, 0RESHARD, 0REDUCE_GRAD, 0WAIT_…: what a program adds by itself
    malformed,
};

/// One pass or transfer of one stage and micro-batch.
struct cell_part {
    action op = action::forward;
    std::int32_t stage = 0;
    std::int32_t micro_batch = -1;  ///< -1 where none is given
    std::int32_t count = 1;         ///< micro-batches from that one on
    std::int32_t pipeline = 0;
};

/// The forms of cells: those of PyTorch know neither several pipelines nor passes over several micro-batches.
enum class cell_form : std::uint8_t { pytorch, extended };

struct cell {
    cell_kind kind = cell_kind::idle;
    cell_part parts[2];
    const char* wrong = "";  ///< malformed: what is wrong, and how to put it right
};

inline constexpr std::int32_t cell_number_most =
    2147483519;  // a unit's last number plus a slot's 127 still is an int32

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Takes a run of digits off the text and returns its number; -1 if there is none, -2 if it is too large.
constexpr std::int64_t take_number(std::string_view& text) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return -1;
    std::int64_t value = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
        if (value <= cell_number_most) value = 10 * value + (text.front() - '0');
    return value > cell_number_most ? -2 : value;
}

struct cell_word {
    std::string_view text;
    cell_kind kind;
    action op;
};

/// The words of PyTorch 2.15 (torch.distributed.pipelining, _Action), and R for a recomputed forward, which it lacks.
inline constexpr cell_word cell_words[] = {
    {"F", cell_kind::compute, action::forward},
    {"B", cell_kind::compute, action::backward},
    {"I", cell_kind::compute, action::input_gradient},
    {"W", cell_kind::compute, action::weight_gradient},
    {"R", cell_kind::compute, action::recompute},
    {"SEND_F", cell_kind::transfer, action::send_activation},
    {"RECV_F", cell_kind::transfer, action::recv_activation},
    {"SEND_B", cell_kind::transfer, action::send_gradient},
    {"RECV_B", cell_kind::transfer, action::recv_gradient},
    {"UNSHARD", cell_kind::other, action::update_weights},
    {"RESHARD", cell_kind::other, action::update_weights},
    {"REDUCE_GRAD", cell_kind::other, action::reduce_gradient},
    {"WAIT_REDUCE_GRAD", cell_kind::other, action::wait_gradient},
    {"WAIT_SEND_F", cell_kind::other, action::send_activation},
    {"WAIT_SEND_B", cell_kind::other, action::send_gradient},
};

[[nodiscard]] constexpr cell wrong_cell(const char* why) {
    cell out;
    out.kind = cell_kind::malformed;
    out.wrong = why;
    return out;
}

/// Takes `-5` off the text, the last of the micro-batches of a pass, and `@1`, its pipeline. Returns what is wrong.
constexpr const char* take_extension(std::string_view& text, cell_part& part) {
    if (!text.empty() && text.front() == '-') {
        text.remove_prefix(1);
        const std::int64_t last = take_number(text);
        if (last < part.micro_batch || last > part.micro_batch + 126)
            return "its micro-batches run backwards or are more than 127) write a pass over 2 and 3 as 0F2-3";
        part.count = static_cast<std::int32_t>(last) - part.micro_batch + 1;
    }
    if (!text.empty() && text.front() == '@') {
        text.remove_prefix(1);
        const std::int64_t pipeline = take_number(text);
        if (pipeline < 0 || pipeline > 65535) return "its pipeline is no number up to 65535) write it as in 0F3@1";
        part.pipeline = static_cast<std::int32_t>(pipeline);
    }
    return nullptr;
}

/// One stage, word and micro-batch, such as 0F3.
[[nodiscard]] constexpr cell read_single(std::string_view text, cell_form form = cell_form::pytorch) {
    const std::int64_t stage = take_number(text);
    if (stage == -1)
        return wrong_cell("it does not start with a stage) write stage, pass and micro-batch, such as 0F3");
    if (stage > 65535 || stage == -2) return wrong_cell("its stage is above 65535) number stages from 0");
    std::size_t letters = 0;
    while (letters < text.size() && ((text[letters] >= 'A' && text[letters] <= 'Z') || text[letters] == '_')) ++letters;
    const std::string_view word = text.substr(0, letters);
    text.remove_prefix(letters);
    for (const cell_word& known : cell_words) {
        if (known.text != word) continue;
        const std::int64_t micro_batch = take_number(text);
        if (micro_batch == -2) return wrong_cell("its micro-batch is too large) number micro-batches from 0");
        cell out;
        out.kind = known.kind;
        out.parts[0] = {known.op, static_cast<std::int32_t>(stage), static_cast<std::int32_t>(micro_batch)};
        if (form == cell_form::extended && micro_batch >= 0)
            if (const char* wrong = take_extension(text, out.parts[0])) return wrong_cell(wrong);
        if (!text.empty()) return wrong_cell("more follows the pass) write one pass in a cell, such as 0F3");
        if (micro_batch == -1 && known.kind != cell_kind::other)
            return wrong_cell("it names no micro-batch) write stage, pass and micro-batch, such as 0F3");
        return out;
    }
    return wrong_cell("its pass is unknown) give F, B, I, W or R, or a transfer such as SEND_F");
}

/// Two passes at once: (0F7;7B3)OVERLAP_F_B.
[[nodiscard]] constexpr cell read_pair(std::string_view text, cell_form form) {
    constexpr const char* no_pair = "it is no pair) write two passes, such as (0F7;7B3)OVERLAP_F_B";
    const std::size_t middle = text.find(';');
    const std::size_t end = text.find(')');
    if (end == std::string_view::npos || middle > end || text.substr(end + 1) != "OVERLAP_F_B")
        return wrong_cell(no_pair);
    const cell first = read_single(trimmed(text.substr(1, middle - 1)), form);
    const cell second = read_single(trimmed(text.substr(middle + 1, end - middle - 1)), form);
    if (first.kind == cell_kind::malformed) return first;
    if (second.kind == cell_kind::malformed) return second;
    if (first.kind != cell_kind::compute || second.kind != cell_kind::compute) return wrong_cell(no_pair);
    cell out;
    out.kind = cell_kind::pair;
    out.parts[0] = first.parts[0];
    out.parts[1] = second.parts[0];
    return out;
}

/// Reads one cell. An empty one is idle.
[[nodiscard]] constexpr cell read_cell(std::string_view text, cell_form form = cell_form::pytorch) {
    text = trimmed(text);
    if (text.empty()) return {};
    return text.front() == '(' ? read_pair(text, form) : read_single(text, form);
}

}  // namespace chimera::detail
