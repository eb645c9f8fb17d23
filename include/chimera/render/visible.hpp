// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chimera::format {

/// A character of a UTF-8 text. `sound` is false for a byte that begins none.
struct character {
    char32_t code = 0;
    std::size_t bytes = 1;
    bool sound = true;
};

/// The first character of a text that is not empty.
[[nodiscard]] constexpr character first_character(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
    const char32_t lead = byte(0);
    if (lead < 0x80) return {lead};
    const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    constexpr char32_t least[] = {0x80, 0x800, 0x10000};
    if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {lead, 1, false};
    char32_t code = lead & (0x7fU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return {lead, 1, false};
        code = code << 6 | (byte(i) & 0x3fU);
    }
    if (code < least[bytes - 2] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {lead, 1, false};
    return {code, bytes};
}

/// Returns true for what a terminal or a page obeys instead of showing it: control characters, marks that turn the
/// direction of writing (Unicode Standard Annex 9) and separators of lines.
[[nodiscard]] constexpr bool is_hidden(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/// Text of others as a terminal shows it, on one line: what is hidden, and bytes that are no UTF-8, become \u202e and
/// \x9b.
inline void put_visible(std::string& out, std::string_view text) {
    constexpr char hex[] = "0123456789abcdef";
    while (!text.empty()) {
        const character next = first_character(text);
        if (next.sound && !is_hidden(next.code)) {
            out.append(text.substr(0, next.bytes));
        } else {
            out.append(next.sound ? "\\u" : "\\x");
            for (int shift = next.sound ? 12 : 4; shift >= 0; shift -= 4) out.push_back(hex[next.code >> shift & 15]);
        }
        text.remove_prefix(next.bytes);
    }
}
[[nodiscard]] inline std::string visible(std::string_view text) {
    std::string out;
    put_visible(out, text);
    return out;
}

}  // namespace chimera::format
