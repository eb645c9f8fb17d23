// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/format.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chimera::detail {

/// Returns the columns that a text takes on a terminal, one for each code point.
constexpr std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

/// Returns the text with lines of more than `most` columns broken at spaces; what follows is set in by four.
inline std::string wrapped(std::string_view text, std::size_t most) {
    std::string out;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix((std::min)(line.size() + 1, text.size()));
        std::string_view indent = "";
        while (indent.size() + columns_of(line) > most) {
            std::size_t end = 0;
            for (std::size_t space = line.find(' ', line.find_first_not_of(' ')); space != line.npos;
                 space = line.find(' ', space + 1))
                if (end == 0 || indent.size() + columns_of(line.substr(0, space)) <= most) end = space;
            if (end == 0) break;
            put(out, indent, line.substr(0, end), '\n');
            line.remove_prefix(end + 1);
            indent = "    ";
        }
        put(out, indent, line, '\n');
    }
    return out;
}

/// Text columns: the first to the left, all others to the right, as wide as their longest cell.
class text_table {
public:
    /// `most`: columns that a line may take. In a table above that, a first cell that makes its line too long has a
    /// line of its own. 0: no limit.
    explicit text_table(std::size_t most = 0) : most_(most) {}

    void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    void append_to(std::string& out) const {
        const std::vector<std::size_t> widths = measure();
        for (const auto& row : rows_) {
            const std::size_t start = out.size();
            for (std::size_t i = 0; i < row.size(); ++i) {
                const std::size_t used = columns_of(row[i]);
                if (i == 0 && used > widths[0]) {
                    put(out, row[i], "\n", std::string(widths[0], ' '));
                    continue;
                }
                const std::string space(widths[i] - used, ' ');
                if (i > 0) put(out, "  ");
                i == 0 ? put(out, row[i], space) : put(out, space, row[i]);
            }
            while (out.size() > start && out.back() == ' ') out.pop_back();
            put(out, '\n');
        }
    }

private:
    std::vector<std::size_t> measure() const {
        std::vector<std::size_t> widths;
        for (const auto& row : rows_)
            for (std::size_t i = 0; i < row.size(); ++i) {
                if (i == widths.size()) widths.push_back(0);
                widths[i] = (std::max)(widths[i], columns_of(row[i]));
            }
        std::size_t others = 0;
        for (std::size_t i = 1; i < widths.size(); ++i) others += 2 + widths[i];
        if (most_ > 0 && !widths.empty() && widths[0] + others > most_)
            widths[0] = most_ > others + 8 ? most_ - others : 8;
        return widths;
    }

    std::size_t most_;
    std::vector<std::vector<std::string>> rows_;
};

/// Appends words in lines of at most `most` columns; all lines but the first start with `indent` blanks.
inline void put_wrapped(std::string& out, std::string_view text, std::size_t indent, std::size_t most) {
    std::size_t used = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix((std::min)(text.size(), word.size() + 1));
        if (used > 0 && used + 1 + columns_of(word) > most) {
            put(out, "\n", std::string(indent, ' '));
            used = indent;
        } else if (used > 0) {
            put(out, ' ');
            ++used;
        }
        put(out, word);
        used += columns_of(word);
    }
    put(out, '\n');
}

}  // namespace chimera::detail
