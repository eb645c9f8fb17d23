// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/shared_workers/mirrored.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// Mirrored stages where every stage keeps a layer, exactly: all (i, j) that the outermost p workers can leave, not
/// only the least j. The bound leaves few of them where it is near the mean, so this is for what `mirror_search` leaves
/// open. Gives up, and then proves nothing, where there are too many.
template <SharedStages Problem>
class pair_search {
public:
    constexpr explicit pair_search(const Problem& problem)
        : of_(problem), width_(at(problem.layers) + 1), outer_((problem.stages - 1) / 2) {}

    /// Whether the tables have a size that can be kept.
    constexpr bool affordable() const {
        return width_ < 8192 && width_ * width_ * (at(outer_) + 1) <= std::size_t{1} << 27;
    }

    constexpr bool probe(double bound, double longest) {
        bound_ = bound;
        longest_ = longest;
        next_ = unbounded;
        left_ = std::int64_t{1} << 28;
        reach_.assign(width_ * width_ * (at(outer_) + 1), 0);
        reach_[at(of_.layers)] = 1;
        for (int p = 0; p < outer_; ++p)
            for (int i = p; i < of_.layers; ++i)
                for (int j = i; j <= of_.layers && left_ > 0; ++j)
                    if (reach_[index(p, i, j)] != 0) extend(p, i, j);
        for (int i = 0; i < of_.layers && left_ > 0; ++i)
            for (int j = i + 1; j <= of_.layers; ++j)
                if (reach_[index(outer_, i, j)] != 0 && meet(i, j)) return true;
        return false;
    }
    constexpr bool complete() const { return left_ > 0; }
    constexpr double reached() const { return reached_; }
    constexpr double next() const { return next_; }
    constexpr std::vector<int> cuts() const { return cuts_; }

private:
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
    constexpr std::size_t index(int p, int i, int j) const { return (at(p) * width_ + at(i)) * width_ + at(j); }
    constexpr int other(int p) const { return of_.stages - 1 - p; }

    constexpr double cost(int p, int i, int k, int l, int j) const {
        return of_.part(p, i, k) + of_.part(other(p), l, j);
    }
    constexpr bool fits(int p, int i, int k, int l, int j) const {
        return of_.bytes(p, i, k) + of_.bytes(other(p), l, j) <= of_.capacity && of_.part(p, i, k) <= longest_ &&
               of_.part(other(p), l, j) <= longest_;
    }
    constexpr void extend(int p, int i, int j) {
        const int inner = of_.stages - 2 * (p + 1);
        const int workers = (of_.stages + 1) / 2 - (p + 1);
        const double most = bound_ * workers * (1 + 0x1p-20);
        for (int k = i + 1; k + inner < j; ++k) {
            bool any = false;
            for (int l = j - 1; l >= k + inner; --l) {
                --left_;
                if (!fits(p, i, k, l, j)) break;
                const double all = cost(p, i, k, l, j);
                if (all > bound_) {
                    next_ = (std::min)(next_, all);
                    break;
                }
                any = true;
                const double rest = of_.rest(k, l);
                if (rest <= most)
                    reach_[index(p + 1, k, l)] = 1;
                else
                    next_ = (std::min)(next_, rest / workers * (1 - 0x1p-30));
            }
            if (!any) return;  // with more on the left it does not either
        }
    }
    /// The innermost worker takes layers i … j - 1, in one stage or two.
    constexpr bool meet(int i, int j) {
        const bool two = of_.stages % 2 == 0;
        for (int k = two ? i + 1 : j; k < (two ? j : j + 1); ++k) {
            const double all = two ? cost(outer_, i, k, k, j) : static_cast<double>(of_.part(outer_, i, j));
            const bool good = two ? fits(outer_, i, k, k, j)
                                  : of_.bytes(outer_, i, j) <= of_.capacity && of_.part(outer_, i, j) <= longest_;
            if (!good) continue;
            if (all > bound_) {
                next_ = (std::min)(next_, all);
                continue;
            }
            cuts_.assign(at(of_.stages) + 1, 0);
            if (two) cuts_[at(outer_) + 1] = k;
            reached_ = all;
            trace(i, j);
            return true;
        }
        return false;
    }
    constexpr void trace(int k, int l) {
        for (int p = outer_; p >= 0; --p) {
            cuts_[at(p)] = k;
            cuts_[at(of_.stages - p)] = l;
            if (p > 0) step_back(p, k, l);
        }
    }
    /// Sets k, l to layers that worker p - 1 can have been left with before.
    constexpr void step_back(int p, int& k, int& l) {
        for (int i = k - 1; i >= 0; --i) {
            for (int j = l + 1; j <= of_.layers; ++j) {
                if (reach_[index(p - 1, i, j)] == 0 || !fits(p - 1, i, k, l, j)) continue;
                const double all = cost(p - 1, i, k, l, j);
                if (all > bound_) continue;
                reached_ = (std::max)(reached_, all);
                k = i;
                l = j;
                return;
            }
        }
    }

    const Problem& of_;
    std::size_t width_;
    int outer_;  // workers with a pair of stages around the innermost
    double bound_ = 0, longest_ = 0, next_ = 0, reached_ = 0;
    std::int64_t left_ = 0;
    std::vector<std::uint8_t> reach_;
    std::vector<int> cuts_;
};

}  // namespace chimera::detail
