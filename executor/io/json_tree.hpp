// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <functional>
#include <string_view>

namespace chimera::executor::detail {

/// Hears of each object, list, key and value, as nlohmann's parser callback does (which takes time in the square of a
/// list's length), and may throw.
using json_watch = std::function<void(int depth, nlohmann::json::parse_event_t event, nlohmann::json& value)>;

/// Parses one JSON value, in time linear in the text but for the keys of one object, which are sorted. Throws
/// chimera_error for a key that an object gives twice, and nlohmann's parse_error and out_of_range, the former for a
/// NUL byte too: to nlohmann's parser it is the end of the text, whatever follows.
nlohmann::json parse_tree(std::string_view text, const json_watch& watch = {});

}  // namespace chimera::executor::detail
