// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/io/csv_order.hpp>
#include <chimera/io/csv_transfers.hpp>
#include <chimera/io/split_csv.hpp>
#include <chimera/schedule/custom.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace chimera {

/// The content of a CSV file: the order that it computes in, and whether it had cells that are made anew.
struct csv_order {
    schedule order;    ///< passes of the file
    std::string note;  ///< says what was left out of the order and why; empty if nothing was
};

/// Returns true if a file is CSV rather than JSON: by its name, or because it starts with a cell.
[[nodiscard]] inline bool is_csv(std::string_view path, std::string_view text) {
    if (path.ends_with(".csv")) return true;
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const std::size_t start = text.find_first_not_of(" \t\r\n,\"");
    if (start == std::string_view::npos) return false;
    text = text.substr(start, 64);
    const std::size_t end = text.find_first_of(",\r\n\"");
    const std::string_view first = text.substr(0, end);
    if (first.empty()) return false;
    if (first == "None" || first.front() == '(') return true;
    const std::size_t word = first.find_first_not_of("0123456789");
    if (word != std::string_view::npos && word > 0 && first.substr(word).starts_with("BW")) return true;
    return detail::read_single(first).kind != detail::cell_kind::malformed;
}

/// Reads PyTorch-style CSV (see chimera::csv): a line for each worker, a cell for each step, rows as long as they like,
/// an empty cell or None idle. Cells say what stages, micro-batches and placement there are: a stage belongs to the row
/// that holds it. Columns are ticks if they keep to the order of dependencies; then each pass takes as long as the
/// narrowest gap after one of its kind shows (a recomputed forward what the backward behind it takes). If they do not,
/// as in files of PyTorch, the order is kept and timed anew. Transfers are held against the passes and then
/// dropped, with a note: lowering makes them again. Byte order marks, CRLF, spaces and quotes around cells are allowed;
/// empty lines at the end mean nothing. The parts of a compound cell are a pair where a forward runs beside another
/// pass, and run one after the other where not. Letters of PyTorch 2.5 (B an input gradient, BW a full backward) are
/// known by BW, or by weight gradients without any I. Linear in the text, log-linear in its cells.
/// Throws chimera_error, in one line that names row and column (from 1, as editors count), for what is no cell, cells
/// twice, a stage in two rows, numbers that leave gaps, and rows far longer than what they compute; contradiction for
/// transfers that do not fit the passes.
[[nodiscard]] inline csv_order read_csv(std::string_view text) {
    detail::reading::csv_cells cells = detail::reading::split_csv(text);
    if (cells.passes.empty()) refuse("the file computes nothing (no cell is a pass) write cells such as 0F0");
    detail::reading::modernise(cells);
    detail::reading::refuse_doubles(cells.passes);
    detail::reading::refuse_doubles(cells.transfers);
    csv_order out;
    out.order = detail::reading::make_schedule_of(cells, detail::reading::find_placement(cells));
    detail::reading::check_sizes(cells, out.order.head);
    if (!cells.transfers.empty()) detail::reading::check_transfers(cells, out.order.placement);
    out.note = detail::reading::note_of(cells);
    const bool lowered = !cells.transfers.empty() || cells.others || cells.sequences;
    if (!lowered && detail::reading::grid(cells, out.order.head).fill(out.order.entries)) return out;
    detail::give_lengths(out.order.entries);
    out.order = timed(out.order);
    return out;
}

}  // namespace chimera
