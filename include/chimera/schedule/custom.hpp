// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/cell.hpp>
#include <chimera/timing/retime.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace chimera {

/// Gives the slots of an order their ticks: each starts as early as its worker and its inputs allow. If rows wait for
/// each other, a slot that cannot start follows the one before it in its row, so that verify names it.
[[nodiscard]] constexpr schedule timed(schedule_argument table) {
    schedule out{table.head,
                 {table.placement.begin(), table.placement.end()},
                 {table.offsets.begin(), table.offsets.end()},
                 {table.entries.begin(), table.entries.end()}};
    for (slot& s : out.entries) s.tick = -1;
    detail::play<std::int32_t>(
        table, detail::own_ticks{}, [](int) { return std::int32_t{0}; }, detail::tick_sink{out.entries.data()});
    for (int w = 0; w < table.head.workers; ++w) {
        std::int32_t free_from = 0;
        for (std::int32_t i = out.offsets[static_cast<std::size_t>(w)];
             i < out.offsets[static_cast<std::size_t>(w) + 1]; ++i) {
            slot& s = out.entries[static_cast<std::size_t>(i)];
            if (s.tick < 0) s.tick = free_from;
            free_from = (std::max)(free_from, s.overlap != 0 ? s.tick : s.end());
        }
    }
    return out;
}

namespace detail {

/// Gives the slots of an order lengths on the grid: a tick for each pass, two for a full backward among halves, and to
/// a pair those of its two passes together.
constexpr void give_lengths(std::vector<slot>& slot_list) {
    bool halves = false;
    for (const slot& s : slot_list) halves = halves || s.op == pass::input_gradient || s.op == pass::weight_gradient;
    for (slot& s : slot_list) s.ticks = s.op == pass::backward && halves ? 2 : 1;
    for (std::size_t i = 0; i + 1 < slot_list.size(); ++i)
        if (slot_list[i].overlap != 0)
            slot_list[i].ticks = slot_list[i + 1].ticks =
                static_cast<std::uint16_t>(slot_list[i].ticks + slot_list[i + 1].ticks);
}

/// Reads an order: rows by ; or by lines, cells by spaces or commas; `.` waits.
struct order_reader {
    std::string_view rest;
    schedule out{};
    refusal why = refusal::none;

    constexpr void read() {
        out.head = {"custom", 0, 0, 1, 0, 1};
        out.offsets.push_back(0);
        bool open = false;  // the last row has no end yet
        while (!rest.empty() && why == refusal::none) {
            const char c = rest.front();
            if (c == ';' || c == '\n') {
                end_row();
                open = false;
                rest.remove_prefix(1);
            } else if (c == ' ' || c == ',' || c == '\t' || c == '.') {
                rest.remove_prefix(1);
            } else {
                take(next_word());
                open = true;
            }
        }
        if (open) end_row();
        if (why == refusal::none) place();
    }

    constexpr std::string_view next_word() {
        std::size_t end = 0;
        for (bool inside = false; end < rest.size(); ++end) {
            const char c = rest[end];
            if (!inside && (c == ' ' || c == ',' || c == '\t' || c == ';' || c == '\n')) break;
            inside = c == '(' || (inside && c != ')');
        }
        const std::string_view word = rest.substr(0, end);
        rest.remove_prefix(end);
        return word;
    }

    constexpr void end_row() {
        ++out.head.workers;
        out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
    }

    constexpr void take(std::string_view word) {
        const cell c = read_cell(word);
        if (c.kind != cell_kind::compute && c.kind != cell_kind::pair) {
            why = refusal::custom_cell;
            return;
        }
        add(c.parts[0], c.kind == cell_kind::pair);
        if (c.kind == cell_kind::pair) add(c.parts[1], false);
    }

    constexpr void add(const cell_part& part, bool overlap) {
        slot s;
        s.op = static_cast<pass>(part.op);
        s.stage = static_cast<std::uint16_t>(part.stage);
        s.first = part.micro_batch;
        s.overlap = overlap ? 1 : 0;
        out.entries.push_back(s);
        out.head.stages = (std::max)(out.head.stages, part.stage + 1);
        out.head.micro_batches = (std::max)(out.head.micro_batches, part.micro_batch + 1);
    }

    /// The worker of a stage is the row that holds it: one row, and every stage in one.
    constexpr void place() {
        if (out.entries.empty()) why = refusal::custom_empty;
        if (why != refusal::none) return;
        const auto pairs = std::int64_t{out.head.stages} * out.head.micro_batches;
        if (pairs > (std::int64_t{1} << 20) && pairs / 128 > static_cast<std::int64_t>(out.entries.size())) {
            why = refusal::custom_numbers;
            return;
        }
        out.placement = std::vector<std::int32_t>(static_cast<std::size_t>(out.head.stages), -1);
        for (int w = 0; w < out.head.workers; ++w) {
            for (std::int32_t i = out.offsets[static_cast<std::size_t>(w)];
                 i < out.offsets[static_cast<std::size_t>(w) + 1]; ++i) {
                std::int32_t& at = out.placement[out.entries[static_cast<std::size_t>(i)].stage];
                if (at >= 0 && at != w) why = refusal::custom_stage_twice;
                at = w;
            }
        }
        for (const std::int32_t w : out.placement)
            if (w < 0) why = refusal::custom_stage_missing;
    }
};

[[nodiscard]] constexpr order_reader read_order(std::string_view text) {
    order_reader reader{text};
    reader.read();
    return reader;
}

}  // namespace detail

/// An order written by hand, as a spec like any family: `custom{"0F0 0F1 0B0 0B1; 1F0 1B0 1F1 1B1"}`. It has a row per
/// worker, closed by `;` or a new line. A cell is a stage, a pass (F, B, I, W, R) and a micro-batch; a pair is
/// (0F1;1B0)OVERLAP_F_B. The worker of a stage is the row that holds it; the ticks are the earliest that the order
/// allows.
/// An order that breaks a law is built all the same: `proven<table_of<…>>` and verify() name the slot.
template <std::size_t Size>
struct custom {
    char text[Size] = {};  ///< the order, with the zero at its end

    /// Takes the order as a string literal.
    constexpr custom(const char (&from)[Size]) {
        for (std::size_t i = 0; i < Size; ++i) text[i] = from[i];
    }

    /// Returns the order without the zero at its end, valid as long as the spec is.
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, Size - 1}; }
    [[nodiscard]] constexpr refusal refused() const { return detail::read_order(view()).why; }
    [[nodiscard]] constexpr int workers() const { return detail::read_order(view()).out.head.workers; }
    [[nodiscard]] constexpr int placements() const { return detail::read_order(view()).out.head.stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const { return detail::read_order(view()).out.entries.size(); }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        detail::order_reader reader = detail::read_order(view());
        detail::give_lengths(reader.out.entries);
        return timed(reader.out);
    }
};

}  // namespace chimera
