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
                 {table.entries.begin(), table.entries.end()},
                 {table.links.begin(), table.links.end()}};
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
        out.head = {"custom", 0, 0, 0, 0, 1};
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
        const cell c = read_cell(word, cell_form::extended);
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
        s.pipeline = static_cast<std::uint16_t>(part.pipeline);
        s.first = part.micro_batch;
        s.count = static_cast<std::uint8_t>(part.count & 127);
        s.overlap = overlap ? 1 : 0;
        out.entries.push_back(s);
        out.head.stages = (std::max)(out.head.stages, part.stage + 1);
        out.head.pipelines = (std::max)(out.head.pipelines, part.pipeline + 1);
        out.head.micro_batches = (std::max)(out.head.micro_batches, part.micro_batch + part.count);
    }

    /// The worker of a pipeline's stage is the row that holds it: one row, and every stage in one.
    constexpr void place() {
        if (out.entries.empty()) why = refusal::custom_empty;
        if (why != refusal::none) return;
        const auto pairs = std::int64_t{out.head.stages} * out.head.micro_batches;
        if (pairs > (std::int64_t{1} << 20) && pairs / 128 > static_cast<std::int64_t>(out.entries.size())) {
            why = refusal::custom_numbers;
            return;
        }
        const auto places = std::int64_t{out.head.stages} * out.head.pipelines;
        if (places > static_cast<std::int64_t>(out.entries.size())) why = refusal::custom_stage_missing;
        if (why != refusal::none) return;
        out.placement = std::vector<std::int32_t>(static_cast<std::size_t>(places), -1);
        for (int w = 0; w < out.head.workers; ++w) {
            for (std::int32_t i = out.offsets[static_cast<std::size_t>(w)];
                 i < out.offsets[static_cast<std::size_t>(w) + 1]; ++i) {
                const slot& s = out.entries[static_cast<std::size_t>(i)];
                std::int32_t& at = out.placement[static_cast<std::size_t>(s.pipeline * out.head.stages + s.stage)];
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

/// Returns the schedule of a text that holds an order.
[[nodiscard]] constexpr schedule order_of(std::string_view text) {
    order_reader reader = read_order(text);
    give_lengths(reader.out.entries);
    return timed(reader.out);
}

}  // namespace detail

/// An order written by hand, as a spec like any family: `custom{"0F0 0F1 0B0 0B1; 1F0 1B0 1F1 1B1"}`. It has a row per
/// worker, closed by `;` or a new line. A cell is a stage, a pass (F, B, I, W, R) and a micro-batch, or a few (0F2-3).
/// `@1` behind it names its pipeline where there are several (0F3@1), and a pair is (0F1;1B0)OVERLAP_F_B. The worker of
/// a stage is the row that holds it; the ticks are the earliest that the order allows.
/// An order that breaks a law is built all the same: `proven<table_of<…>>` and verify() name the slot.
template <std::size_t Size>
struct custom {
    char text[Size] = {};  ///< the order, with the zero at its end

    /// Takes the order as a string literal, which it copies.
    constexpr custom(const char (&from)[Size]) {
        for (std::size_t i = 0; i < Size; ++i) text[i] = from[i];
    }

    /// Returns the order without the zero at its end, valid as long as the spec is.
    [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, Size - 1}; }
    [[nodiscard]] constexpr refusal refused() const { return detail::read_order(view()).why; }
    [[nodiscard]] constexpr int workers() const { return detail::read_order(view()).out.head.workers; }
    [[nodiscard]] constexpr int placements() const {
        return static_cast<int>(detail::read_order(view()).out.placement.size());
    }
    [[nodiscard]] constexpr std::size_t slot_count() const { return detail::read_order(view()).out.entries.size(); }

private:
    friend struct detail::maker;

    constexpr schedule make() const { return detail::order_of(view()); }
};

/// An order in a text at run time, `custom{text}`: of a file, say. The spec is valid as long as the text.
template <>
struct custom<0> {
    std::string_view text;

    /// Makes a spec that looks at a text.
    constexpr custom(std::string_view from) noexcept : text(from) {}

    [[nodiscard]] constexpr std::string_view view() const noexcept { return text; }
    [[nodiscard]] constexpr refusal refused() const { return detail::read_order(text).why; }
    [[nodiscard]] constexpr int workers() const { return detail::read_order(text).out.head.workers; }
    [[nodiscard]] constexpr int placements() const {
        return static_cast<int>(detail::read_order(text).out.placement.size());
    }
    [[nodiscard]] constexpr std::size_t slot_count() const { return detail::read_order(text).out.entries.size(); }

private:
    friend struct detail::maker;

    constexpr schedule make() const { return detail::order_of(text); }
};

/// Makes a spec of a text at run time.
custom(std::string_view)->custom<0>;

}  // namespace chimera
