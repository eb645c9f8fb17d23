// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/family_traits.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

#include <cstddef>

namespace chimera {

/// The schedule PipeDream (Narayanan et al., SOSP'19): 1F1B without a flush. A stage updates its weights after every
/// micro-batch. A backward reads the weights that its forward read, so stage s keeps up to D - s versions. The table
/// runs from the first micro-batch to the last; between its warm-up and its drain no worker idles.
struct pipedream {
    int stages = 1;         ///< D, one a worker
    int micro_batches = 1;  ///< N, of the whole table

    static constexpr family_traits traits{.name = "pipedream", .asynchronous = true};

    [[nodiscard]] constexpr refusal refused() const noexcept { return detail::refuse_sizes(stages, micro_batches, 2); }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr pipedream for_workers(int count) const noexcept { return detail::on_workers(*this, count); }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return one_f_one_b{stages, micro_batches}.slot_count();
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        schedule out = detail::maker::make(one_f_one_b{stages, micro_batches});
        out.head.family = "pipedream";
        out.head.update = update_rule::stashed;
        out.head.update_every = 1;
        return out;
    }
};

/// The schedule PipeDream-2BW (Narayanan et al., ICML'21, arXiv 2006.09503): 1F1B without a flush that updates after
/// every group of micro-batches and keeps two versions: W(t+1) = W(t) - ν ∇f(W(t-1)).
struct pipedream_2bw {
    int stages = 1;         ///< D, one a worker
    int micro_batches = 1;  ///< N, of the whole table
    int update_every = 0;   ///< micro-batches of a group, at least `stages`; 0: stages

    static constexpr family_traits traits{.name = "pipedream_2bw", .asynchronous = true};

    [[nodiscard]] constexpr refusal refused() const noexcept {
        if (const refusal why = detail::refuse_sizes(stages, micro_batches, 2); why != refusal::none) return why;
        return update_every == 0 || update_every >= stages ? refusal::none : refusal::update_too_often;
    }
    [[nodiscard]] constexpr int workers() const noexcept { return stages; }
    /// Returns this spec on so many workers: with as many stages as these hold.
    [[nodiscard]] constexpr pipedream_2bw for_workers(int count) const noexcept {
        return detail::on_workers(*this, count);
    }
    [[nodiscard]] constexpr int placements() const noexcept { return stages; }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return one_f_one_b{stages, micro_batches}.slot_count();
    }

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        schedule out = detail::maker::make(one_f_one_b{stages, micro_batches});
        out.head.family = "pipedream_2bw";
        out.head.update = update_rule::double_buffered;
        out.head.update_every = update_every == 0 ? stages : update_every;
        return out;
    }
};

}  // namespace chimera
