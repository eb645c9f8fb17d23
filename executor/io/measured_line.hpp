// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor::detail {

/// One line of comma-separated cells under named columns. What it refuses begins with the line's number.
class measured_line {
public:
    measured_line(const std::vector<std::string>& columns, int number, std::vector<std::string> cells)
        : columns_(&columns), number_(number), cells_(std::move(cells)) {}

    /// Returns true if the file has that column.
    bool has(std::string_view column) const;
    std::string where() const { return "line " + std::to_string(number_) + ": "; }
    /// Empty where the file lacks the column.
    const std::string& cell(std::string_view column) const;
    /// The cell in a message: short, in quotes, without control characters.
    std::string quoted(std::string_view column) const;
    /// least … most.
    std::int64_t whole(std::string_view column, std::int64_t most, std::int64_t least = 1) const;
    /// Finite and above 0.
    double positive(std::string_view column) const;

private:
    const std::vector<std::string>* columns_;
    int number_;
    std::vector<std::string> cells_;
};

/// The lines of a text, its header read: names in lower case, without # and spaces around them. Empty lines and
/// comments are skipped: lines that begin with #, but for a header that does ("# GPUs,…").
class measured_lines {
public:
    explicit measured_lines(std::string_view text);

    bool has(std::initializer_list<std::string_view> columns) const;
    /// Refuses a header that lacks one of them.
    void need(std::initializer_list<std::string_view> columns) const;
    /// Takes the next line; false at the end. Refuses a line with fewer or more cells than the header.
    bool next();
    const measured_line& current() const { return line_; }

private:
    bool take(std::string_view& line);

    std::string_view rest_;
    int number_ = 0;
    std::vector<std::string> columns_;
    measured_line line_;
};

}  // namespace chimera::executor::detail
