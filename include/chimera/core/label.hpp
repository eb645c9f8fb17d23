// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace chimera {

namespace detail {

// Not constexpr: in constant evaluation the call itself is the diagnosis.
[[noreturn]] inline void label_too_long(std::size_t size) {
    refuse("a name of " + std::to_string(size) + " characters is too long (a label holds 31) shorten it");
}

}  // namespace detail

/// A short name in a form that constant evaluation can keep: at most 31 characters. Longer text throws `chimera_error`;
/// in constant evaluation it does not compile.
struct label {
    std::array<char, 32> text{};  ///< characters, then zeros: at least one

    constexpr label() = default;
    /// Takes a text of at most 31 characters.
    constexpr label(std::string_view from) {
        if (from.size() >= text.size()) detail::label_too_long(from.size());
        for (std::size_t i = 0; i < from.size(); ++i) text[i] = from[i];
    }
    constexpr label(const char* from) : label(std::string_view(from)) {}
    /// Returns the characters before the first zero, valid as long as the label is.
    [[nodiscard]] constexpr std::string_view view() const noexcept {
        std::size_t size = 0;
        while (text[size] != '\0') ++size;
        return {text.data(), size};
    }
    friend constexpr bool operator==(const label&, const label&) = default;
};

}  // namespace chimera
