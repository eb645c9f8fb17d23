// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/canvas.hpp>

namespace chimera::executor::play {

inline constexpr int no_key = -1;

/// The terminal, taken over while this lives and given back as it was, also where an exception or a signal ends it.
class screen {
public:
    /// Throws chimera_error for a terminal that is not known.
    screen();
    ~screen();
    screen(const screen&) = delete;
    screen& operator=(const screen&) = delete;

    int rows() const;
    int columns() const;
    void show(const canvas& what);
    /// Returns true if the screen has not changed since it was last shown, in size or otherwise.
    bool fits(const canvas& what) const;
    /// The next key, as state.hpp numbers them; `no_key` for none within so many milliseconds , for
    /// a change of the terminal's size, and for keys without a meaning.
    int wait(int milliseconds);

private:
    int shown_rows_ = 0, shown_columns_ = 0;  // of what stands there; 0: nothing to rely on
};

}  // namespace chimera::executor::play
