// SPDX-License-Identifier: Apache-2.0
// Instead of the other sources here, where ncurses is missing.

#include <chimera/core/error.hpp>

#include <executor/play/terminal.hpp>

namespace chimera::executor::play {

void run_on_terminal(const settings&, const std::string&) {
    refuse("chimera play was built without ncurses (it draws on the terminal) install libncurses-dev and build again");
}

}  // namespace chimera::executor::play
