// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/fold.hpp>
#include <chimera/algebra/move_workers.hpp>
#include <chimera/algebra/overlay.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/schedule/wave.hpp>

#include <cstddef>
#include <vector>

namespace chimera {

/// The schedule BitPipe (Wu et al., arXiv 2410.19367): a V-shaped pipeline, two stages a worker, and its mirror over
/// the same workers. It is 1F1B folded, overlaid with its own mirror. A basic unit holds as many micro-batches as there
/// are workers, half of them each way. F = B = 1 tick: idle workers - 2 ticks of half-deep stages, half of Chimera's;
/// bubble ratio (W - 2) / (4N + W - 2) over W workers if W divides N.
struct bitpipe {
    int stages = 4;         ///< two a worker, a multiple of 4
    int micro_batches = 1;  ///< N, of both pipelines together

    static constexpr family_traits traits{
        .name = "bitpipe", .placement = placement_rule::folded, .stages_per_worker = 2};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_sizes(stages, micro_batches, 2); why != refusal::none) return why;
        return stages % 4 == 0 ? refusal::none : refusal::stages_not_mirrored;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr bitpipe for_workers(int count) const noexcept { return detail::on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return 2 * stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        schedule out = detail::unit_train(micro_batches, workers(), 2 * stages, [&](int n) {
            std::vector<schedule> layers;
            layers.reserve(2);
            layers.push_back(fold(detail::maker::make(one_f_one_b{stages, (n + 1) / 2})));
            layers.push_back(mirror(fold(detail::maker::make(one_f_one_b{stages, n / 2}))));
            return overlay(layers);
        });
        out.head.family = "bitpipe";
        return out;
    }
};

}  // namespace chimera
