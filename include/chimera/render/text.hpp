// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/labels.hpp>
#include <chimera/render/schedule_timeline.hpp>
#include <chimera/render/text_rows.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <string>

namespace chimera {

/// The options of a timeline for the terminal.
struct text_options {
    time_unit unit = time_unit::ticks;  ///< of the timeline
    bool colour = false;                ///< ANSI colours, one per pipeline; backwards inverted
    int columns = 0;                    ///< of the terminal; 0: not bound to one
    std::string note{};                 ///< follows the family's name
};

namespace detail {

class text_picture {
public:
    text_picture(const timeline& from, const text_options& options) : from_(from), how_(options), rows_(from) {
        const double room = options.columns > 0 ? (std::max)(options.columns - 8, 16) : 16000;
        const double needed = rows_.needed(wording::name);
        dense_ = rows_.units() * needed > room;
        cell_ = dense_ ? (options.columns > 0 ? room : 160) / rows_.units() : needed;
        rows_.stretch(cell_, dense_ ? wording::letter : wording::name);
    }

    std::string write() const {
        std::string out;
        put_caption(out);
        const int digits = static_cast<int>(std::to_string((std::max)(from_.head.workers - 1, 0)).size());
        const int shown = 256;  // workers; of more, the first and the last half of these
        for (int w = 0; w < from_.head.workers; ++w) {
            if (from_.head.workers > shown && w == shown / 2) {
                put(out, "… ", from_.head.workers - shown, " more workers …\n");
                w = from_.head.workers - shown / 2;
            }
            std::string name = "w" + std::to_string(w);
            name.resize(static_cast<std::size_t>(digits) + 3, ' ');
            put(out, name);
            put_row(out, rows_.row(w));
        }
        return out;
    }

private:
    void put_caption(std::string& out) const {
        format::put_visible(out, from_.head.family.view().empty() ? "schedule" : from_.head.family.view());
        if (!how_.note.empty()) put(out, ' ', how_.note);
        put(out, ": ");
        put_sizes(out, from_.head);
        put(out, "; makespan ", fixed_point{rows_.facts().makespan, how_.unit == time_unit::ticks ? 0 : 6});
        put(out, how_.unit == time_unit::ticks ? " ticks" : " s", ", bubble ratio ",
            fixed_point{rows_.facts().bubble_ratio, 4});
        if (dense_)
            put(out, "; one character is ", fixed_point{rows_.facts().unit / cell_, 4},
                how_.unit == time_unit::ticks ? " ticks" : " s");
        put(out, '\n');
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
        put(out, "\x1b[38;5;", colours[rows_.names().colours().of(*s) % 8], s->op == action::forward ? "m" : ";7m");
    }

    const timeline& from_;
    text_options how_;
    text_rows rows_;
    double cell_ = 1;     // columns per unit
    bool dense_ = false;  // no room for numbers
};

}  // namespace detail

/// A picture for the terminal: a caption, then one row per worker. A cell such as d0, D0, u1 or F3 is a pass (capital:
/// backward) of a pipeline's micro-batch, counted within the pipeline; · is idle. A forward over two micro-batches
/// reads d0-1, halves of one D0a and D0b; recompute and split backwards end in r, i, w; 4F0 and d0.1 name the stage or
/// the chunk where a worker holds several of a pipeline; a pair reads F7&B3. If a row does not fit, every character
/// stands for an equal piece of time instead.
[[nodiscard]] inline std::string text(const timeline& from, const text_options& options = {}) {
    return detail::text_picture(from, options).write();
}

}  // namespace chimera
