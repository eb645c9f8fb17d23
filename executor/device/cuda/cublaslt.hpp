// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace chimera::executor::detail {

/// Loads the first of the libraries `names` that is there. Throws chimera_error with what the loader said of the first name.
void* load_library(std::span<const char* const> names);

}  // namespace chimera::executor::detail
