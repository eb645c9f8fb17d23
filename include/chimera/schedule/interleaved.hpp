// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/looped_order.hpp>
#include <chimera/schedule/shortest_order.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera {

/// The schedule interleaved 1F1B (Narayanan et al., SC'21, arXiv 2104.04473; Megatron-LM): stage c · workers + w is
/// chunk c of worker w. Forwards go through the chunks in groups of `group` micro-batches, backwards through the chunks
/// from the last, in the same groups. Worker w runs 2 (workers - w - 1) + (chunks - 1) · group forwards first, then one
/// forward, one backward. Idle (workers - 1)(F + B) of a stage per worker if group = workers divides N. The
/// micro-batches beyond whole groups are a group of their own if they are at least `workers` (Megatron's rule), else
/// they join the group before. A group below the workers holds fewer activations: 2 (workers - 1) + (chunks - 1)
/// · group + 1 on worker 0; a chunk then waits for the one before it, and the bubble grows.
struct interleaved {
    int stages = 2;         ///< a multiple of `chunks`
    int micro_batches = 1;  ///< N, at least 1
    int chunks = 2;         ///< stages per worker
    int group = 0;          ///< micro-batches that pass a chunk before the next chunk's turn; 0: as many as workers

    static constexpr family_traits traits{.name = "interleaved", .placement = placement_rule::looped};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_chunks(stages, micro_batches, chunks, 2); why != refusal::none)
            return why;
        return group >= 0 ? refusal::none : refusal::group_below_zero;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / chunks; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr interleaved for_workers(int count) const noexcept {
        return detail::on_workers(*this, count);
    }
    /// Returns `chunks`.
    [[nodiscard]] constexpr int stages_per_worker() const noexcept { return chunks; }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    /// Calls f with each choice that the planner tries.
    template <class F>
    static constexpr void variants(int, const F& f) {
        for (int chunks = 2; chunks <= 32; ++chunks) f(interleaved{.chunks = chunks});
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        if (group == 0 || group >= workers())
            return compact(base(group == 0 ? workers() : group, 2).make("interleaved"));
        // One forward ahead of each backward never waits in a ring; up to the warm-up's memory the others move up.
        std::vector<std::int32_t> memory;
        for (int w = 0; w < workers(); ++w)
            memory.push_back(2 * (workers() - 1 - w) + (chunks - 1) * (std::min)(group, micro_batches) + 1);
        const bool few = slot_count() <= 192;
        detail::shortest_order best({1, 1, 1, 0}, std::move(memory), detail::effort{.rounds = few ? 4 : 0});
        best.consider(base(group, 1).make("interleaved"));
        best.move_slots(few ? 4 : 1);
        if (best.empty() || few) best.consider(base(group, 0).make("interleaved"));
        schedule out = best.take();
        for (slot& s : out.entries) s.ticks = 1;
        return compact(std::move(out));
    }

    [[nodiscard]] constexpr detail::looped_order base(int size, int ahead) const noexcept {
        return {workers(), micro_batches, chunks, size, false, ahead};
    }
};

}  // namespace chimera
