// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace chimera::executor::detail {

/// Writes a line to stderr, once a process: what goes another way than expected, slower, and why.
void say_once(const std::string& line);

}  // namespace chimera::executor::detail
