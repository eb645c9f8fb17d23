// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/labels.hpp>
#include <chimera/render/round.hpp>
#include <chimera/render/ticks.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace chimera {

struct text_options {
    time_unit unit = time_unit::ticks;
    bool colour = false;  ///< ANSI colours, one per pipeline; backwards inverted
    int columns = 0;      ///< of the terminal; 0: not bound to one
};

namespace detail {

/// Characters of one row: which step stands there, and what is written.
struct text_row {
    std::vector<std::string> cells;   // one printed character each (UTF-8)
    std::vector<const step*> owners;  // null where idle
};

/// Writes `label` from column `from` on and fills what remains before `to`.
inline void put_cell(text_row& row, const step& s, const std::string& label, const char* fill, std::size_t from,
                     std::size_t to) {
    to = std::min(to, row.cells.size());
    for (std::size_t at = from; at < to; ++at) {
        row.cells[at] = at - from < label.size() ? std::string(1, label[at - from]) : fill;
        row.owners[at] = &s;
    }
}

class text_picture {
public:
    text_picture(const timeline& from, const text_options& how)
        : from_(from), how_(how), names_(from), facts_(summarise(from)) {
        std::size_t longest = 1;
        for (const step& s : from.steps) {
            if (is_compute(s.op)) longest = std::max(longest, names_.cell(s).size());
        }
        cell_ = static_cast<double>(longest + 1);
        const double wide = facts_.makespan / facts_.unit * cell_;
        const double room = how.columns > 0 ? std::max(how.columns - 8, 16) : 16000;
        dense_ = wide > room;
        if (dense_) cell_ = facts_.unit * (how.columns > 0 ? room : 160) / facts_.makespan;
        width_ = static_cast<std::size_t>(rounded(facts_.makespan / facts_.unit * cell_));
    }

    std::string write() const {
        std::string out;
        put_caption(out);
        const int digits = static_cast<int>(std::to_string(std::max(from_.head.workers - 1, 0)).size());
        const int shown = 256;  // workers; of more, the first and the last half of these
        for (int w = 0; w < from_.head.workers; ++w) {
            if (from_.head.workers > shown && w == shown / 2) {
                put(out, "… ", from_.head.workers - shown, " more workers …\n");
                w = from_.head.workers - shown / 2;
            }
            std::string name = "w" + std::to_string(w);
            name.resize(static_cast<std::size_t>(digits) + 3, ' ');
            put(out, name);
            put_row(out, dense_ ? sampled(w) : labelled(w));
        }
        return out;
    }

private:
    void put_caption(std::string& out) const {
        put(out, from_.head.family.view().empty() ? "schedule" : from_.head.family.view(), ": ");
        put_sizes(out, from_.head);
        put(out, "; makespan ", fixed_point{facts_.makespan, how_.unit == time_unit::ticks ? 0 : 6});
        put(out, how_.unit == time_unit::ticks ? " ticks" : " s", ", bubble ratio ",
            fixed_point{facts_.bubble_ratio, 4});
        if (dense_)
            put(out, "; one character is ", fixed_point{facts_.unit / cell_, 4},
                how_.unit == time_unit::ticks ? " ticks" : " s");
        put(out, '\n');
    }

    std::size_t column(double time) const {
        return static_cast<std::size_t>(rounded(std::max(time, 0.0) / facts_.unit * cell_));
    }

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
            const std::size_t to = std::max(column(s.end), from + 1);
            const std::size_t end = to - from > 1 ? to - 1 : to;  // the last column keeps slots apart
            if (before != nullptr && share_time(*before, s) && after + 1 < end) {
                row.cells[after] = "&";
                from = after + 1;
            }
            after = from + names_.cell(s).size();
            before = &s;
            const char* fill = s.end - s.begin > 1.5 * facts_.unit ? "─" : " ";
            put_cell(row, s, names_.cell(s).substr(0, end - from), fill, from, end);
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
            for (auto at = first; at + 0.5 < s.end / facts_.unit * cell_ && at < static_cast<double>(width_); ++at) {
                if (at < 0) continue;
                row.cells[static_cast<std::size_t>(at)] = std::string(1, names_.glyph(s));
                row.owners[static_cast<std::size_t>(at)] = &s;
            }
        }
        return row;
    }

    void put_row(std::string& out, const text_row& row) const {
        std::size_t end = row.cells.size();
        while (end > 0 && row.cells[end - 1] == " ") --end;
        const step* open = nullptr;
        for (std::size_t i = 0; i < end; ++i) {
            if (how_.colour && row.owners[i] != open) put_colour(out, open = row.owners[i]);
            put(out, row.cells[i]);
        }
        put(out, how_.colour && open != nullptr ? "\x1b[0m\n" : "\n");
    }

    void put_colour(std::string& out, const step* s) const {
        constexpr int colours[] = {32, 208, 35, 170, 178, 167, 45, 245};
        put(out, "\x1b[0m");
        if (s == nullptr || !is_compute(s->op)) return;
        put(out, "\x1b[38;5;", colours[names_.colours().of(*s) % 8], s->op == action::forward ? "m" : ";7m");
    }

    const timeline& from_;
    text_options how_;
    labels names_;
    summary facts_;
    double cell_ = 1;        // columns per facts_.unit
    std::size_t width_ = 0;  // columns of the longest row
    bool dense_ = false;     // no room for numbers
};

}  // namespace detail

/// A picture for the terminal: a caption, then one row per worker. A cell such as d0, D0, u1 or F3 is a pass (capital:
/// backward) of a pipeline's micro-batch, counted within the pipeline; · is idle. A forward over two micro-batches reads
/// d0-1, halves of one D0a and D0b; recompute and split backwards end in r, i, w; 4F0 and d0.1 name the stage or the chunk
/// where a worker holds several of a pipeline; a pair reads F7&B3. Where a row would not fit, every character stands for
/// an equal piece of time instead.
inline std::string text(const timeline& from, const text_options& how = {}) {
    return detail::text_picture(from, how).write();
}

}  // namespace chimera
