// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/html.hpp>

#include <executor/compare/contenders.hpp>

#include <string>
#include <vector>

namespace chimera::executor {

/// The outcome of a comparison.
struct comparison {
    const contest& conditions;
    std::vector<contender> contenders;    ///< least worker time first
    std::vector<refused_family> refused;  ///< in the order in which they were asked for
    time_unit unit = time_unit::ticks;
    std::string heading;  ///< the common conditions in one line
};

/// A table with the marks explained, at most 100 columns wide unless a number needs more; refused ones follow.
std::string comparison_text(const comparison& all);

/// One object with all numbers.
std::string comparison_json(const comparison& all);

/// A header, then a line for each contender; the columns have JSON's names, unknown numbers are empty.
std::string comparison_csv(const comparison& all);

/// All timelines as one picture, and as a page with the tables.
std::string comparison_svg(const comparison& all);
std::string comparison_html(const comparison& all);

}  // namespace chimera::executor
