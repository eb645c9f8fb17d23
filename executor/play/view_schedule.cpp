// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/text_rows.hpp>

#include <executor/play/view_parts.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace chimera::executor::play {

namespace {

using detail::text_rows;
using detail::wording;

constexpr double unit_most = 12;  // columns of a unit of time, at most, where nothing is zoomed

int digits(int value) { return static_cast<int>(std::to_string(std::max(value, 0)).size()); }

/// Stretches the rows over the room, times the zoom: as much is written on a pass as there is room for.
void stretch(text_rows& rows, int room, int zoom) {
    double columns = std::min(room / std::max(rows.units(), 1e-9), unit_most) * zoom;
    for (const wording how : {wording::name, wording::number, wording::digit, wording::letter}) {
        if (columns < rows.needed(how)) continue;
        if (how != wording::letter) columns = std::floor(columns);  // equal times, equal blocks
        return rows.stretch(columns, how);
    }
}

/// The division of a row's columns.
struct sides {
    int left = 0;   ///< where the schedule starts
    int right = 0;  ///< where it must have ended
    int bar = 0;    ///< columns of a peak's bar
};

sides split(const canvas& on, int workers) {
    const int bar = on.columns() < 100 ? 4 : on.columns() < 160 ? 8 : 16;
    return {2 + digits(workers - 1) + 1, on.columns() - (1 + 4 + 1 + bar + 1 + 5), bar};
}

/// Ticks in steps of 1, 2 or 5 times a power of ten, far enough apart to be read.
void draw_axis(canvas& on, const text_rows& rows, const facts& window, int first, const sides& at, int row) {
    double step = std::pow(10.0, std::floor(std::log10(rows.facts().unit)));
    const double columns = static_cast<double>(rows.width()) / std::max(rows.facts().makespan, 1e-9);
    const double factors[] = {2, 2.5, 2};
    for (int i = 0; step * columns < 9; ++i) step *= factors[i % 3];
    const int end = std::min(window.columns - first, window.columns_shown);
    for (double t = 0; t <= rows.facts().makespan; t += step) {
        const int column = static_cast<int>(rows.column(t)) - first;
        const std::string text = joined(rounded(t, 6));
        if (column >= 0 && column + length(text) <= end) on.put(row, at.left + column, text, look::faint);
    }
    if (first > 0) on.put(row, at.left - 1, "‹", look::strong);
    if (first + window.columns_shown < window.columns) on.put(row, at.left + window.columns_shown, "›", look::strong);
}

void draw_row(canvas& on, const text_rows& rows, int worker, int first, const sides& at, int row) {
    const detail::text_row text = rows.row(worker);
    const auto room = static_cast<std::size_t>(at.right - at.left);
    for (std::size_t i = 0; i < room && i + static_cast<std::size_t>(first) < text.cells.size(); ++i) {
        const step* owner = text.owners[i + static_cast<std::size_t>(first)];
        look how = look::faint;
        if (owner != nullptr && is_compute(owner->op))
            how = pass_look(detail::class_of(rows.names().colours().of(*owner), *owner));
        on.put(row, at.left + static_cast<int>(i), text.cells[i + static_cast<std::size_t>(first)], how);
    }
}

/// Idle time and peak of a worker; the bar is full at the memory limit, or at the largest peak.
void draw_load(canvas& on, const state& of, const outcome& now, int worker, const sides& at, int row) {
    const auto w = static_cast<std::size_t>(worker);
    const double idle = now.made->found.workers[w].idle / std::max(now.made->found.makespan, 1e-9);
    on.put_right(row, at.right + 5, joined(rounded(100 * idle, 0), "%"), look::plain);
    const double peak = now.peaks[w];
    double full = *std::max_element(now.peaks.begin(), now.peaks.end());
    if (of.asked.memory) full = std::max(full, *of.asked.memory);
    const bool over = of.asked.memory && peak > *of.asked.memory * (1 + 1e-9);
    if (of.asked.memory)
        on.put(row, at.right + 6, joined(std::string(static_cast<std::size_t>(at.bar), '.')), look::faint);
    on.put(row, at.right + 6, bar(peak / std::max(full, 1e-9), at.bar), over ? look::bad : look::good);
    on.put_right(row, at.right + 6 + at.bar + 5, joined(rounded(peak, 1)), over ? look::bad : look::plain);
}

}  // namespace

std::string bar(double share, int columns) {
    const char* const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int filled = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * columns * 8));
    std::string out;
    for (int i = 0; i < filled / 8; ++i) out += "█";
    return out + eighths[filled % 8];
}

void draw_schedule(canvas& on, const state& of, const outcome& now, int from, int to, facts& window) {
    const timeline& played = now.made->played;
    const sides at = split(on, played.head.workers);
    text_rows rows(played);
    stretch(rows, at.right - at.left, of.zoom);
    window.workers = played.head.workers;
    window.workers_shown = to - from - 1;
    window.columns = static_cast<int>(rows.width());
    window.columns_shown = at.right - at.left;
    const int first_column = std::clamp(of.first_column, 0, std::max(window.columns - window.columns_shown, 0));
    const int first_worker = std::clamp(of.first_worker, 0, std::max(window.workers - window.workers_shown, 0));
    draw_axis(on, rows, window, first_column, at, from);
    on.put_right(from, at.right + 5, "idle", look::faint);
    on.put_right(from, at.right + 6 + at.bar + 5, "peak", look::faint);
    for (int i = 0; i < window.workers_shown; ++i) {
        on.put(from + 1 + i, 1, joined("w", first_worker + i), look::faint);
        draw_row(on, rows, first_worker + i, first_column, at, from + 1 + i);
        draw_load(on, of, now, first_worker + i, at, from + 1 + i);
    }
    if (first_worker > 0) on.put(from + 1, 0, "↑", look::strong);
    if (first_worker + window.workers_shown < window.workers) on.put(to - 1, 0, "↓", look::strong);
}

void draw_figures(canvas& on, const outcome& now, int row) {
    const contender& c = *now.made;
    int at = 1;
    const auto add = [&](const std::string& what, const std::string& value, look how = look::strong) {
        if (at + length(what) + 1 + length(value) >= on.columns()) return;
        at = on.put(row, at, what) + 1;
        at = on.put(row, at, value, how) + 2;
    };
    const double peak = *std::max_element(now.peaks.begin(), now.peaks.end());
    add("makespan", joined(rounded(c.found.makespan)));
    add("bubbles", joined(rounded(100 * c.found.bubble_ratio, 1), " %"));
    add("peak", joined(rounded(peak)), now.over.empty() ? look::strong : look::bad);
    add("weights", joined(rounded(c.weights * now.peak_scale)));
    if (c.stale > 0) add("stale", std::to_string(c.stale), look::bad);
    add("messages", std::to_string(c.messages));
    add("critical path", joined(c.found.critical.forwards, " F ", c.found.critical.backwards, " B"));
    bool used[5] = {};
    for (const step& s : c.played.row(0))
        if (is_compute(s.op)) used[static_cast<int>(s.op)] = true;
    const char* const names[] = {" forward ", " backward ", " input gradient ", " weight gradient ", " recompute "};
    int wide = 1;
    for (int op = 0; op < 5; ++op) wide += used[op] ? length(names[op]) + 1 : 0;
    if (at + wide > on.columns()) return;
    at = on.columns() - wide;
    for (int op = 0; op < 5; ++op)
        if (used[op]) at = on.put(row, at, names[op], pass_look(op)) + 1;
}

}  // namespace chimera::executor::play
