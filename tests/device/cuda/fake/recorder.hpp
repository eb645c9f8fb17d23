// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace chimera::fake {

/// A call: the function's name, and its arguments as numbers.
struct recorded_call {
    std::string name;
    std::vector<std::uint64_t> arguments;
};

}  // namespace chimera::fake
