// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/canvas.hpp>
#include <executor/play/play_state.hpp>

namespace chimera::executor::play {

/// The content of the screen.
struct sight {
    const outcome& now;
    const ranking* advice = nullptr;  ///< null while there is none
    bool weighing = false;            ///< whether advice is on its way
};

/// A screen, and what the next key may need to know of it.
struct frame {
    canvas screen;
    facts on;
};

inline constexpr int rows_least = 18;
inline constexpr int columns_least = 80;

/// The screen of a state, of exactly that size. Smaller than the least it says so and shows nothing else.
frame draw(const state& of, const sight& at, int rows, int columns);

}  // namespace chimera::executor::play
