// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <limits>
#include <vector>

namespace chimera {

/// The capacity of a memory without limit, and the seconds of a cut that does not exist.
inline constexpr double unbounded = std::numeric_limits<double>::infinity();

/// The choice among cuts with the least bottleneck: `first` fills every stage as far as the bottleneck lets it;
/// `even` gives every stage, in turn, as nearly as it can the same share of the sum that is left.
enum class tie {
    even,  ///< stages as even as the bottleneck lets them be
    first  ///< the first stages as full as the bottleneck lets them be
};

}  // namespace chimera

namespace chimera::detail {

/// A problem that the searches cut: layers 0 … layers - 1 into stages of at least one. `cost(s, i, j)` is that of stage
/// s with layers i … j - 1, `fits` whether its worker holds them. A part of a range that fits also fits, and costs no
/// more.
template <class T>
concept StageProblem = requires(const T& of, int s, int i, int j) {
    { of.layers } -> std::convertible_to<int>;
    { of.stages } -> std::convertible_to<int>;
    { of.cost(s, i, j) } -> std::convertible_to<double>;
    { of.fits(s, i, j) } -> std::convertible_to<bool>;
};

/// Exact bisection of the bottleneck (the idea of Pinar and Aykanat, JPDC 2004): a probe fills stage after stage as far
/// as the bound lets it. One that reaches the end lowers the upper bound to its largest stage; one that does not raises
/// the lower bound to the least cost that would have let some stage take one layer more. Both are costs of stages, so
/// the bounds meet.
/// Precondition: every single layer fits every stage, and costs no more than the lower bound.
template <StageProblem Problem>
class bisection {
public:
    constexpr explicit bisection(const Problem& problem)
        : of_(problem), low_(count(), 0), high_(count(), problem.layers), cuts_(count(), 0) {}

    /// The least bottleneck from `low` on; unbounded where memory lets no cut through. `high`: an upper bound's guess.
    constexpr double find(double low, double high) {
        while (!probe(high)) {
            if (next_ == unbounded) return unbounded;
            low_ = cuts_;
            low = (std::max)(low, next_);
            high = (std::max)(2 * high, next_);
        }
        high = reached_;
        high_ = cuts_;
        while (low < high) {
            const double middle = low + (high - low) / 2;
            if (probe(middle < high ? middle : low)) {  // between neighbours the middle may round up
                high = reached_;
                high_ = cuts_;
            } else {
                low = next_;
                low_ = cuts_;
            }
        }
        return high;
    }

    /// First layer of every stage, then the number of layers, under a bound that `find` gave. `share(i)`: the sum
    /// of the layers before i.
    template <class Share>
    constexpr std::vector<int> cut(double bound, tie among, Share share) {
        if (among == tie::first) return fill(bound);
        std::vector<int> least(count(), 0);
        least.back() = of_.layers;
        for (int s = of_.stages; s-- > 1;) least[at(s)] = (std::max)(s, back(s, least[at(s + 1)], bound));
        std::vector<int> out(count(), 0);
        out.back() = of_.layers;
        for (int s = 1; s < of_.stages; ++s) {
            const double before = share(out[at(s - 1)]);
            const double goal = before + (share(of_.layers) - before) / (of_.stages - s + 1);
            const int first = (std::max)(least[at(s)], out[at(s - 1)] + 1);
            const int last =
                (std::min)(reach(s - 1, out[at(s - 1)], bound, first, of_.layers), of_.layers - of_.stages + s);
            out[at(s)] = nearest(share, goal, first, last);
        }
        return out;
    }

private:
    constexpr std::size_t count() const { return static_cast<std::size_t>(of_.stages) + 1; }
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
    constexpr bool good(int s, int i, int j, double bound) const {
        return of_.fits(s, i, j) && cost(s, i, j, bound) <= bound;
    }
    /// The cost; where the problem knows better, any that some choice has up to the limit, or a bound above the limit.
    constexpr double cost(int s, int i, int j, double limit) const {
        if constexpr (requires { of_.within(s, i, j, limit); })
            return of_.within(s, i, j, limit);
        else
            return of_.cost(s, i, j);
    }

    /// The farthest end of stage s from i, between `from` (known to do) and `to`.
    constexpr int reach(int s, int i, double bound, int from, int to) const {
        while (from < to) {
            const int middle = from + (to - from + 1) / 2;
            if (good(s, i, middle, bound))
                from = middle;
            else
                to = middle - 1;
        }
        return from;
    }
    /// The earliest first layer of stage s that ends at j.
    constexpr int back(int s, int j, double bound) const {
        int from = 0, to = j - 1;
        while (from < to) {
            const int middle = from + (to - from) / 2;
            if (good(s, middle, j, bound))
                to = middle;
            else
                from = middle + 1;
        }
        return to;
    }
    template <class Share>
    static constexpr int nearest(Share share, double goal, int from, int to) {
        const int first = from;
        while (from < to) {  // the first cut at or beyond the goal, or the last there is
            const int middle = from + (to - from) / 2;
            if (share(middle) >= goal)
                to = middle;
            else
                from = middle + 1;
        }
        return from > first && goal - share(from - 1) <= share(from) - goal ? from - 1 : from;
    }

    constexpr bool probe(double bound) {
        reached_ = 0;
        next_ = unbounded;
        int i = 0;
        for (int s = 0; s < of_.stages; ++s) {
            const int j =
                i == of_.layers ? i : reach(s, i, bound, (std::max)(low_[at(s + 1)], i + 1), high_[at(s + 1)]);
            if (j > i) reached_ = (std::max)(reached_, cost(s, i, j, bound));
            if (j < of_.layers && of_.fits(s, i, j + 1)) next_ = (std::min)(next_, cost(s, i, j + 1, bound));
            cuts_[at(s + 1)] = i = j;
        }
        return i == of_.layers;
    }
    constexpr std::vector<int> fill(double bound) const {
        std::vector<int> out(count(), 0);
        for (int s = 0; s < of_.stages; ++s) {
            const int from = out[at(s)] + 1;
            out[at(s + 1)] = reach(s, from - 1, bound, from, of_.layers - of_.stages + s + 1);
        }
        return out;
    }

    const Problem& of_;
    std::vector<int> low_, high_, cuts_;  // cuts of the last probe that failed, that did not, and of the present one
    double reached_ = 0;
    double next_ = 0;
};

}  // namespace chimera::detail
