// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/engine/status.hpp>

#include <atomic>
#include <cstdint>

namespace chimera::executor {

/// Counts the passes through single layers that this process has computed (or enqueued), for those who wait for a long
/// pass through a stage and want to know that it moves.
inline std::atomic<std::uint64_t> layer_passes{0};

inline void count_layer_pass() {
    layer_passes.fetch_add(1, std::memory_order_relaxed);
    note_progress();
}

}  // namespace chimera::executor
