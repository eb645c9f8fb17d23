// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/settings.hpp>

#include <string>

namespace chimera::executor::play {

/// Runs the playground on the terminal that standard input and output are, until it is left; the terminal is then as it
/// was. Files are saved into `folder`. Throws chimera_error where there is no terminal that it can use.
void run_on_terminal(const settings& from, const std::string& folder);

}  // namespace chimera::executor::play
