// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor::play {

/// The style of a character, which the terminal turns into colours.
enum class look : std::uint8_t {
    plain,
    faint,   ///< what is there if one looks for it
    strong,  ///< figures
    bar,     ///< the first and the last line
    key,     ///< on the last line
    chosen,  ///< the field that the keys change
    good,
    bad,
    pass,  ///< this and the following: the classes of render/palette.hpp, a hue and a pass each
};
constexpr look pass_look(int cls) { return static_cast<look>(static_cast<int>(look::pass) + cls); }
/// The class of a pass's look; negative for the others.
constexpr int class_of(look how) { return static_cast<int>(how) - static_cast<int>(look::pass); }

struct cell {
    char32_t glyph = U' ';
    look how = look::plain;
};

/// The characters of a screen, row after row, each one column wide.
class canvas {
public:
    canvas(int rows, int columns);

    int rows() const { return rows_; }
    int columns() const { return columns_; }
    const cell& at(int row, int column) const { return cells_[index(row, column)]; }

    /// Writes UTF-8 from a column on, as far as there is room. Returns the column after it.
    int put(int row, int column, std::string_view text, look how = look::plain);
    /// Writes text that ends in the column before `end`. Returns the column where it starts.
    int put_right(int row, int end, std::string_view text, look how = look::plain);
    /// Writes words into as many rows as they need from `row` on, at most to row `end`. Returns the row after them.
    int put_words(int row, int end, int column, std::string_view text, look how = look::plain);
    /// Gives a whole row a look.
    void paint(int row, look how);

    /// A row as UTF-8, without blanks at its end.
    std::string text(int row) const;

private:
    std::size_t index(int row, int column) const {
        return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) + static_cast<std::size_t>(column);
    }
    int rows_, columns_;
    std::vector<cell> cells_;
};

/// Characters of UTF-8 text.
int length(std::string_view text);

}  // namespace chimera::executor::play
