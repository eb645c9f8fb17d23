// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace chimera {

/// Joins every forward with the full backward of other units that follows it on the worker, and re-times the order. The
/// two overlap in one slot that takes as long as both (DualPipe, DeepSeek-V3, arXiv 2412.19437, section 3.2.1).
/// Throws `chimera_error` if pairs wait for each other.
[[nodiscard]] constexpr schedule pair(schedule_argument table) {
    schedule out{table.head,
                 {table.placement.begin(), table.placement.end()},
                 {table.offsets.begin(), table.offsets.end()},
                 {table.entries.begin(), table.entries.end()},
                 {table.links.begin(), table.links.end()}};
    for (int w = 0; w < table.head.workers; ++w) {
        const auto end = out.offsets[static_cast<std::size_t>(w) + 1];
        for (auto i = out.offsets[static_cast<std::size_t>(w)]; i + 1 < end; ++i) {
            slot& a = out.entries[static_cast<std::size_t>(i)];
            slot& b = out.entries[static_cast<std::size_t>(i) + 1];
            const bool apart = a.first + a.count <= b.first || b.first + b.count <= a.first;
            if (a.op != pass::forward || b.op != pass::backward || a.overlap != 0 || b.overlap != 0 || !apart) continue;
            a.ticks = b.ticks = static_cast<std::uint16_t>(a.ticks + b.ticks);
            a.overlap = 1;
            ++i;
        }
    }
    return compact(std::move(out));
}

}  // namespace chimera
