// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/vee_orders.hpp>

#include <cstddef>

namespace chimera {

namespace detail {

[[nodiscard]] constexpr refusal refuse_vee(int stages, int micro_batches) noexcept {
    if (const refusal why = refuse_sizes(stages, micro_batches, 3); why != refusal::none) return why;
    return stages % 2 == 0 ? refusal::none : refusal::stages_not_folded;
}

/// The V-shaped families that differ in their memory alone.
enum class vee_kind : std::uint8_t { whole, half, least };

template <vee_kind Kind>
struct split_vee {
    int stages = 2;         ///< two a worker, an even number
    int micro_batches = 1;  ///< number of them, at least 1
    int activations = 0;    ///< most that a worker holds, of a half-deep stage each; 0: the family's own
    int forward_ticks = 1;  ///< of a forward that the order is made for, 0 … 10000; 0: 1
    int input_ticks = 1;    ///< of an input gradient, likewise
    int weight_ticks = 1;   ///< of a weight gradient, likewise
    int hop_ticks = 0;      ///< from a worker to the next; 0: none
    bool thorough = false;  ///< tries many orders; too much for most tables made at compile time

    static constexpr family_traits traits{.name = Kind == vee_kind::whole  ? "zb_v"
                                                  : Kind == vee_kind::half ? "v_half"
                                                                           : "v_min",
                                          .placement = placement_rule::folded,
                                          .stages_per_worker = 2,
                                          .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = refuse_vee(stages, micro_batches); why != refusal::none) return why;
        if (activations != 0 && activations < 2) return refusal::activations_too_few;
        return refuse_ticks(*this);
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr split_vee for_workers(int count) const noexcept { return on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 3 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }
    /// Returns the most activations of a half-deep stage that a worker holds.
    [[nodiscard]] constexpr int memory() const noexcept {
        if (activations != 0) return activations;
        return Kind == vee_kind::whole  ? stages
               : Kind == vee_kind::half ? 2 * ((workers() + 2) / 2)
                                        : least_vee_memory(workers());
    }

private:
    friend struct maker;

    constexpr schedule make() const {
        return vee_within({traits.name, workers(), micro_batches, ticks_of(*this), memory(), true, thorough});
    }
};

}  // namespace detail

/// The schedule ZB-V (Qi et al., arXiv 2401.10241, section 6; 2405.15362): two stages a worker on a V, at the memory of
/// 1F1B: 2 · workers activations of a (half-deep) stage. F = I = W = 1 tick: makespan 6N + workers - 1 for N >=
/// workers, and for N >= 2 · workers - 1 no bubble between a worker's first and last slot.
using zb_v = detail::split_vee<detail::vee_kind::whole>;

/// The schedule V-Half (Qi et al., arXiv 2405.15362): about half the memory of 1F1B, 2 ⌊(workers + 2) / 2⌋ activations
/// of a half-deep stage, at about half its bubble. `activations` gives it any other memory from two on; where ZB-V
/// needs no more, it is ZB-V.
using v_half = detail::split_vee<detail::vee_kind::half>;

/// The schedule V-Min (Qi et al., arXiv 2405.15362): about a third of the memory of 1F1B, 2 ⌊(workers + 4) / 3⌋
/// activations of a half-deep stage, at about two thirds of its bubble.
using v_min = detail::split_vee<detail::vee_kind::least>;

}  // namespace chimera
