// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace chimera::executor {

/// Bytes of a text that one process tells another, at most.
inline constexpr std::size_t largest_peer_text = 2048;

/// Another process's words as one line for a terminal: at most `most` bytes of them, and control characters, marks
/// that turn the direction of text, line separators and what is no UTF-8 as \x1b or \u202e.
std::string peer_text(std::string_view said, std::size_t most = largest_peer_text);
std::string peer_text(std::span<const std::byte> said);

/// The text, cut where it is longer than what others take.
std::span<const std::byte> short_enough(const std::string& text);

}  // namespace chimera::executor
