// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/program/instruction.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// One step with its times. Steps are compute actions, reductions (in flight from start to end) and updates. 32 bytes.
struct step {
    action op = action::forward;  ///< compute action, `reduce_gradient` or `update_weights`
    std::uint8_t count = 1;       ///< units covered
    std::uint16_t pipeline = 0;   ///< 0 … pipelines - 1
    std::uint16_t stage = 0;      ///< 0 … stages - 1
    std::int32_t first = -1;      ///< first unit; -1 where none applies
    double begin = 0;             ///< seconds since the start of the iteration
    double end = 0;               ///< seconds since the start of the iteration
};

/// A program with times: predicted by `simulate`, measured by the executor, or a schedule's own ticks.
/// Row w holds worker w's compute and update steps in order of execution; reductions run beside them.
struct timeline {
    shape head;                                   ///< sizes
    std::vector<std::int32_t> placement;          ///< as in schedule_view
    std::vector<std::int32_t> offsets;            ///< workers + 1, into `steps`
    std::vector<step> steps;                      ///< worker after worker, each in order of execution
    std::vector<std::int32_t> reduction_offsets;  ///< workers + 1, into `reductions`; empty when there are none
    std::vector<step> reductions;                 ///< each worker's collectives, beside its steps

    /// Returns the compute and update steps of worker w, in order of execution.
    [[nodiscard]] constexpr std::span<const step> row(int w) const noexcept { return part(offsets, steps, w); }
    /// Returns the reductions of worker w in the order of its row; nothing where the timeline has none.
    [[nodiscard]] constexpr std::span<const step> reductions_of(int w) const noexcept {
        if (reduction_offsets.empty()) return {};
        return part(reduction_offsets, reductions, w);
    }
    /// Returns the worker that holds `stage` on `pipeline`. Both must be in range: nothing is checked.
    [[nodiscard]] constexpr std::int32_t worker_of(int pipeline, int stage) const noexcept {
        return placement[static_cast<std::size_t>(pipeline) * static_cast<std::size_t>(head.stages) +
                         static_cast<std::size_t>(stage)];
    }

private:
    [[nodiscard]] static constexpr std::span<const step> part(const std::vector<std::int32_t>& offsets,
                                                              const std::vector<step>& all, int w) noexcept {
        const auto from = static_cast<std::size_t>(offsets[static_cast<std::size_t>(w)]);
        const auto to = static_cast<std::size_t>(offsets[static_cast<std::size_t>(w) + 1]);
        return std::span<const step>(all).subspan(from, to - from);
    }
};

}  // namespace chimera
