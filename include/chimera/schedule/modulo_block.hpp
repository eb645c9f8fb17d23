// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/sort_keys.hpp>
#include <chimera/schedule/pass_ticks.hpp>
#include <chimera/schedule/periodic_order.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace chimera::detail {

/// Slack that a modulo schedule leaves beyond the ticks themselves.
struct modulo_slack {
    int period = 0;    ///< beyond a worker's own ticks
    int forward = 0;   ///< at every hop of a forward
    int gradient = 0;  ///< at every hop of a gradient
    int turn = 0;      ///< where a micro-batch stays on its worker
};

/// Puts the passes of one micro-batch on a grid that repeats every period (modulo scheduling; Rau, MICRO 1994). Each
/// pass starts as early as its input and its worker allow, of all micro-batches alike.
class modulo_table {
public:
    constexpr modulo_table(std::span<const std::int32_t> placement, int workers, pass_ticks ticks, bool split,
                           modulo_slack slack)
        : placement_(placement), ticks_(ticks), slack_(slack), taken_(2 * placement.size(), taken{}),
          placed_(static_cast<std::size_t>(workers), 0), forwards_(static_cast<std::size_t>(workers), 0),
          stages_(static_cast<int>(placement.size())), width_(2 * placement.size() / static_cast<std::size_t>(workers)),
          gradient_(split ? ticks.input_gradient : ticks.input_gradient + ticks.weight_gradient) {
        const std::int64_t each = std::int64_t{ticks.forward} + ticks.input_gradient + ticks.weight_gradient;
        period_ = each * stages_ / workers + slack.period;
    }

    /// Returns the block; nothing if a pass finds no gap on its worker.
    constexpr std::optional<periodic_block> make() {
        periodic_block out{std::vector<std::int64_t>(placement_.size(), 0),
                           std::vector<std::int64_t>(placement_.size(), 0), period_};
        std::int64_t at = 0;
        for (int s = 0; s < stages_; ++s) {
            if (s > 0) at += way(s - 1, s, slack_.forward);
            if (!place(s, true, at)) return std::nullopt;
            out.forward[static_cast<std::size_t>(s)] = at;
            at += ticks_.forward;
        }
        for (int s = stages_; s-- > 0;) {
            at += s + 1 < stages_ ? way(s + 1, s, slack_.gradient) : slack_.turn;
            if (!place(s, false, at)) return std::nullopt;
            out.gradient[static_cast<std::size_t>(s)] = at;
            at += gradient_;
        }
        return out;
    }

private:
    struct taken {
        std::int64_t from = 0;  // below the period
        std::int64_t length = 0;
    };

    [[nodiscard]] constexpr std::int64_t way(int from, int to, int slack) const noexcept {
        return placement_[static_cast<std::size_t>(from)] == placement_[static_cast<std::size_t>(to)]
                   ? slack_.turn
                   : ticks_.hop + slack;
    }
    /// Returns the ticks from a to the next time that looks like b.
    [[nodiscard]] constexpr std::int64_t after(std::int64_t a, std::int64_t b) const noexcept {
        const std::int64_t d = (b - a) % period_;
        return d < 0 ? d + period_ : d;
    }
    [[nodiscard]] constexpr bool is_free(std::span<const taken> row, std::int64_t at,
                                         std::int64_t length) const noexcept {
        for (const taken& t : row)
            if (after(t.from, at) < t.length || after(at, t.from) < length) return false;
        return length <= period_;
    }

    /// Moves `at` on to the first free time from which the worker's other passes still find a gap each.
    constexpr bool place(int stage, bool forward, std::int64_t& at) {
        const auto w = static_cast<std::size_t>(placement_[static_cast<std::size_t>(stage)]);
        const std::int64_t length = forward ? ticks_.forward : gradient_;
        const std::span<taken> row(taken_.data() + w * width_, width_);
        const auto placed = static_cast<std::size_t>(placed_[w]++);
        if (forward) ++forwards_[w];
        std::vector<std::int64_t> times{at};
        for (const taken& t : row.first(placed))
            for (const std::int64_t time : {t.from + t.length, t.from - length}) times.push_back(at + after(at, time));
        sort_keys(times);
        for (const std::int64_t time : times) {
            if (!is_free(row.first(placed), time, length)) continue;
            row[placed] = {time % period_, length};
            if (!leaves_room(row, placed + 1, static_cast<std::size_t>(forwards_[w]))) continue;
            at = time;
            return true;
        }
        return false;
    }

    /// Puts the longest pass that waits behind the first one that leaves a gap for it, and so on. The row's end, beyond
    /// what is placed, is where it tries.
    [[nodiscard]] constexpr bool leaves_room(std::span<taken> row, std::size_t placed,
                                             std::size_t placed_forwards) const noexcept {
        const std::size_t waiting = row.size() - placed;
        const std::size_t forwards = row.size() / 2 - placed_forwards;
        const bool forwards_first = ticks_.forward > gradient_;
        for (std::size_t i = 0; i < waiting; ++i) {
            const bool is_forward = forwards_first ? i < forwards : i >= waiting - forwards;
            if (!put_behind(row, placed + i, is_forward ? ticks_.forward : gradient_)) return false;
        }
        return true;
    }
    [[nodiscard]] constexpr bool put_behind(std::span<taken> row, std::size_t placed,
                                            std::int64_t length) const noexcept {
        for (const taken& t : row.first(placed)) {
            const std::int64_t from = (t.from + t.length) % period_;
            if (!is_free(row.first(placed), from, length)) continue;
            row[placed] = {from, length};
            return true;
        }
        return false;
    }

    std::span<const std::int32_t> placement_;
    pass_ticks ticks_;
    modulo_slack slack_;
    std::vector<taken> taken_;            // a row per worker, its passes in the order in which they were placed
    std::vector<std::int32_t> placed_;    // per worker: passes
    std::vector<std::int32_t> forwards_;  // per worker: forwards among them
    int stages_;
    std::size_t width_;  // of a row: the passes that a worker runs of a micro-batch
    std::int64_t gradient_;
    std::int64_t period_ = 1;
};

/// Slack in shares that serve any ticks: 24ths of the period, quarters of a weight gradient.
struct slack_share {
    int period = 0;
    int forward = 0;
    int gradient = 0;
    int turn = 0;
};

/// Returns the order of a modulo schedule of one pipeline, workers of which hold equally many stages; nothing if it
/// leaves no gap for a pass.
[[nodiscard]] constexpr std::optional<schedule> modulo_order(label family, std::vector<std::int32_t> placement,
                                                             int workers, int micro_batches, const pass_ticks& ticks,
                                                             bool split, const slack_share& share) {
    const int each = ticks.forward + ticks.input_gradient + ticks.weight_gradient;
    const int period = static_cast<int>(placement.size()) / workers * each;
    const auto part = [&](int quarters) { return quarters * ticks.weight_gradient / 4; };
    const modulo_slack slack{period * share.period / 24, part(share.forward), part(share.gradient), part(share.turn)};
    const auto block = modulo_table(placement, workers, ticks, split, slack).make();
    if (!block) return std::nullopt;
    return periodic_order(family, std::move(placement), workers, micro_batches, *block, split);
}

}  // namespace chimera::detail
