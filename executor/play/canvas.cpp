// SPDX-License-Identifier: Apache-2.0
#include <executor/play/canvas.hpp>

#include <algorithm>

namespace chimera::executor::play {

namespace {

/// Reads a character off the front of well-formed UTF-8.
char32_t next(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    char32_t out = bytes == 1 ? lead : lead & (0xffU >> (bytes + 1));
    for (std::size_t i = 1; i < std::min(bytes, text.size()); ++i)
        out = out << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
    text.remove_prefix(std::min(bytes, text.size()));
    return out;
}

void put_utf8(std::string& out, char32_t c) {
    const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80U | (c >> shift & 0x3fU))); };
    if (c < 0x80) return out.push_back(static_cast<char>(c));
    if (c < 0x800) {
        out.push_back(static_cast<char>(0xc0U | c >> 6));
    } else {
        out.push_back(static_cast<char>(0xe0U | c >> 12));
        tail(6);
    }
    tail(0);
}

}  // namespace

canvas::canvas(int rows, int columns)
    : rows_(rows), columns_(columns), cells_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns)) {}

int canvas::put(int row, int column, std::string_view text, look how) {
    while (!text.empty()) {
        const char32_t glyph = next(text);
        if (row >= 0 && row < rows_ && column >= 0 && column < columns_) cells_[index(row, column)] = {glyph, how};
        ++column;
    }
    return column;
}

int canvas::put_right(int row, int end, std::string_view text, look how) {
    const int from = end - length(text);
    put(row, from, text, how);
    return from;
}

int canvas::put_words(int row, int end, int column, std::string_view text, look how) {
    int at = column;
    while (!text.empty() && row < end) {
        const std::string_view word = text.substr(0, text.find(' '));
        if (at > column && at + length(word) > columns_ - 1) {
            ++row;
            at = column;
            continue;
        }
        at = put(row, at, word, how) + 1;
        text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    return row + 1;
}

void canvas::paint(int row, look how) {
    for (int column = 0; column < columns_; ++column) cells_[index(row, column)].how = how;
}

std::string canvas::text(int row) const {
    std::string out;
    for (int column = 0; column < columns_; ++column) put_utf8(out, at(row, column).glyph);
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

int length(std::string_view text) {
    return static_cast<int>(std::count_if(text.begin(), text.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

}  // namespace chimera::executor::play
