// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/looped_order.hpp>
#include <chimera/schedule/modulo_block.hpp>
#include <chimera/schedule/shortest_order.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace chimera {

/// The schedule of interleaved 1F1B with split backwards, after the zero-bubble papers (Qi et al., arXiv 2401.10241;
/// InterleavedZeroBubble in PyTorch). Stage c · workers + w is chunk c of worker w. Worker w starts with
/// workers - w - 1 + (chunks - 1) · workers forwards. Then one input gradient and one forward take turns, and weight
/// gradients fill the bubbles. Peak: at most chunks · workers activations of a stage, those of 1F1B. Makespan at
/// F = I = W = 1 tick and N a multiple of the workers: 3 N · chunks + workers - 1.
struct zb_interleaved {
    int stages = 2;         ///< a multiple of `chunks`
    int micro_batches = 1;  ///< N, at least 1
    int chunks = 2;         ///< stages per worker
    int activations = 0;    ///< most that a worker holds, of a stage each; 0: as many as stages
    int forward_ticks = 1;  ///< of a forward that the order is made for, 0 … 10000; 0: 1
    int input_ticks = 1;    ///< of an input gradient, likewise
    int weight_ticks = 1;   ///< of a weight gradient, likewise
    int hop_ticks = 0;      ///< from a worker to the next; 0: none
    bool thorough = false;  ///< tries many orders; too much for most tables made at compile time

    static constexpr family_traits traits{
        .name = "zb_interleaved", .placement = placement_rule::looped, .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_chunks(stages, micro_batches, chunks, 3); why != refusal::none)
            return why;
        if (activations != 0 && activations < chunks) return refusal::activations_too_few;
        return detail::refuse_ticks(*this);
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / chunks; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr zb_interleaved for_workers(int count) const noexcept {
        return detail::on_workers(*this, count);
    }
    /// Returns `chunks`.
    [[nodiscard]] constexpr int stages_per_worker() const noexcept { return chunks; }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 3 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    /// Returns the most activations of a stage that a worker holds.
    [[nodiscard]] constexpr int memory() const noexcept { return activations == 0 ? stages : activations; }
    /// Calls f with each choice that the planner tries.
    template <class F>
    static constexpr void variants(int, const F& f) {
        for (int chunks = 2; chunks <= 8; ++chunks) f(zb_interleaved{.chunks = chunks});
    }

private:
    friend struct detail::maker;

    [[nodiscard]] constexpr detail::looped_order base(int group, int ahead) const noexcept {
        return {workers(), micro_batches, chunks, group, true, ahead};
    }

    constexpr schedule make() const {
        const pass_ticks ticks = detail::ticks_of(*this);
        const detail::effort work = detail::effort::of(slot_count(), ticks.alike(), thorough);
        detail::shortest_order best(ticks, workers(), memory(), thorough ? work : work.at_most(work.many ? 2 : 1));
        // Smaller groups hold fewer activations; the last one, without warm-up, those of one micro-batch.
        for (int group = (std::min)(workers(), micro_batches); group >= 1 && (work.many || best.empty()); group /= 2) {
            best.consider(base(group, 1).make(traits.name), work.many ? 64 : 16);
            if (work.many) best.consider(base(group, 1).make(traits.name), 16);
            if (best.empty()) best.consider(base(group, 0).make(traits.name));
        }
        // Groups above the workers, as equal as can be, if the memory holds them.
        const int rounds = micro_batches / workers();
        if (work.many && rounds > 0 && micro_batches % workers() != 0)
            best.consider(base((micro_batches + rounds - 1) / rounds, 1).make(traits.name));
        if (!work.many || !thorough) return best.take();
        for (const detail::slack_share& share : {detail::slack_share{2, 6, 2, 2}, {5, 6, 2, 4}, {5, 4, 2, 0}}) {
            auto order = detail::modulo_order(traits.name, detail::looped_placement(stages, workers()), workers(),
                                              micro_batches, ticks, true, share);
            if (order) best.consider(*std::move(order));
        }
        return best.take();
    }
};

}  // namespace chimera
