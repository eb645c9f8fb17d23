// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/plan/configuration.hpp>

#include <executor/io/fields.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// All values of a choice, in order; `name` gives the text of each.
template <class Choice>
inline constexpr std::array<Choice, 0> choices_of{};
template <>
inline constexpr auto choices_of<family> = [] {
    std::array<family, family_labels.size()> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<family>(i);
    return out;
}();
template <>
inline constexpr std::array choices_of<reduction_start>{reduction_start::lazy, reduction_start::eager,
                                                        reduction_start::eager_opt};
template <>
inline constexpr std::array choices_of<recompute_mode>{recompute_mode::none, recompute_mode::selective,
                                                       recompute_mode::layers, recompute_mode::mixed,
                                                       recompute_mode::full};

/// The choice of that name, for families also of that alias; none for other texts.
template <class Choice>
std::optional<Choice> find_choice(std::string_view text) {
    for (const Choice c : choices_of<Choice>) {
        if (text == name(c)) return c;
        if constexpr (std::is_same_v<Choice, family>)
            if (!text.empty() && text == traits_of(c).alias) return c;
    }
    return std::nullopt;
}

/// The names of all values, `last` before the last one and commas before the others.
template <class Choice>
std::string names_of(std::string_view last) {
    std::string out;
    for (std::size_t i = 0; i < choices_of<Choice>.size(); ++i) {
        if (i > 0) out += i + 1 == choices_of<Choice>.size() ? last : ", ";
        out += name(choices_of<Choice>[i]);
    }
    return out;
}

/// The choice of that name. Refuses others, listing all.
template <class Choice>
Choice one_named(const nlohmann::json& value, const std::string& what) {
    if (value.is_string())
        if (const auto found = find_choice<Choice>(value.get_ref<const std::string&>())) return *found;
    refuse(what + " is " + detail::shown(value) + " (no such one) give one of " + names_of<Choice>(", "));
}

/// A list of choices, in the order of `choices_of`, each once.
template <class Choice>
std::vector<Choice> several_named(const nlohmann::json& value, const std::string& what) {
    if (!value.is_array() || value.empty() || value.size() > 64)
        refuse(what + " is " + detail::shown(value) + " (not a list of names) give some in brackets");
    std::vector<Choice> named;
    for (const nlohmann::json& each : value) named.push_back(one_named<Choice>(each, what));
    std::vector<Choice> out;
    for (const Choice c : choices_of<Choice>)
        if (std::find(named.begin(), named.end(), c) != named.end()) out.push_back(c);
    return out;
}

}  // namespace chimera::executor
