// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/peer_text.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace chimera::executor {
namespace {

struct letter {
    std::uint32_t code = 0;
    std::size_t bytes = 0;  ///< 0: no UTF-8
};

/// The first letter of `text`, as RFC 3629 has it: no surrogates, nothing longer than needed.
letter first_of(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = at(0);
    if (lead < 0x80) return {lead, 1};
    const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
    std::uint32_t code = lead & (0x7fU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) {
        if ((at(i) & 0xc0U) != 0x80) return {};
        code = code << 6 | (at(i) & 0x3fU);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
    return {code, bytes};
}

/// Returns true for what a terminal acts on instead of showing it.
bool acts(std::uint32_t code) {
    const auto in = [&](std::uint32_t from, std::uint32_t to) { return code >= from && code <= to; };
    return code < 0x20 || in(0x7f, 0x9f) || code == 0x61c || in(0x200b, 0x200f) || in(0x2028, 0x202e) ||
           in(0x2060, 0x206f) || code == 0xfeff || in(0xfff9, 0xfffb) || in(0xe0000, 0xe0fff);
}

void add_code(std::string& to, const char* format, std::uint32_t code) {
    char text[16];
    std::snprintf(text, sizeof text, format, static_cast<unsigned>(code));
    to += text;
}

}  // namespace

std::string peer_text(std::string_view said, std::size_t most) {
    const bool cut = said.size() > most;
    said = said.substr(0, most);
    std::string line;
    while (!said.empty()) {
        const letter next = first_of(said);
        if (next.bytes == 0)
            add_code(line, "\\x%02x", static_cast<unsigned char>(said[0]));
        else if (acts(next.code))
            add_code(line, next.code < 0x100 ? "\\x%02x" : "\\u%04x", next.code);
        else
            line += said.substr(0, next.bytes);
        said.remove_prefix(std::max<std::size_t>(1, next.bytes));
    }
    return cut ? line + " …" : line;
}

std::string peer_text(std::span<const std::byte> said) {
    return peer_text(std::string_view(reinterpret_cast<const char*>(said.data()), said.size()));
}

std::span<const std::byte> short_enough(const std::string& text) {
    return std::as_bytes(std::span(text)).first(std::min(text.size(), largest_peer_text));
}

}  // namespace chimera::executor
