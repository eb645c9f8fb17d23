// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/decimal.hpp>
#include <chimera/render/labels.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace chimera::detail {

/// Characters of one worker's row: which step stands there, and what is written.
struct text_row {
    std::vector<std::string> cells;   ///< one printed character each (UTF-8)
    std::vector<const step*> owners;  ///< null where idle
};

/// What is written on a step: its name, its micro-batch within the pipeline, the last digit of that, the pass's letter.
/// The first two stand where a step begins, with a column that keeps it apart from the next; the others fill it.
enum class wording { name, number, digit, letter };

/// The rows of a timeline for the terminal, as wide as they are stretched.
class text_rows {
public:
    explicit text_rows(const timeline& from) : from_(from), names_(from), facts_(summarise(from)) {
        for (const step& s : from.steps) {
            if (!is_compute(s.op)) continue;
            longest_[0] = (std::max)(longest_[0], names_.cell(s).size());
            longest_[1] = (std::max)(longest_[1], names_.number(s).size());
        }
    }

    const summary& facts() const { return facts_; }
    const labels& names() const { return names_; }
    /// Units of the summary from start to end.
    double units() const { return facts_.makespan / facts_.unit; }
    /// Columns that a unit needs to be worded so.
    double needed(wording style) const {
        if (style == wording::name || style == wording::number)
            return static_cast<double>(longest_[style == wording::name ? 0 : 1] + 1);
        return style == wording::digit ? 1 : 0;
    }

    /// From now on a unit takes `columns`, not necessarily a whole number of them.
    void stretch(double columns, wording style) {
        cell_ = columns;
        how_ = style;
        width_ = static_cast<std::size_t>(rounded(units() * cell_));
    }
    std::size_t width() const { return width_; }
    std::size_t column(double time) const {
        return static_cast<std::size_t>(rounded((std::max)(time, 0.0) / facts_.unit * cell_));
    }
    text_row row(int w) const { return how_ == wording::name || how_ == wording::number ? labelled(w) : sampled(w); }

private:
    /// Writes `label` from column `from` on and fills what remains before `to`.
    static void put_cell(text_row& row, const step& s, const std::string& label, const char* fill, std::size_t from,
                         std::size_t to) {
        to = (std::min)(to, row.cells.size());
        for (std::size_t at = from; at < to; ++at) {
            row.cells[at] = at - from < label.size() ? std::string(1, label[at - from]) : fill;
            row.owners[at] = &s;
        }
    }

    std::string word(const step& s) const { return how_ == wording::name ? names_.cell(s) : names_.number(s); }

    text_row labelled(int w) const {
        text_row row{std::vector<std::string>(width_, " "), std::vector<const step*>(width_, nullptr)};
        for (double t = 0; t < facts_.makespan; t += facts_.unit) {
            if (const auto at = column(t); at < width_) row.cells[at] = "·";
        }
        const step* before = nullptr;
        std::size_t after = 0;  // where the name of the step before ends
        for (const step& s : from_.row(w)) {
            std::size_t from = column(s.begin);
            if (!is_compute(s.op)) {
                put_cell(row, s, "*", "*", from, column(s.end));
                continue;
            }
            const std::size_t to = (std::max)(column(s.end), from + 1);
            const std::size_t end = to - from > 1 ? to - 1 : to;  // the last column keeps slots apart
            const std::string label = word(s);
            if (before != nullptr && share_time(*before, s) && after + 1 < end) {
                row.cells[after] = "&";
                from = after + 1;
            }
            after = from + label.size();
            before = &s;
            const char* fill = s.end - s.begin > 1.5 * facts_.unit ? "─" : " ";
            put_cell(row, s, label.substr(0, end - from), fill, from, end);
            if (end < to && end < width_) row.cells[end] = " ";
        }
        return row;
    }

    /// One character per column: the step that runs in the middle of it; of a pair first one, then the other.
    text_row sampled(int w) const {
        text_row row{std::vector<std::string>(width_, "·"), std::vector<const step*>(width_, nullptr)};
        const step* before = nullptr;
        for (const step& s : from_.row(w)) {
            if (!is_compute(s.op)) continue;
            const bool paired = before != nullptr && share_time(*before, s);
            const auto first = rounded_up((paired ? (s.begin + s.end) / 2 : s.begin) / facts_.unit * cell_ - 0.5);
            before = &s;
            const std::string one(1, how_ == wording::digit ? names_.digit(s) : names_.glyph(s));
            for (auto at = first; at + 0.5 < s.end / facts_.unit * cell_ && at < static_cast<double>(width_); ++at) {
                if (at < 0) continue;
                row.cells[static_cast<std::size_t>(at)] = one;
                row.owners[static_cast<std::size_t>(at)] = &s;
            }
        }
        return row;
    }

    const timeline& from_;
    labels names_;
    summary facts_;
    std::size_t longest_[2] = {1, 1};  // name and number
    double cell_ = 1;                  // columns per unit
    wording how_ = wording::name;
    std::size_t width_ = 0;  // columns of the longest row
};

}  // namespace chimera::detail
