// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/io/csv_cells.hpp>
#include <chimera/schedule/cell.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chimera::detail::reading {

inline constexpr std::int64_t rows_most = 65535;
inline constexpr std::size_t cells_most = std::size_t{1} << 27;

inline std::string shown_cell(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, 40)) out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
    return out + (text.size() > 40 ? "…'" : "'");
}

/// The field without its quotes, if it has them.
inline std::string_view unquoted(std::string_view field) {
    field = detail::trimmed(field);
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
        field.remove_prefix(1);
        field.remove_suffix(1);
    }
    return field;
}

class splitter {
public:
    csv_cells split(std::string_view text) {
        if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
        while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
        while (!text.empty()) {
            const std::size_t end = (std::min)(text.find('\n'), text.size());
            row(text.substr(0, end));
            text.remove_prefix((std::min)(end + 1, text.size()));
        }
        return std::move(out_);
    }

private:
    void row(std::string_view line) {
        if (out_.rows == rows_most) refuse("the file has more than 65535 rows (a row is a worker) use fewer");
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        std::int64_t column = 0;
        for (bool more = true; more; ++column) {
            const std::size_t end = (std::min)(line.find(','), line.size());
            if (end > 0) take(line.substr(0, end), column);
            more = end < line.size();
            line.remove_prefix((std::min)(end + 1, line.size()));
        }
        if (column > std::int64_t{1} << 29)
            refuse("row " + std::to_string(out_.rows + 1) +
                   " has more than 2^29 columns (a column is a tick) use fewer");
        out_.columns = (std::max)(out_.columns, column);
        ++out_.rows;
    }

    void take(std::string_view field, std::int64_t column) {
        const std::string_view text = unquoted(field);
        if (text == "None") return;  // Python's word for an idle cell
        if (text.empty() || text.front() != '(') return add(part_of(text, text, column), column);
        constexpr std::string_view end = ")OVERLAP_F_B";
        if (!text.ends_with(end))
            refuse(place_of(out_.rows, column) + shown_cell(text) +
                   " is no cell (it is no compound) write its parts such as (0F7;7B3)OVERLAP_F_B");
        take_compound(text, text.substr(1, text.size() - 1 - end.size()), column);
    }

    /// PyTorch runs the parts of a compound one after the other unless told how; a forward beside a backward is a pair.
    void take_compound(std::string_view text, std::string_view parts, std::int64_t column) {
        const std::size_t first = out_.passes.size();
        while (!parts.empty()) {
            const std::size_t end = (std::min)(parts.find(';'), parts.size());
            const std::string_view part = detail::trimmed(parts.substr(0, end));
            if (!part.empty()) add(part_of(part, text, column), column);
            parts.remove_prefix((std::min)(end + 1, parts.size()));
        }
        const std::size_t count = out_.passes.size() - first;
        if (count == 2 && (out_.passes[first].op == action::forward) != (out_.passes[first + 1].op == action::forward))
            out_.passes[first].overlap = true;
        else
            out_.sequences = out_.sequences || count > 1;
    }

    struct known_part {
        cell_kind kind;
        cell_part what;
        bool whole;
    };

    /// `text`: the cell that it is in, for complaints.
    known_part part_of(std::string_view part, std::string_view text, std::int64_t column) const {
        std::string modern;  // BW is B since PyTorch 2.6
        const std::size_t word = part.find_first_not_of("0123456789");
        const bool whole = word != std::string_view::npos && part.substr(word).starts_with("BW");
        if (whole) modern = std::string(part.substr(0, word + 1)) + std::string(part.substr(word + 2));
        const cell c = detail::read_single(whole ? std::string_view(modern) : part);
        if (part.empty()) return {cell_kind::idle, {}, false};
        if (c.kind == cell_kind::malformed)
            refuse(place_of(out_.rows, column) + shown_cell(text) + " is no cell (" + c.wrong);
        return {c.kind, c.parts[0], whole};
    }

    void add(const known_part& part, std::int64_t column) {
        if (part.kind == cell_kind::idle) return;
        if (part.kind == cell_kind::other) {
            out_.others = true;
            return;
        }
        auto& to = part.kind == cell_kind::transfer ? out_.transfers : out_.passes;
        if (to.size() >= cells_most) refuse("the file has too many cells (more than 2^27) use fewer micro-batches");
        to.push_back({out_.rows, static_cast<std::int32_t>(column), order_++, part.what.stage, part.what.micro_batch,
                      part.what.op, false, part.whole});
    }

    csv_cells out_;
    std::int64_t order_ = 0;
};

/// Splits the file. A compound cell gives its parts. Throws chimera_error for what is no cell.
inline csv_cells split_csv(std::string_view text) { return splitter().split(text); }

/// Gives cells of PyTorch 2.5 the letters of later versions: there B is an input gradient and BW a full backward. A
/// file is of that kind where it has BW, or weight gradients without any I. Throws chimera_error for a file with BW
/// and I.
inline void modernise(csv_cells& of) {
    const csv_cell* whole = nullptr;
    const csv_cell* input = nullptr;
    std::set<std::pair<std::int32_t, std::int32_t>> halved;  // stage, micro-batch
    for (const csv_cell& c : of.passes) {
        if (c.whole && whole == nullptr) whole = &c;
        if (c.op == action::input_gradient && input == nullptr) input = &c;
        if (c.op == action::weight_gradient) halved.emplace(c.stage, c.micro_batch);
    }
    if (whole != nullptr && input != nullptr)
        refuse(place_of(*whole) + "BW is a word of PyTorch 2.5 (" + text_of(*input) + " of row " +
               std::to_string(input->row + 1) + " is of later versions) use B for a full backward");
    if (input != nullptr || (whole == nullptr && halved.empty())) return;
    for (csv_cell& c : of.passes) {
        if (c.op != action::backward || c.whole) continue;
        if (whole == nullptr && !halved.contains({c.stage, c.micro_batch})) continue;
        c.op = action::input_gradient;
        of.renamed = true;
    }
    of.renamed = of.renamed || whole != nullptr;
}

/// Refuses cells that are there twice, naming both places.
inline void refuse_doubles(const std::vector<csv_cell>& cells) {
    const auto key = [](const csv_cell& c) {
        return std::uint64_t{static_cast<std::uint32_t>(c.micro_batch)} << 32 |
               static_cast<std::uint64_t>(c.stage) << 8 | static_cast<std::uint64_t>(c.op);
    };
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
    order.reserve(cells.size());
    for (const csv_cell& c : cells) order.emplace_back(key(c), static_cast<std::uint32_t>(order.size()));
    std::sort(order.begin(), order.end());
    const auto twice =
        std::adjacent_find(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
    if (twice == order.end()) return;
    const csv_cell& first = cells[twice->second];
    const csv_cell& again = cells[(twice + 1)->second];
    refuse(place_of(again) + text_of(again) + " is there twice (first in row " + std::to_string(first.row + 1) +
           ", column " + std::to_string(first.column + 1) + ") remove one of them");
}

}  // namespace chimera::detail::reading
