// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/cell.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor::detail {

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
std::string place_of(std::int64_t row, std::int64_t column);
inline std::string place_of(const csv_cell& c) { return place_of(c.row, c.column); }

/// The text of a pass or a transfer: 0F3, 1SEND_F3.
std::string text_of(const csv_cell& c);

/// Splits the file. A compound cell gives its parts. Throws chimera_error for what is no cell.
csv_cells split_csv(std::string_view text);

/// Gives cells of PyTorch 2.5 the letters of later versions: there B is an input gradient and BW a full backward. A
/// file is of that kind where it has BW, or weight gradients without any I. Throws chimera_error for a file with BW
/// and I.
void modernise(csv_cells& of);

/// Refuses cells that are there twice, naming both places.
void refuse_doubles(const std::vector<csv_cell>& cells);

/// Throws contradiction where transfers do not fit the passes: sends and receives without partner, on another worker
/// than their stage, before what they send or after what needs them, or none where one is needed.
/// `placement`: the row of every stage.
void check_transfers(const csv_cells& of, const std::vector<std::int32_t>& placement);

}  // namespace chimera::executor::detail
