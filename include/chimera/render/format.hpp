// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/visible.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace chimera::format {

// The writers append to one string and format numbers in place: no stream, no allocation per number.

template <std::integral Integer>
void put(std::string& out, Integer value) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

inline void put(std::string& out, std::string_view text) { out.append(text); }
inline void put(std::string& out, const char* text) { out.append(text); }
inline void put(std::string& out, const std::string& text) { out.append(text); }
inline void put(std::string& out, char one) { out.push_back(one); }

/// A floating-point number with at most `decimals` digits after the point, without trailing zeros.
struct fixed_point {
    double value;
    int decimals;
};

inline void put(std::string& out, fixed_point number) {
    char digits[352];  // the longest double has 309 digits before the point
    const char* end =
        std::to_chars(digits, digits + sizeof digits, number.value, std::chars_format::fixed, number.decimals).ptr;
    if (number.decimals > 0) {
        while (end[-1] == '0') --end;
        if (end[-1] == '.') --end;
    }
    const std::string_view text(digits, static_cast<std::size_t>(end - digits));
    out.append(text == "-0" ? "0" : text);
}

/// The shortest text that reads back as the same number.
inline void put(std::string& out, double value) {
    char digits[32];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

template <class First, class Second, class... Rest>
void put(std::string& out, First first, Second second, Rest... rest) {
    put(out, first);
    put(out, second);
    (put(out, rest), ...);
}

/// A JSON string with its quotes. Hidden characters and what JSON reserves are escaped; other bytes pass through.
inline void put_quoted(std::string& out, std::string_view text) {
    constexpr char hex[] = "0123456789abcdef";
    out.push_back('"');
    while (!text.empty()) {
        const character next = first_character(text);
        if (next.code == '"' || next.code == '\\') {
            put(out, '\\', text[0]);
        } else if (next.sound && is_hidden(next.code)) {
            put(out, "\\u", hex[next.code >> 12 & 15], hex[next.code >> 8 & 15], hex[next.code >> 4 & 15],
                hex[next.code & 15]);
        } else {
            out.append(text.substr(0, next.bytes));
        }
        text.remove_prefix(next.bytes);
    }
    out.push_back('"');
}

/// Text inside an XML element or attribute. Hidden characters, most of which XML has no way to write, become spaces.
inline void put_escaped(std::string& out, std::string_view text) {
    for (std::size_t bytes = 0; !text.empty(); text.remove_prefix(bytes)) {
        const character next = first_character(text);
        bytes = next.bytes;
        switch (text[0]) {
            case '&':
                put(out, "&amp;");
                break;
            case '<':
                put(out, "&lt;");
                break;
            case '>':
                put(out, "&gt;");
                break;
            case '"':
                put(out, "&quot;");
                break;
            case '\'':
                put(out, "&#39;");
                break;
            default:
                out.append(next.sound && is_hidden(next.code) ? " " : text.substr(0, bytes));
        }
    }
}

/// A number of bytes in the largest binary unit that it reaches, with three significant digits: 12.3 GiB.
inline void put_bytes(std::string& out, double bytes) {
    constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < std::size(units); bytes /= 1024) ++unit;
    put(out, fixed_point{bytes, unit == 0 || bytes >= 100 ? 0 : bytes >= 10 ? 1 : 2}, units[unit]);
}

}  // namespace chimera::format

namespace chimera::detail {
using namespace format;
}  // namespace chimera::detail
