// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

namespace chimera::executor::detail {

/// Numbers the messages of a program that was read, as `lower` does: consumer after consumer, so that the inputs of a
/// compute step are consecutive; and says on each compute step which those are. Transfers that no step consumes get the
/// numbers after that. A send takes the number of its receive: same tensor, same two workers; where several are the
/// same, the first goes with the first. Ends without a partner get a number of their own, so that verify can name them.
void number_messages(program& of);

}  // namespace chimera::executor::detail
