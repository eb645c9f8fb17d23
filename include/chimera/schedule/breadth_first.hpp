// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/order_writer.hpp>

#include <algorithm>

namespace chimera {

/// The breadth-first looped pipeline (Lamy-Poirier, arXiv 2211.05953): stage c · workers + w is chunk c of worker w,
/// and all micro-batches pass a chunk before the next one. With N >= workers, F = B = 1 tick: makespan
/// 2 (N · chunks + workers - 1), peak N · chunks activations of a stage.
struct breadth_first {
    int stages = 2;         ///< a multiple of `chunks`
    int micro_batches = 1;  ///< N, at least 1
    int chunks = 2;         ///< stages per worker

    static constexpr family_traits traits{.name = "breadth_first", .placement = placement_rule::looped};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        return detail::refuse_chunks(stages, micro_batches, chunks, 2);
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / chunks; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr breadth_first for_workers(int count) const noexcept {
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
        for (int chunks = 2; chunks <= 32; ++chunks) f(breadth_first{.chunks = chunks});
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        const int turn = (std::max)(micro_batches, workers());                   // ticks from chunk to chunk
        const int middle = (chunks - 1) * turn + micro_batches + workers() - 1;  // the tick of the first backward
        detail::order_writer out({"breadth_first", workers(), stages, 1, micro_batches, 1},
                                 detail::looped_placement(stages, workers()), slot_count());
        for (int w = 0; w < workers(); ++w) {
            for (int c = 0; c < chunks; ++c) write(out, pass::forward, c * workers() + w, c * turn + w);
            for (int c = chunks; c-- > 0;)
                write(out, pass::backward, c * workers() + w, middle + (chunks - 1 - c) * turn + workers() - 1 - w);
            out.end_row();
        }
        return out.take();
    }

    constexpr void write(detail::order_writer& out, pass op, int stage, int tick) const {
        for (int m = 0; m < micro_batches; ++m) {
            out.add(op, stage, m);
            out.last().tick = tick + m;
        }
    }
};

}  // namespace chimera
