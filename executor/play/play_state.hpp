// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/ranking.hpp>

#include <string>

namespace chimera::executor::play {

/// The page below the fields.
enum class page { schedule, command, help };

/// The request of a key to the loop.
enum class wish { nothing, save, quit };

/// All of the playground: what is asked, where the eye is, what was said last.
struct state {
    settings asked;
    settings first = asked;  ///< what r goes back to
    field chosen = field::family;
    std::string typed;  ///< a number on its way into the chosen field
    page shown = page::schedule;
    int zoom = 1;          ///< how many times as wide as what fits the screen
    int first_worker = 0;  ///< the topmost row of the schedule
    int first_column = 0;  ///< the leftmost column of the schedule
    std::string note;      ///< the last word, in a line
    wish wanted = wish::nothing;
};

/// Keys that are no characters; characters stand for themselves.
enum key : int {
    up = 256,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    shift_left,
    shift_right,
    shift_up,
    shift_down,
    enter,
    escape,
    tab,
    back_tab,
    backspace,
    interrupt,
};

/// The facts on the screen that a key may need.
struct facts {
    const outcome* now = nullptr;
    const ranking* advice = nullptr;  ///< null while there is none
    int workers_shown = 0, workers = 0;
    int columns_shown = 0, columns = 0;  ///< of the schedule
};

/// The state after a key. Keys that mean nothing change nothing.
state press(state s, int key, const facts& on);

}  // namespace chimera::executor::play
