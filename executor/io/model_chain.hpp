// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace chimera::executor::detail {

/// A layer as it names itself and those that it comes after.
struct link_of_chain {
    std::string name;
    std::vector<std::string> after;
    bool said = false;  ///< it had an "after"
};

/// The order in which layers follow each other: as listed where none says "after", else along that. Throws error that
/// names a layer where the order is no straight chain over all of them: a cycle, a fork, a join, two beginnings, an
/// unknown name.
std::vector<std::size_t> order_of_chain(const std::vector<link_of_chain>& layers);

}  // namespace chimera::executor::detail
