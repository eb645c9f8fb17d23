// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/format.hpp>

#include <executor/play/view.hpp>

#include <string>

// The parts of the screen. Each draws into rows `from` … `to` - 1 and no others.

namespace chimera::executor::play {

/// Text put together from parts: words, whole numbers, fixed_point.
template <class... Parts>
std::string joined(Parts... parts) {
    std::string out;
    (format::put(out, parts), ...);
    return out;
}
inline format::fixed_point rounded(double value, int decimals = 2) { return {value, decimals}; }

/// A bar of `share` of `columns`, in eighths of a column.
std::string bar(double share, int columns);

void draw_fields(canvas& on, const state& of, int from);

/// The schedule with its time axis, and each worker's idle time and peak. Fills in what `facts` say of the window.
void draw_schedule(canvas& on, const state& of, const outcome& now, int from, int to, facts& window);

/// Makespan, bubbles, memory, messages, in one row; with room, what the colours mean.
void draw_figures(canvas& on, const outcome& now, int row);

void draw_advice(canvas& on, const state& of, const sight& at, int from, int to);

/// The command lines that lead here.
void draw_commands(canvas& on, const state& of, const outcome& now, int from, int to);
void draw_help(canvas& on, int from, int to);
void draw_keys(canvas& on, const state& of, const outcome& now, int row);

}  // namespace chimera::executor::play
