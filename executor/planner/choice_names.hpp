// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/plan/configuration.hpp>

#include <executor/io/fields.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// All values of a choice, in order.
template <class Choice>
constexpr auto choices_of() {
    if constexpr (std::is_same_v<Choice, family>) {
        std::array<family, family_labels.size()> out{};
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<family>(i);
        return out;
    } else if constexpr (std::is_same_v<Choice, reduction_start>) {
        return std::array{reduction_start::lazy, reduction_start::eager, reduction_start::eager_opt};
    } else {
        return std::array{recompute_mode::none, recompute_mode::selective, recompute_mode::mixed, recompute_mode::full};
    }
}

/// The choice of that name. Refuses others, listing all.
template <class Choice>
Choice one_named(const nlohmann::json& value, const std::string& what) {
    std::string all;
    for (const Choice c : choices_of<Choice>()) {
        if (value.is_string() && value.get_ref<const std::string&>() == name(c)) return c;
        if constexpr (std::is_same_v<Choice, family>)
            if (value.is_string() && !traits_of(c).alias.empty() && value == traits_of(c).alias) return c;
        all += (all.empty() ? "" : ", ") + std::string(name(c));
    }
    refuse(what + " is " + detail::shown(value) + " (no such one) give one of " + all);
}

/// A list of choices, in the order of `choices_of`, each once.
template <class Choice>
std::vector<Choice> several_named(const nlohmann::json& value, const std::string& what) {
    if (!value.is_array() || value.empty() || value.size() > 64)
        refuse(what + " is " + detail::shown(value) + " (not a list of names) give some in brackets");
    std::vector<Choice> named;
    for (const nlohmann::json& each : value) named.push_back(one_named<Choice>(each, what));
    std::vector<Choice> out;
    for (const Choice c : choices_of<Choice>())
        if (std::find(named.begin(), named.end(), c) != named.end()) out.push_back(c);
    return out;
}

}  // namespace chimera::executor
