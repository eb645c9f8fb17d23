// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <string>
#include <string_view>

namespace chimera::executor {

/// The content of a CSV file: the order that it computes in, and whether it had cells that are made anew.
struct csv_order {
    schedule order;
    std::string note;  ///< what was left out of the order and why; empty where nothing was
};

/// Returns true if a file is CSV rather than JSON: by its name, or because it starts with a cell.
bool is_csv(std::string_view path, std::string_view text);

/// Reads PyTorch-style CSV (see chimera::csv): a line for each worker, a cell for each step, rows as long as they like,
/// an empty cell or None idle. Stages, micro-batches and placement are what the cells say: a stage belongs to the row that
/// holds it. Where columns keep to the order of dependencies they are ticks, and each pass takes as long as the
/// narrowest gap after one of its kind shows (a recomputed forward what the backward behind it takes); where they do
/// not, as in files of PyTorch, the order is kept and timed anew. Transfers are held against the passes and then
/// dropped, with a note: lowering makes them again. Byte order marks, CRLF, spaces and quotes around cells are allowed;
/// empty lines at the end mean nothing. The parts of a compound cell are a pair where a forward runs beside another
/// pass, and run one after the other where not. Letters of PyTorch 2.5 (B an input gradient, BW a full backward) are
/// known by BW, or by weight gradients without any I. Linear in the text, log-linear in its cells.
/// Throws chimera_error, in one line that names row and column (from 1, as editors count), for what is no cell, cells
/// twice, a stage in two rows, numbers that leave gaps, and rows far longer than what they compute; contradiction for
/// transfers that do not fit the passes.
csv_order read_csv(std::string_view text);

}  // namespace chimera::executor
