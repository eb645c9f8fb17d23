// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/labels.hpp>

#include <executor/play/view_parts.hpp>

#include <algorithm>

namespace chimera::executor::play {

namespace {

constexpr int fields_from = 1, hint_row = 7, figures_row = 8, schedule_from = 9;
constexpr int advice_least = 3;

canvas too_small(int rows, int columns) {
    canvas out(rows, columns);
    const std::string text = joined("too small: ", columns_least, " × ", rows_least, " are needed, this is ", columns,
                                    " × ", rows, " (q quits)");
    out.put_words(0, rows, 0, text, look::bad);
    return out;
}

void draw_title(canvas& on, const state& of, const outcome& now) {
    on.paint(0, look::bar);
    std::string sizes;
    if (now.made) format::put_sizes(sizes, now.made->head);
    const std::string family = std::string(name(of.asked.of.which)) + ": ";
    const bool room = 14 + length(family + sizes) < on.columns();  // the family stands below, too
    on.put(0, 0, " chimera play  " + (room ? family : "") + sizes, look::bar);
}

/// One line: the last word, or what is wrong, or what the chosen field means.
void draw_hint(canvas& on, const state& of, const outcome& now) {
    if (!of.note.empty()) {
        on.put(hint_row, 1, of.note, look::strong);
    } else if (!now.over.empty()) {
        on.put(hint_row, 1, now.over, look::bad);
    } else {
        const field_text& field = describe(of.chosen);
        on.put(hint_row, 1, joined(field.name, ": ", field.meaning), look::faint);
    }
}

void draw_refusal(canvas& on, const outcome& now, int from, int to) {
    int row = on.put_words(from, to, 1, now.refused, look::bad) + 1;
    if (!now.fits || row >= to) return;
    const std::string fits = joined("Enter takes what fits: ", now.fits->of.stages, " stages, ",
                                    now.fits->of.micro_batches, " micro-batches");
    on.put_words(row, to, 1, fits, look::good);
}

}  // namespace

frame draw(const state& of, const sight& at, int rows, int columns) {
    if (rows < rows_least || columns < columns_least) return {too_small(rows, columns), {}};
    frame out{canvas(rows, columns), {}};
    canvas& on = out.screen;
    out.on.now = &at.now;
    out.on.advice = at.advice;
    draw_title(on, of, at.now);
    draw_fields(on, of, fields_from);
    draw_hint(on, of, at.now);
    draw_keys(on, of, at.now, rows - 1);
    if (of.shown == page::help) {
        draw_help(on, figures_row, rows - 1);
    } else if (of.shown == page::command) {
        draw_commands(on, of, at.now, figures_row, rows - 1);
    } else if (!at.now.made) {
        draw_refusal(on, at.now, schedule_from, rows - 1);
    } else {
        const int room = rows - 1 - schedule_from - 1 - advice_least;  // for workers, below the axis
        const int advice = schedule_from + 1 + std::min(at.now.made->head.workers, room);
        draw_figures(on, at.now, figures_row);
        draw_schedule(on, of, at.now, schedule_from, advice, out.on);
        draw_advice(on, of, at, advice, rows - 1);
    }
    return out;
}

}  // namespace chimera::executor::play
