// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/schedule_timeline.hpp>
#include <chimera/search.hpp>
#include <chimera/simulate/timeline.hpp>

#include <optional>
#include <string>
#include <vector>

namespace chimera::executor {

/// A placement's search, or why there is none.
struct placement_search {
    search_problem of;
    std::optional<search_result> found;
    std::string refused;
};

/// Returns a share as a percentage with three decimals.
std::string percent_text(double share);

/// Returns the words of `chimera search`: the figures of the best, its bounds, and a row for each placement.
std::string search_words(const placement_search& best, const timeline& predicted,
                         const std::vector<placement_search>& all, time_unit unit);

}  // namespace chimera::executor
