// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/engine/status.hpp>

#include <chimera/program/program.hpp>

#include <span>
#include <string>

namespace chimera::executor {

/// A copy of a worker's status at one moment.
struct snapshot {
    phase what = phase::idle;
    std::int32_t instruction = -1;
    std::int32_t message = -1;
};

/// Whom a stall is to be blamed on.
struct culprit {
    int worker = -1;
    int instruction = -1;
    int peer = -1;    ///< who waits for it, or whom it waits for in vain
    std::string why;  ///< e.g. `stuck in compute`
};

/// Follows who waits for whom, starting at a worker that makes no progress, to one that waits for nobody:
/// it is stuck in compute, or waits for a message that was never sent; or to a circle of workers.
culprit find_culprit(const program_view& p, std::span<const snapshot> workers, int start);

}  // namespace chimera::executor
