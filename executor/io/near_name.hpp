// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// Counts the characters that differ in two names, capitals or not: inserted, left out or replaced (Levenshtein, 1966).
inline std::size_t edits_between(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

/// Returns the name nearest to what was given, the first of equals; empty where more than a third of it is different.
template <class Names>
std::string_view nearest_name(std::string_view given, const Names& names) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, given.size() / 3) + 1;
    for (const auto& one : names) {
        if (given.size() > 100) break;  // no name, and slow to compare
        const std::size_t edits = edits_between(given, one.name);
        if (edits < least) best = one.name, least = edits;
    }
    return best;
}

}  // namespace chimera::executor
