// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/order_writer.hpp>

#include <algorithm>
#include <cstddef>

namespace chimera {

/// The schedule interleaved 1F1B (Narayanan et al., SC'21, arXiv 2104.04473; Megatron-LM): stage c · workers + w is
/// chunk c of worker w. Forwards go through the chunks in groups of `group` micro-batches, backwards through the chunks
/// from the last, in the same groups. Worker w runs 2 (workers - w - 1) + (chunks - 1) · group forwards first, then one
/// forward, one backward. Idle (workers - 1)(F + B) of a stage per worker if group = workers divides N. The
/// micro-batches beyond whole groups are a group of their own if they are at least `workers` (Megatron's rule), else
/// they join the group before.
struct interleaved {
    int stages = 2;
    int micro_batches = 1;
    int chunks = 2;  ///< stages per worker
    int group = 0;   ///< micro-batches that pass a chunk before the next chunk's turn, at least `workers`; 0: workers

    static constexpr family_traits traits{.name = "interleaved", .placement = placement_rule::looped};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_chunks(stages, micro_batches, chunks, 2); why != refusal::none)
            return why;
        return group == 0 || group >= workers() ? refusal::none : refusal::group_too_small;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / chunks; }
    [[nodiscard]] constexpr int stages_per_worker() const noexcept { return chunks; }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    /// Calls f with each choice that the planner tries.
    template <class F>
    static constexpr void variants(int, const F& f) {
        for (int chunks = 2; chunks <= 8; chunks *= 2) f(interleaved{.chunks = chunks});
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        detail::order_writer out({"interleaved", workers(), stages, 1, micro_batches, 1},
                                 detail::looped_placement(stages, workers()), slot_count());
        const std::int64_t total = std::int64_t{micro_batches} * chunks;
        for (int w = 0; w < workers(); ++w) {
            cursor forward{*this}, backward{*this};
            std::int64_t ahead =
                (std::min)(total, std::int64_t{2} * (workers() - w - 1) + std::int64_t{chunks - 1} * largest());
            for (std::int64_t i = 0; i < ahead; ++i) forward.write(out, pass::forward, w);
            for (std::int64_t i = 0; i < total; ++i) {
                if (ahead < total) forward.write(out, pass::forward, w), ++ahead;
                backward.write(out, pass::backward, w);
            }
            out.end_row();
        }
        return compact(out.take());
    }

    [[nodiscard]] constexpr int span() const noexcept { return group == 0 ? workers() : group; }
    /// Returns the size of the largest group: the warm-up must reach its last chunk.
    [[nodiscard]] constexpr int largest() const noexcept {
        const int rest = micro_batches % span();
        if (micro_batches <= span()) return micro_batches;
        return rest < workers() ? span() + rest : span();
    }
    /// Micro-batches of the group that starts at `first`.
    [[nodiscard]] constexpr int group_at(int first) const noexcept {
        const int left = micro_batches - first;
        return left - span() >= workers() ? span() : left;
    }

    /// Walks (micro-batch, chunk) in the order in which they pass a worker.
    struct cursor {
        const interleaved& of;
        int first = 0;              // of the group
        int size = of.group_at(0);  // of the group
        int chunk = 0;
        int at = 0;  // within the group

        constexpr void write(detail::order_writer& out, pass op, int w) {
            const int c = op == pass::forward ? chunk : of.chunks - 1 - chunk;
            out.add(op, c * of.workers() + w, first + at);
            if (++at < size) return;
            at = 0;
            if (++chunk < of.chunks) return;
            chunk = 0;
            first += size;
            size = of.group_at(first);
        }
    };
};

}  // namespace chimera
