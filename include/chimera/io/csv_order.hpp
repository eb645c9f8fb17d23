// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/refusal.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/io/csv_cells.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace chimera::detail::reading {

/// The row of every stage.
inline std::vector<std::int32_t> find_placement(const csv_cells& of) {
    std::vector<const csv_cell*> first;  // of each stage
    for (const csv_cell& c : of.passes) {
        const auto s = static_cast<std::size_t>(c.stage);
        if (s >= first.size()) first.resize(s + 1, nullptr);
        if (first[s] == nullptr) first[s] = &c;
        if (first[s]->row != c.row)
            refuse(place_of(c) + text_of(c) + " is in another row than " + text_of(*first[s]) + " of row " +
                   std::to_string(first[s]->row + 1) + ", column " + std::to_string(first[s]->column + 1) +
                   " (a stage has one worker) keep its passes in one row");
    }
    std::vector<std::int32_t> out;
    for (const csv_cell* c : first) {
        if (c == nullptr)
            refuse("stage " + std::to_string(out.size()) + " is in no row (stages go up to " +
                   std::to_string(first.size() - 1) + ") number them from 0 without a gap");
        out.push_back(c->row);
    }
    return out;
}

/// Readers of the result keep tables of (stage, micro-batch), and of columns: both in proportion to what there is.
inline void check_sizes(const csv_cells& of, const shape& head) {
    const auto cells = static_cast<std::int64_t>(of.passes.size());
    const std::int64_t pairs = std::int64_t{head.stages} * head.micro_batches;
    if (pairs > most_slots || (pairs > (1 << 20) && pairs / 128 > cells)) {
        const auto last =
            std::max_element(of.passes.begin(), of.passes.end(),
                             [](const csv_cell& a, const csv_cell& b) { return a.micro_batch < b.micro_batch; });
        refuse(place_of(*last) + text_of(*last) + " has too large a micro-batch (the file has only " +
               std::to_string(cells) + " passes) number them from 0 without a gap");
    }
    if (of.transfers.empty() && !of.others && of.columns > 65536 + 64 * cells)
        refuse("a row has " + std::to_string(of.columns) + " columns (the file has only " + std::to_string(cells) +
               " passes) remove empty columns");
}

/// Finds how many columns each pass takes, if columns are ticks.
class grid {
public:
    explicit grid(const csv_cells& of, const shape& head) : of_(of), head_(head), starts_(2 * size(), missing) {
        for (const csv_cell& c : of.passes)
            if (std::int32_t* at = start_of(c)) *at = c.column;
    }

    /// Writes every slot's tick and length; false where a column comes before what it needs.
    bool fill(std::vector<slot>& slot_list) {
        for (std::size_t i = 0; i < slot_list.size(); ++i) {
            if (!measure(i)) return false;
        }
        for (std::size_t i = 0; i < slot_list.size(); ++i) {
            slot_list[i].tick = of_.passes[i].column;
            slot_list[i].ticks = static_cast<std::uint16_t>(std::clamp<std::int32_t>(length(i), 1, 65535));
        }
        return true;
    }

private:
    static constexpr std::int32_t missing = -1;
    static constexpr std::size_t pair_kind = 5;

    std::size_t size() const {
        return static_cast<std::size_t>(head_.stages) * static_cast<std::size_t>(head_.micro_batches);
    }

    std::int32_t* start(bool forward, std::int32_t stage, std::int32_t micro_batch) {
        if (stage < 0 || stage >= head_.stages) return nullptr;
        const auto at = static_cast<std::size_t>(stage) * static_cast<std::size_t>(head_.micro_batches) +
                        static_cast<std::size_t>(micro_batch);
        return &starts_[at + (forward ? 0 : size())];
    }
    std::int32_t* start_of(const csv_cell& c) {
        const bool forward = c.op == action::forward;
        if (!forward && c.op != action::backward && c.op != action::input_gradient) return nullptr;
        return start(forward, c.stage, c.micro_batch);
    }

    bool second(std::size_t i) const { return i > 0 && of_.passes[i - 1].overlap; }
    std::size_t kind(std::size_t i) const {
        return of_.passes[i].overlap || second(i) ? pair_kind : static_cast<std::size_t>(of_.passes[i].op);
    }

    /// A recomputed forward takes what the backward behind it takes, one tick before a pair: as chimera::recompute has
    /// it.
    std::int32_t length(std::size_t i) const {
        const auto& all = of_.passes;
        const bool known = all[i].op == action::recompute && !all[i].overlap && !second(i) && i + 1 < all.size() &&
                           all[i + 1].row == all[i].row && all[i + 1].op != action::recompute;
        if (!known) return gaps_[kind(i)];
        return (std::min)(kind(i + 1) == pair_kind ? 1 : gaps_[kind(i + 1)], all[i + 1].column - all[i].column);
    }

    /// Narrows the length of the kind of pass i to the gaps behind it: to the next cell of its row, to who needs it.
    bool measure(std::size_t i) {
        const csv_cell& c = of_.passes[i];
        std::int32_t& gap = gaps_[kind(i)];
        const std::size_t next = i + (c.overlap ? 2 : 1);
        const bool last = next >= of_.passes.size() || of_.passes[next].row != c.row;
        gap = (std::min)(gap, (last ? static_cast<std::int32_t>(of_.columns) : of_.passes[next].column) - c.column);
        if (start_of(c) == nullptr) return true;
        const bool forward = c.op == action::forward;
        const std::int32_t* user = start(forward, c.stage + (forward ? 1 : -1), c.micro_batch);
        if (user == nullptr || *user == missing) return true;
        gap = (std::min)(gap, *user - c.column);
        return *user > c.column;
    }

    const csv_cells& of_;
    shape head_;
    std::vector<std::int32_t> starts_;  // column of the forward, then of the (input) gradient, of (stage, micro-batch)
    std::array<std::int32_t, 6> gaps_{65535, 65535, 65535, 65535, 65535, 65535};
};

inline schedule make_schedule_of(const csv_cells& of, std::vector<std::int32_t> placement) {
    schedule out{
        {"custom", of.rows, static_cast<std::int32_t>(placement.size()), 1, 0, 1}, std::move(placement), {}, {}};
    out.entries.reserve(of.passes.size());
    for (const csv_cell& c : of.passes) {
        while (static_cast<std::int32_t>(out.offsets.size()) <= c.row)
            out.offsets.push_back(static_cast<std::int32_t>(out.entries.size()));
        slot s;
        s.op = static_cast<pass>(c.op);
        s.stage = static_cast<std::uint16_t>(c.stage);
        s.first = c.micro_batch;
        s.overlap = c.overlap ? 1 : 0;
        out.entries.push_back(s);
        out.head.micro_batches = (std::max)(out.head.micro_batches, c.micro_batch + 1);
    }
    out.offsets.resize(static_cast<std::size_t>(of.rows) + 1, static_cast<std::int32_t>(out.entries.size()));
    return out;
}

/// Says what is not taken as it stands.
inline std::string note_of(const csv_cells& of) {
    std::string out;
    const auto say = [&](bool holds, const char* text) {
        if (holds) out += (out.empty() ? "" : "; ") + std::string(text);
    };
    say(!of.transfers.empty(), "transfers fit the passes and are left out (lowering makes them anew)");
    say(of.transfers.empty() && of.others, "cells that compute nothing are left out (lowering adds what is needed)");
    say(of.sequences, "compounds that are no forward beside a backward run one pass after the other");
    say(of.renamed, "B is read as an input gradient and BW as a full backward, as PyTorch 2.5 writes them");
    return out;
}

}  // namespace chimera::detail::reading
