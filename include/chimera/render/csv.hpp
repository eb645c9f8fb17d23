// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/program/program.hpp>
#include <chimera/render/format.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace chimera {

namespace detail {

inline void check_csv(const shape& head) {
    if (head.pipelines != 1)
        refuse("csv holds one pipeline (the schedule has " + std::to_string(head.pipelines) + ") use json");
    if (head.micro_batch_parts != 1) refuse("csv holds whole micro-batches (the schedule halves them) use json");
}

inline void check_csv_count(int count) {
    if (count != 1) refuse("csv holds one micro-batch per cell (the schedule has slots of more) use json");
}

/// A transfer as PyTorch names it: by the stage of the worker that sends or receives.
inline void put_csv_transfer(std::string& out, const instruction& i) {
    const int towards = i.op == action::send_activation ? -1 : i.op == action::send_gradient ? 1 : 0;
    put(out, i.stage + towards, is_send(i.op) ? "SEND_" : "RECV_");
    out.push_back(i.op == action::send_activation || i.op == action::recv_activation ? 'F' : 'B');
    put(out, i.first);
}

}  // namespace detail

/// A schedule with one pipeline as PyTorch writes its pipeline schedules: one line per worker, one cell per tick, such
/// as 0F3 (stage, pass, micro-batch) or (0F7;7B3)OVERLAP_F_B for a pair; empty where the worker is idle or still busy
/// with the cell before. Passes are F, B, I, W, and R, which PyTorch lacks. Weight versions are not held. Throws
/// `chimera_error` for several pipelines, slots of several units, units that are no micro-batches, and past 2^28 cells.
[[nodiscard]] inline std::string csv(schedule_argument from) {
    detail::check_csv(from.head);
    std::int64_t columns = 0;
    for (const slot& s : from.entries) {
        detail::check_csv_count(s.count);
        columns = (std::max<std::int64_t>)(columns, s.end());
    }
    if (columns * from.head.workers > (1 << 28)) refuse("csv would be too large (more than 2^28 cells) use json");
    std::string out;
    for (int w = 0; w < from.head.workers; ++w) {
        std::int64_t column = 0;
        const auto row = from.row(w);
        for (std::size_t i = 0; i < row.size(); ++i) {
            const bool pair = row[i].overlap != 0 && i + 1 < row.size() && row[i + 1].tick == row[i].tick;
            if (row[i].tick < column)
                refuse("csv holds one slot per tick (slots of worker " + std::to_string(w) + " overlap) use json");
            out.append(static_cast<std::size_t>(row[i].tick - column), ',');
            column = row[i].tick;
            format::put(out, pair ? "(" : "", row[i].stage, letter(row[i].op), row[i].first);
            if (!pair) continue;
            ++i;
            format::put(out, ";", row[i].stage, letter(row[i].op), row[i].first);
            out += ")OVERLAP_F_B";
        }
        out.append(static_cast<std::size_t>((std::max<std::int64_t>)(columns - 1 - column, 0)), ',');
        out.push_back('\n');
    }
    return out;
}

/// A program with one pipeline likewise, transfers included (1SEND_F3, 1RECV_F3, …), one cell per instruction and no
/// idle cells. An update is written as REDUCE_GRAD, where PyTorch makes gradients ready for the optimiser; buffers and
/// groups are not held.
[[nodiscard]] inline std::string csv(program_argument from) {
    detail::check_csv(from.head);
    std::string out;
    for (int w = 0; w < from.head.workers; ++w) {
        const auto row = from.row(w);
        const std::size_t start = out.size();
        bool second = false;  // of a pair
        for (std::size_t k = 0; k < row.size(); ++k) {
            const instruction& i = row[k];
            if (i.op == action::reduce_gradient || i.op == action::wait_gradient) continue;
            if (is_compute(i.op) || is_transfer(i.op)) detail::check_csv_count(i.count);
            const bool first = is_compute(i.op) && i.overlap != 0 && k + 1 < row.size() && is_compute(row[k + 1].op);
            if (out.size() != start) out.push_back(second ? ';' : ',');
            if (first) out.push_back('(');
            if (is_transfer(i.op)) {
                detail::put_csv_transfer(out, i);
            } else if (is_compute(i.op)) {
                format::put(out, i.stage, letter(static_cast<pass>(i.op)), i.first);
            } else {
                format::put(out, i.stage, "REDUCE_GRAD");
            }
            if (second) out += ")OVERLAP_F_B";
            second = first;
        }
        out.push_back('\n');
    }
    return out;
}

}  // namespace chimera
