// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/order_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera {

namespace detail {

/// Writes one worker's row of DualPipe: eight phases (DeepSeek-AI, DeepSeek-V3, arXiv 2412.19437, section 3.2.1; in the
/// order that its implementation documents). Direction 0 is the one that enters the pipeline nearer to the worker.
/// `Place` writes stage and unit of a direction's next pass into its slot: (slot, direction, micro-batch within it).
template <class Place>
class dualpipe_row {
public:
    constexpr dualpipe_row(order_writer& out, Place place) : out_(out), place_(place) {}

    /// `half`: half the workers; `h`: the worker's distance from the nearer end; `each`: micro-batches of a direction.
    constexpr void write(int half, int h, int each) {
        const int inner = half - h - 1;
        for (int i = 0; i < 2 * inner; ++i) forward(0);
        for (int i = 0; i <= h; ++i) forward(0), forward(1);
        for (int i = 0; i < inner; ++i) input_gradient(1), weight_gradient(), forward(1);
        for (int i = 0; i < each - 2 * half + h + 1; ++i) {
            // The two workers in the middle leave the first pair apart: its backward is ready later than its forward.
            if (i == 0 && inner == 0)
                forward(0), backward(1);
            else
                pair(0, 1);
            pair(1, 0);
        }
        for (int i = 0; i < inner; ++i) backward(1), pair(1, 0);
        for (int i = 0; i < 2 * (h + 1); ++i) {
            const int direction = 1 - i % 2;
            i < h + 1 ? backward(direction) : input_gradient(direction);
        }
        for (int i = 0; i < inner; ++i) weight_gradient(), input_gradient(0);
        for (int i = 0; i <= h; ++i) weight_gradient();
        out_.end_row();
    }

private:
    constexpr void add(pass op, int direction, int m, int ticks) {
        out_.add(op, 0, 0);
        out_.last().ticks = static_cast<std::uint16_t>(ticks);
        place_(out_.last(), direction, m);
    }
    constexpr void forward(int d, int ticks = 1) { add(pass::forward, d, forwards_[d]++, ticks); }
    constexpr void backward(int d, int ticks = 2) { add(pass::backward, d, backwards_[d]++, ticks); }
    constexpr void pair(int d, int other) {
        forward(d, 3);
        out_.last().overlap = 1;
        backward(other, 3);
    }
    constexpr void input_gradient(int d) {
        owed_.push_back(2 * backwards_[d] + d);
        add(pass::input_gradient, d, backwards_[d]++, 1);
    }
    /// Adds the oldest weight gradient that is owed, in the order of the input gradients of both directions.
    constexpr void weight_gradient() {
        const std::int32_t w = owed_[paid_++];
        add(pass::weight_gradient, w % 2, w / 2, 1);
    }

    order_writer& out_;
    Place place_;
    int forwards_[2] = {0, 0};
    int backwards_[2] = {0, 0};
    std::vector<std::int32_t> owed_;  // 2 x micro-batch + direction
    std::size_t paid_ = 0;
};

/// Returns the slots of the rows of `half` workers, `passes` forwards and as many backwards each. Worker h splits
/// 2 (half - h - 1) + h + 1 of its backwards.
[[nodiscard]] constexpr std::size_t dualpipe_slots(int half, int passes) noexcept {
    const auto n = static_cast<std::size_t>(half);
    return n * (2 * static_cast<std::size_t>(passes) + 2 * n - 1) - n * (n - 1) / 2;
}

}  // namespace detail

/// The schedule DualPipe (DeepSeek-V3, arXiv 2412.19437): a pipeline and its mirror, each with half the micro-batches.
/// In the steady state a forward of one direction and a backward of the other overlap in one slot. F = I = W = 1 tick,
/// a pair 3: idle (D/2 - 1)(F&B + B - 3W), peak D + 1.
struct dualpipe {
    int stages = 2;         ///< D, one a worker on each pipeline, an even number
    int micro_batches = 4;  ///< of both directions together, an even number of at least 2 · stages

    static constexpr family_traits traits{.name = "dualpipe", .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_sizes(stages, micro_batches, 3); why != refusal::none) return why;
        if (stages % 2 != 0) return refusal::stages_odd;
        if (micro_batches % 2 != 0) return refusal::micro_batches_odd;
        return micro_batches >= 2 * stages ? refusal::none : refusal::micro_batches_too_few;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr dualpipe for_workers(int count) const noexcept { return detail::on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return 2 * stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return 2 * detail::dualpipe_slots(stages / 2, micro_batches);
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        std::vector<std::int32_t> placement = detail::looped_placement(stages, stages);
        placement.reserve(2 * placement.size());
        for (int s = stages; s-- > 0;) placement.push_back(s);
        detail::order_writer out({"dualpipe", stages, stages, 2, micro_batches, 1}, std::move(placement), slot_count());
        for (int w = 0; w < stages; ++w) {
            const bool upper = w >= stages / 2;
            const auto place = [&](slot& s, int direction, int m) {
                const int pipeline = upper ? 1 - direction : direction;
                s.pipeline = static_cast<std::uint16_t>(pipeline);
                s.stage = static_cast<std::uint16_t>(pipeline == 0 ? w : stages - 1 - w);
                s.first = pipeline * (micro_batches / 2) + m;
            };
            detail::dualpipe_row(out, place).write(stages / 2, upper ? stages - 1 - w : w, micro_batches / 2);
        }
        return compact(out.take());
    }
};

/// The schedule DualPipeV: DualPipe cut in half and folded, with stages w and stages - 1 - w on worker w of stages / 2
/// and no replicas. Idle and peak are those of DualPipe over twice the workers and micro-batches.
struct dualpipe_v {
    int stages = 2;         ///< two a worker, an even number
    int micro_batches = 2;  ///< at least 2 · workers

    static constexpr family_traits traits{
        .name = "dualpipe_v", .placement = placement_rule::folded, .stages_per_worker = 2, .splits_backward = true};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_sizes(stages, micro_batches, 3); why != refusal::none) return why;
        if (stages % 2 != 0) return refusal::stages_not_folded;
        return micro_batches >= stages ? refusal::none : refusal::micro_batches_too_few;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages / 2; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr dualpipe_v for_workers(int count) const noexcept {
        return detail::on_workers(*this, count);
    }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return detail::dualpipe_slots(stages / 2, 2 * micro_batches);
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        detail::order_writer out({"dualpipe_v", workers(), stages, 1, micro_batches, 1},
                                 detail::folded_placement(stages, workers()), slot_count());
        for (int w = 0; w < workers(); ++w) {
            const auto place = [&](slot& s, int direction, int m) {
                s.stage = static_cast<std::uint16_t>(direction == 0 ? w : stages - 1 - w);
                s.first = m;
            };
            detail::dualpipe_row(out, place).write(workers(), w, micro_batches);
        }
        return compact(out.take());
    }
};

}  // namespace chimera
