// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/contiguous.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace chimera {

/// Returns the seconds of every worker, stage s on worker `holders[s]`.
[[nodiscard]] constexpr std::vector<double> worker_seconds(std::span<const double> seconds,
                                                           std::span<const int> holders, std::span<const int> cuts) {
    std::vector<double> out(holders.size(), 0.0);
    const std::vector<double> stages = stage_seconds(seconds, cuts);
    for (std::size_t s = 0; s < stages.size(); ++s) out[static_cast<std::size_t>(holders[s])] += stages[s];
    return out;
}

namespace detail {

/// One stage gives a layer to another; the stages between hand one on.
class layer_shifts {
public:
    constexpr layer_shifts(const range_sums& seconds, std::span<const int> holders, std::vector<int> cuts)
        : seconds_(seconds), on_(holders), cuts_(std::move(cuts)), workers_(holders.size(), 0.0) {
        for (int s = 0; s < count(); ++s) workers_[at(on_[at(s)])] += seconds_(cuts_[at(s)], cuts_[at(s) + 1]);
    }

    /// Makes the shift that leaves the least; false where none leaves less than there is.
    constexpr bool improve() {
        const rank now = ranked(workers_);
        rank best = now;
        int from = -1, to = -1;
        for (int s = 0; s < count(); ++s) {
            if (workers_[at(on_[at(s)])] < now.most || cuts_[at(s) + 1] - cuts_[at(s)] < 2) continue;
            for (int t = 0; t < count(); ++t) {
                if (t == s) continue;
                const rank then = ranked(shifted(s, t));
                if (then.below(best)) best = then, from = s, to = t;
            }
        }
        if (from < 0) return false;
        workers_ = shifted(from, to);
        for (int b = (std::min)(from, to) + 1; b <= (std::max)(from, to); ++b) cuts_[at(b)] += from < to ? -1 : 1;
        return true;
    }
    constexpr const std::vector<int>& cuts() const { return cuts_; }

private:
    /// The slowest worker, then how uneven all are.
    struct rank {
        double most = 0, squares = 0;
        constexpr bool below(const rank& than) const {
            constexpr double less = 1 - 1e-12;  // rounding must not look like progress
            return most < less * than.most || (most <= than.most && squares < less * than.squares);
        }
    };
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
    constexpr int count() const { return static_cast<int>(on_.size()); }

    static constexpr rank ranked(const std::vector<double>& workers) {
        rank out;
        for (const double w : workers) out.most = (std::max)(out.most, w), out.squares += w * w;
        return out;
    }
    constexpr const std::vector<double>& shifted(int from, int to) {
        then_ = workers_;
        for (int s = (std::min)(from, to); s <= (std::max)(from, to); ++s) {
            const int first = cuts_[at(s)], last = cuts_[at(s) + 1];
            const int begin = from < to ? first - (s > from ? 1 : 0) : first + (s > to ? 1 : 0);
            const int end = from < to ? last - (s < to ? 1 : 0) : last + (s < from ? 1 : 0);
            then_[at(on_[at(s)])] += seconds_(begin, end) - seconds_(first, last);
        }
        return then_;
    }

    const range_sums& seconds_;
    std::span<const int> on_;
    std::vector<int> cuts_;
    std::vector<double> workers_, then_;
};

}  // namespace detail

/// Improves `cuts` by local search: a stage of the slowest worker gives a layer to another stage, and the stages
/// between hand one on, while that makes the slowest worker faster (or as fast, and all workers more even). Stage s is
/// on worker `holders[s]`; every stage keeps a layer. Proves no bound, but is quick for any placement: O(stages²) a
/// step. `coupled` finds proven cuts.
[[nodiscard]] constexpr std::vector<int> shift_layers(std::span<const double> seconds, std::span<const int> holders,
                                                      std::vector<int> cuts) {
    const detail::range_sums sums("the seconds of layer", seconds);
    detail::check_length("the list of workers", holders.size(), cuts.size() - 1);
    detail::layer_shifts search(sums, holders, std::move(cuts));
    for (std::size_t step = 0; step < 4 * seconds.size() && search.improve(); ++step) {
    }
    return search.cuts();
}

}  // namespace chimera
