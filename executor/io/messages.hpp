// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

namespace chimera::executor::detail {

/// Numbers the messages of a program that was read: a send and a receive of the same tensor between the same workers
/// share one; where several do, the first send goes with the first receive. Ends without a partner get a number of their
/// own, so that verify can name them. Numbers follow the sends, worker after worker; then come receives without a send.
void number_messages(program& of);

}  // namespace chimera::executor::detail
