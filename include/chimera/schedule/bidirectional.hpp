// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/compact.hpp>
#include <chimera/algebra/fill.hpp>
#include <chimera/algebra/move_workers.hpp>
#include <chimera/algebra/overlay.hpp>
#include <chimera/algebra/split.hpp>
#include <chimera/algebra/units.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace chimera {

/// The ways in which Chimera goes beyond `stages` micro-batches (section 3.5).
enum class scale : std::uint8_t {
    direct,    ///< basic units end to end
    doubling,  ///< forwards over two micro-batches
    halving,   ///< backwards over half of one
};

/// The schedule Chimera (Li and Hoefler, SC'21): `pipelines` / 2 rotated 1F1B timetables and their mirrors over the
/// same workers. Pipeline 2i runs down from worker i · stages / pairs, and pipeline 2i + 1 is its mirror. A basic unit
/// holds `stages` micro-batches (twice as many under doubling), spread as evenly as possible; the last unit may be
/// partial.
/// Direct, F = B = 1 tick: makespan 2N + D/f - 2, idle D/f - 2 per worker for N a multiple of D.
/// Doubling and halving: a tick is the forward of one unit, and a backward takes two. Forwards of the first D/(2f)
/// ticks are split (Fig. 7d), which leaves 3 (D/f - 2)/2 idle if the basic units are full.
/// Split: these orders made zero-bubble (`split_backward`, `fill`) at the same peaks. F = I = W = 1 tick, direct:
/// makespan 3N + D/(2f) - 1, half the skew that ZB-H2 is left with at f = 1, and none at f = D/2.
struct bidirectional {
    int stages = 2;                                 ///< D, an even number
    int micro_batches = 1;                          ///< N, of all pipelines together
    int pipelines = 2;                              ///< 2f; f divides stages / 2
    chimera::scale scale = chimera::scale::direct;  ///< way beyond `stages` micro-batches
    bool split = false;  ///< backwards in two halves, the weight gradients moved into bubbles at the same memory

    static constexpr family_traits traits{.name = "bidirectional", .placement = placement_rule::shifted};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_sizes(stages, micro_batches, 3); why != refusal::none) return why;
        if (stages % 2 != 0) return refusal::stages_odd;
        if (pipelines < 2 || pipelines % 2 != 0) return refusal::pipelines_odd;
        return stages % pipelines == 0 ? refusal::none : refusal::pipelines_do_not_divide;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr bidirectional for_workers(int count) const noexcept {
        return detail::on_workers(*this, count);
    }
    [[nodiscard]] constexpr int placements() const noexcept { return stages * pipelines; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        const auto passes = static_cast<std::size_t>(stages) * static_cast<std::size_t>(micro_batches);
        const std::size_t backwards = scale == chimera::scale::halving ? 2 * passes : passes;
        return forwards() + (split ? 2 * backwards : backwards);
    }
    /// Returns the critical path in closed form, of whole units one after the other: N - (K-1)(D/f-2) forwards and
    /// N + K(D/f-2) backwards, N = K D. Each unit after the first has a backward in place of a forward (section 3.5).
    [[nodiscard]] constexpr std::optional<path_counts> path() const noexcept {
        if (split || scale != chimera::scale::direct || micro_batches % stages != 0) return std::nullopt;
        const int ramp = 2 * stages / pipelines - 2;
        const int units = micro_batches / stages;
        return path_counts{micro_batches - (units - 1) * ramp, micro_batches + units * ramp};
    }
    /// Calls f with each choice that the planner tries on so many workers.
    template <class F>
    static constexpr void variants(int workers, const F& f) {
        for (int pipelines = 2; pipelines <= workers; pipelines += 2) {
            if (workers % pipelines != 0) continue;
            for (const chimera::scale s : {chimera::scale::direct, chimera::scale::doubling, chimera::scale::halving})
                for (const bool split : {false, true})
                    f(bidirectional{.pipelines = pipelines, .scale = s, .split = split});
        }
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        if (split) return fill(detail::halves(whole()));
        return whole();
    }

    [[nodiscard]] constexpr std::size_t forwards() const noexcept {
        const auto n = static_cast<std::size_t>(micro_batches);
        if (scale != chimera::scale::doubling) return static_cast<std::size_t>(stages) * n + splits();
        return static_cast<std::size_t>(stages) * ((n + 1) / 2) + splits();
    }

    /// With full backwards.
    [[nodiscard]] constexpr schedule whole() const {
        if (scale == chimera::scale::direct) return units();
        // A partial unit of pairs leaves room between the two backwards: re-timing closes it, the order stays.
        if (micro_batches % capacity() != 0) return compact(split_units());
        return split_units();
    }
    [[nodiscard]] constexpr schedule split_units() const {
        if (micro_batches <= capacity()) return split_start(unit(micro_batches), ramp());
        return split_start(unit(capacity()), micro_batches / capacity(), 3 * stages, unit(micro_batches % capacity()),
                           ramp());
    }

    [[nodiscard]] constexpr int capacity() const noexcept {
        return scale == chimera::scale::doubling ? 2 * stages : stages;
    }
    [[nodiscard]] constexpr int ramp() const noexcept { return stages / pipelines - 1; }

    /// Direct: basic units end to end, the last one perhaps partial.
    [[nodiscard]] constexpr schedule units() const {
        const int period = 2 * stages;
        const int full = micro_batches / capacity();
        const int rest = micro_batches % capacity();
        // GCC 12 frees too early what ?: or an assignment yields in constant evaluation: one plain return a case.
        if (full == 0) return unit(rest);
        if (full == 1 && rest == 0) return unit(capacity());
        if (rest == 0) return repeat(unit(capacity()), full, period);
        return append(repeat(unit(capacity()), full, period), unit(rest), full * period);
    }

    /// Micro-batches, or pairs of them, that pipeline p runs in a unit of n.
    [[nodiscard]] constexpr int share(int n, int p) const noexcept {
        const int pairs = scale == chimera::scale::doubling ? (n + 1) / 2 : n;
        return pairs / pipelines + (p < pairs % pipelines ? 1 : 0);
    }
    /// Returns true if pipeline p runs the single micro-batch that an odd n leaves over under doubling.
    [[nodiscard]] constexpr bool odd(int n, int p) const noexcept {
        return scale == chimera::scale::doubling && n % 2 != 0 && p == (n - 1) / 2 % pipelines;
    }

    /// Forwards that `split_start` splits: whole pairs i at stage s with s + 2i <= ramp, in the first unit.
    [[nodiscard]] constexpr std::size_t splits() const noexcept {
        if (scale == chimera::scale::direct) return 0;
        const int n = (std::min)(micro_batches, capacity());
        std::size_t count = 0;
        for (int p = 0; p < pipelines && ramp() > 0; ++p)
            for (int i = 0; i < share(n, p) - (odd(n, p) ? 1 : 0) && 2 * i <= ramp(); ++i)
                count += static_cast<std::size_t>(ramp() - 2 * i + 1);
        return count;
    }

    /// A basic unit of n micro-batches, n at most its capacity.
    [[nodiscard]] constexpr schedule unit(int n) const {
        std::vector<schedule> tables;  // pipelines that run as much share one
        tables.reserve(static_cast<std::size_t>(pipelines));
        std::vector<moved> layers;
        layers.reserve(static_cast<std::size_t>(pipelines));
        for (int p = 0; p < pipelines; ++p) {
            if (p == 0 || share(n, p) != share(n, p - 1) || odd(n, p) != odd(n, p - 1))
                tables.push_back(timetable(share(n, p), odd(n, p)));
            layers.push_back({tables.back().view(), p / 2 * (2 * stages / pipelines), p % 2 != 0});
        }
        schedule out = overlay(layers);
        out.head.family = "bidirectional";
        return out;
    }

    /// One pipeline's timetable over `count` micro-batches, or pairs of them; `odd`: the last pair is a single one.
    [[nodiscard]] constexpr schedule timetable(int count, bool odd) const {
        schedule one = detail::maker::make(one_f_one_b{stages, count});
        if (scale == chimera::scale::direct) return one;
        if (scale == chimera::scale::halving) return halve_backward(one, stages);
        if (odd) return keep_first(double_forward(one, stages), 2 * count - 1);
        return double_forward(one, stages);
    }
};

}  // namespace chimera
