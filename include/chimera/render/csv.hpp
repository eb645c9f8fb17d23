// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/program/program.hpp>
#include <chimera/render/format.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chimera {

namespace detail {

inline void check_csv(const shape& head, std::span<const stage_link> links) {
    if (!links.empty()) refuse("csv holds no links between stages (the schedule has some) use json");
    if (head.pipelines != 1)
        refuse("csv gives each stage one worker, as PyTorch does (the schedule has " + std::to_string(head.pipelines) +
               " pipelines, each with the stages elsewhere) use json, or a family of one pipeline such as zb_v or "
               "dualpipe_v");
    if (head.micro_batch_parts != 1) refuse("csv holds whole micro-batches (the schedule halves them) use json");
}

inline void check_csv_count(int count) {
    if (count != 1) refuse("csv holds one micro-batch per cell (the schedule has slots of more) use json");
}

}  // namespace detail

/// A schedule with one pipeline as PyTorch writes its pipeline schedules: one line per worker, one cell per tick, such
/// as 0F3 (stage, pass, micro-batch) or (0F7;7B3)OVERLAP_F_B for a pair; empty where the worker is idle or still busy
/// with the cell before. Passes are F, B, I, W, and R, which PyTorch lacks. Weight versions are not held. Throws
/// `chimera_error` for several pipelines, links, slots of several units, units that are no micro-batches, and past 2^28
/// cells.
[[nodiscard]] inline std::string csv(schedule_argument from) {
    detail::check_csv(from.head, from.links);
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

namespace detail {

/// Writes one worker's instructions as PyTorch's runtime loads them.
class csv_program_row {
public:
    explicit csv_program_row(std::string& out) : out_(out) {}

    void write(std::span<const instruction> row) {
        for (std::size_t k = 0; k < row.size(); ++k) {
            const instruction& i = row[k];
            if (i.op == action::reduce_gradient || i.op == action::wait_gradient) continue;
            if (is_transfer(i.op)) {
                check_csv_count(i.count);
                transfer(i);
            } else if (is_compute(i.op)) {
                const bool pair = i.overlap != 0 && k + 1 < row.size() && is_compute(row[k + 1].op);
                compute(i, pair ? &row[++k] : nullptr);
            } else {
                cell(i.stage, "REDUCE_GRAD");
                cell(i.stage, "WAIT_REDUCE_GRAD");
            }
        }
        for (const auto& [stage, micro_batch] : activations_) cell(stage, "WAIT_SEND_F", micro_batch);
        for (const auto& [stage, micro_batch] : gradients_) cell(stage, "WAIT_SEND_B", micro_batch);
        out_.push_back('\n');
    }

private:
    template <class... Parts>
    void cell(const Parts&... parts) {
        if (!out_.empty() && out_.back() != '\n') out_.push_back(',');
        format::put(out_, parts...);
    }
    /// A transfer is named by the stage of the worker that sends or receives.
    void transfer(const instruction& i) {
        const bool forward = i.op == action::send_activation || i.op == action::recv_activation;
        const std::int32_t stage = i.stage + (!is_send(i.op) ? 0 : forward ? -1 : 1);
        cell(stage, is_send(i.op) ? "SEND_" : "RECV_", forward ? 'F' : 'B', i.first);
        if (is_send(i.op) && forward) activations_.emplace(stage, i.first);
        if (is_send(i.op) && !forward) gradients_.emplace_back(stage, i.first);
    }

    void compute(const instruction& first, const instruction* second) {
        check_csv_count(first.count);
        if (second == nullptr) {
            cell(first.stage, letter(static_cast<pass>(first.op)), first.first);
        } else {
            check_csv_count(second->count);
            cell('(', first.stage, letter(static_cast<pass>(first.op)), first.first, ';', second->stage,
                 letter(static_cast<pass>(second->op)), second->first, ")OVERLAP_F_B");
        }
        retire(first);
        if (second != nullptr) retire(*second);
    }

    /// Waits for the activation that a backward shows to have arrived: its gradient came back.
    void retire(const instruction& i) {
        if (i.op != action::backward && i.op != action::input_gradient) return;
        if (activations_.erase({i.stage, i.first}) > 0) cell(i.stage, "WAIT_SEND_F", i.first);
    }

    using sent = std::pair<std::int32_t, std::int32_t>;  // stage, micro-batch

    std::string& out_;
    std::set<sent> activations_;   // not waited for yet
    std::vector<sent> gradients_;  // likewise
};

}  // namespace detail

/// A program with one pipeline as `_PipelineScheduleRuntime._load_csv(…, "compute_comms")` of PyTorch 2.15 loads it:
/// one line per worker, one cell per instruction and no idle cells. Transfers are cells such as 1SEND_F3 and 1RECV_F3;
/// each send has its WAIT_SEND, an activation's behind the backward of its micro-batch, all others at the end. An
/// update is written as REDUCE_GRAD and WAIT_REDUCE_GRAD, where PyTorch makes gradients ready for the optimiser.
/// Buffers and groups are not held. Throws `chimera_error` as the function above does.
[[nodiscard]] inline std::string csv(program_argument from) {
    detail::check_csv(from.head, from.links);
    std::string out;
    for (int w = 0; w < from.head.workers; ++w) detail::csv_program_row(out).write(from.row(w));
    return out;
}

}  // namespace chimera
