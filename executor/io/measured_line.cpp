// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/io/measured_line.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace chimera::executor::detail {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\"";
    const auto from = text.find_first_not_of(blank);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

std::vector<std::string> cells_of(std::string_view line) {
    std::vector<std::string> out;
    for (std::size_t from = 0;;) {
        const auto to = line.find(',', from);
        out.emplace_back(trimmed(line.substr(from, to == std::string_view::npos ? to : to - from)));
        if (to == std::string_view::npos) return out;
        from = to + 1;
    }
}

/// Above the header: a line that begins with # and names no columns.
bool comment(std::string_view line) {
    return trimmed(line).front() == '#' && line.find("GPUs,") == std::string_view::npos;
}

std::string brief(std::string text) {
    for (char& c : text)
        if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = '?';
    return text.size() > 40 ? text.substr(0, 40) + "…" : text;
}

}  // namespace

bool measured_line::has(std::string_view column) const {
    return std::find(columns_->begin(), columns_->end(), column) != columns_->end();
}

const std::string& measured_line::cell(std::string_view column) const {
    static const std::string missing;
    const auto at = std::find(columns_->begin(), columns_->end(), column);
    return at == columns_->end() ? missing : cells_[static_cast<std::size_t>(at - columns_->begin())];
}

std::string measured_line::quoted(std::string_view column) const { return '"' + brief(cell(column)) + '"'; }

std::int64_t measured_line::whole(std::string_view column, std::int64_t most, std::int64_t least) const {
    const std::string& text = cell(column);
    std::int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool read = failed == std::errc{} && end == text.data() + text.size();
    if (!read || value < least || value > most)
        refuse(where() + std::string(column) + " is " + quoted(column) + " (" +
               (text.empty() ? "missing"
                : read       ? "out of range"
                             : "not a whole number") +
               ") give " + std::to_string(least) + " to " + std::to_string(most));
    return value;
}

double measured_line::positive(std::string_view column) const {
    const std::string& text = cell(column);
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool read = failed == std::errc{} && end == text.data() + text.size();
    if (!read || !std::isfinite(value) || !(value >= 1e-9) || value > 1e15)
        refuse(where() + std::string(column) + " is " + quoted(column) + " (" +
               (text.empty() ? "missing"
                : read       ? "out of range"
                             : "not a number") +
               ") give a number above 0" + (read && value > 0 ? ", from 1e-09 to 1e+15" : ""));
    return value;
}

measured_lines::measured_lines(std::string_view text) : rest_(text), line_(columns_, 0, {}) {
    if (rest_.substr(0, 3) == "\xef\xbb\xbf") rest_.remove_prefix(3);
    std::string_view header;
    do {
        if (!take(header)) refuse("the file is empty (measurements are needed) give a header line and rows");
    } while (trimmed(header).empty() || comment(header));
    for (std::string& name : cells_of(header)) {
        std::string plain;
        for (const char c : name)
            if (c != '#') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        plain = trimmed(plain);
        if (!plain.empty() && std::find(columns_.begin(), columns_.end(), plain) != columns_.end())
            refuse("column \"" + brief(plain) + "\" comes twice (a cell would mean two things) keep one");
        columns_.push_back(plain);
    }
}

bool measured_lines::take(std::string_view& line) {
    if (rest_.empty()) return false;
    const auto end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
    return true;
}

bool measured_lines::has(std::initializer_list<std::string_view> columns) const {
    return std::all_of(columns.begin(), columns.end(), [&](std::string_view one) {
        return std::find(columns_.begin(), columns_.end(), one) != columns_.end();
    });
}

void measured_lines::need(std::initializer_list<std::string_view> columns) const {
    for (const std::string_view one : columns)
        if (!has({one}))
            refuse("column \"" + std::string(one) + "\" is missing (the first line names " +
                   std::to_string(columns_.size()) + " columns) begin with a header line of measurements");
}

bool measured_lines::next() {
    std::string_view line;
    do {
        if (!take(line)) return false;
    } while (trimmed(line).empty() || trimmed(line).front() == '#');
    std::vector<std::string> cells = cells_of(line);
    if (cells.size() != columns_.size())
        refuse("line " + std::to_string(number_) + " has " + std::to_string(cells.size()) + " cells (the header has " +
               std::to_string(columns_.size()) + ") write as many");
    line_ = measured_line(columns_, number_, std::move(cells));
    return true;
}

}  // namespace chimera::executor::detail
