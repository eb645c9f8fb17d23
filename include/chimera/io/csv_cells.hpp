// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/cell.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail::reading {

using chimera::detail::cell;
using chimera::detail::cell_kind;
using chimera::detail::cell_part;

/// A pass or a transfer, and where the file has it. 32 bytes.
struct csv_cell {
    std::int32_t row, column;
    std::int64_t order;  ///< among all cells of the file and their parts
    std::int32_t stage, micro_batch;
    action op;
    bool overlap = false;  ///< runs together with the next one
    bool whole = false;    ///< BW, a full backward of PyTorch 2.5
};

/// A file as cells: row after row, columns ascending, idle cells left out.
struct csv_cells {
    std::vector<csv_cell> passes, transfers;
    std::int64_t columns = 0;  ///< of the longest row
    std::int32_t rows = 0;
    bool others = false;     ///< cells such as 0UNSHARD were there
    bool sequences = false;  ///< compound cells were there that are no pair: one pass after the other
    bool renamed = false;    ///< B meant an input gradient, as in PyTorch 2.5
};

/// `row 2, column 5: `, counted from 1.
inline std::string place_of(std::int64_t row, std::int64_t column) {
    return "row " + std::to_string(row + 1) + ", column " + std::to_string(column + 1) + ": ";
}
inline std::string place_of(const csv_cell& c) { return place_of(c.row, c.column); }

/// The text of a pass or a transfer: 0F3, 1SEND_F3.
inline std::string text_of(const csv_cell& c) {
    constexpr const char* words[] = {"F", "B", "I", "W", "R", "SEND_F", "RECV_F", "SEND_B", "RECV_B"};
    return std::to_string(c.stage) + words[static_cast<int>(c.op)] + std::to_string(c.micro_batch);
}

}  // namespace chimera::detail::reading
