// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/bottleneck_bisection.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace chimera::detail {

/// Workers that hold several stages each, and what a search needs of them: `part(s, i, j)` is what stage s adds to its
/// worker's cost with layers i … j - 1, `bytes(s, i, j)` to its memory; `rest(i, j)` what these layers add at least.
/// All grow with the range. A stage by itself must also stay within `longest`.
template <class T>
concept SharedStages = requires(const T& of, int s, int i, int j) {
    { of.layers } -> std::convertible_to<int>;
    { of.stages } -> std::convertible_to<int>;
    { of.on[0] } -> std::convertible_to<int>;
    { of.part(s, i, j) } -> std::convertible_to<double>;
    { of.bytes(s, i, j) } -> std::convertible_to<double>;
    { of.rest(i, j) } -> std::convertible_to<double>;
    { of.capacity } -> std::convertible_to<double>;
};

/// Stages s and stages - 1 - s share a worker: cuts grow from both ends and meet. After the outermost p workers the
/// state is what they leave, layers i … j - 1; for each i only the least j matters, for with fewer layers left every
/// later stage costs no more. That is exact where stages may be empty, a lower bound where they may not; where every
/// stage keeps a layer it is a cut, so an upper bound. Mostly both are equal. O(layers² · probes).
template <SharedStages Problem>
class mirror_search {
public:
    constexpr mirror_search(const Problem& problem, bool empty)
        : of_(problem), least_(empty ? 0 : 1), pairs_(problem.stages / 2) {
        ends_.assign(at(pairs_) + 1, std::vector<int>(at(problem.layers) + 1, nowhere));
        from_ = ends_;
    }

    /// Whether cuts exist under the bound with no stage above `longest`.
    constexpr bool probe(double bound, double longest) {
        bound_ = bound;
        longest_ = longest;
        next_ = unbounded;
        reached_ = 0;
        for (auto& e : ends_) std::fill(e.begin(), e.end(), nowhere);
        ends_[0][0] = of_.layers;
        const int outer = of_.stages % 2 == 0 ? pairs_ - 1 : pairs_;
        for (int p = 0; p < outer; ++p)
            for (int i = 0; i <= of_.layers; ++i)
                if (ends_[at(p)][at(i)] != nowhere && worth(p, i)) extend(p, i);
        return of_.stages % 2 == 0 ? meet(outer) : middle(outer);
    }
    /// After a probe that did: its largest worker. After one that did not: no bound below this does.
    constexpr double reached() const { return reached_; }
    constexpr double next() const { return next_; }

    constexpr std::vector<int> cuts() const {
        std::vector<int> out(at(of_.stages) + 1, 0);
        int i = last_;
        const int outer = of_.stages % 2 == 0 ? pairs_ - 1 : pairs_;
        if (of_.stages % 2 == 0) out[at(pairs_)] = joint_;
        for (int p = outer; p >= 0; --p) {
            out[at(p)] = i;
            out[at(of_.stages - p)] = ends_[at(p)][at(i)];
            if (p > 0) i = from_[at(p)][at(i)];
        }
        return out;
    }

private:
    static constexpr int nowhere = 1 << 30;
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
    constexpr int other(int p) const { return of_.stages - 1 - p; }

    /// Turns a state down whose layers are too many for the workers left.
    constexpr bool worth(int p, int i) {
        const double rest = of_.rest(i, ends_[at(p)][at(i)]);
        const int workers = (of_.stages + 1) / 2 - p;
        if (rest <= bound_ * workers * (1 + 0x1p-20)) return true;
        next_ = (std::min)(next_, rest / workers * (1 - 0x1p-30));
        return false;
    }
    constexpr double cost(int p, int i, int k, int l, int j) const {
        return of_.part(p, i, k) + of_.part(other(p), l, j);
    }
    constexpr bool fits(int p, int i, int k, int l, int j) const {
        return of_.bytes(p, i, k) + of_.bytes(other(p), l, j) <= of_.capacity && of_.part(p, i, k) <= longest_ &&
               of_.part(other(p), l, j) <= longest_;
    }
    /// All ways in which worker p takes layers i … k - 1 and l … j - 1: for every k the least l, which only grows with
    /// k.
    constexpr void extend(int p, int i) {
        const int j = ends_[at(p)][at(i)];
        const int inner = least_ * (of_.stages - 2 * (p + 1));  // layers that the stages between must have
        int l = 0;
        for (int k = i + least_; k + inner <= j - least_; ++k) {
            l = (std::max)(l, k + inner);
            l = least(p, i, k, l, j);
            if (l > j - least_) return;
            if (l < ends_[at(p + 1)][at(k)]) {
                ends_[at(p + 1)][at(k)] = l;
                from_[at(p + 1)][at(k)] = i;
            }
        }
    }
    /// The least l' from l on that does; beyond j - least_ where none does. Notes the cheapest it turned down.
    constexpr int least(int p, int i, int k, int l, int j) {
        const auto good = [&](int m) { return fits(p, i, k, m, j) && cost(p, i, k, m, j) <= bound_; };
        const int first = l, last = j - least_;
        int step = 1;
        while (l <= last && !good(l)) {  // mostly near; else by ever longer strides, then back by halves
            if (l == last || good((std::min)(l + step, last))) {
                int to = (std::min)(l + step, last + 1);
                while (l + 1 < to) (good(l + (to - l) / 2) ? to : l) = l + (to - l) / 2;
                l = l + 1;
                break;
            }
            l = (std::min)(l + step, last);
            step *= 2;
        }
        if (l > first && fits(p, i, k, l - 1, j)) next_ = (std::min)(next_, cost(p, i, k, l - 1, j));
        return l;
    }
    /// The innermost worker takes what is left; where its two stages meet matters to memory and `longest` alone.
    constexpr bool meet(int p) {
        for (int i = 0; i <= of_.layers; ++i) {
            const int j = ends_[at(p)][at(i)];
            if (j == nowhere || !worth(p, i)) continue;
            for (int k = i + least_; k <= j - least_; ++k) {
                if (!fits(p, i, k, k, j)) continue;
                const double all = cost(p, i, k, k, j);
                if (all > bound_) {
                    next_ = (std::min)(next_, all);
                    continue;
                }
                joint_ = k;
                return end(i);
            }
        }
        return false;
    }
    constexpr bool middle(int p) {
        for (int i = 0; i <= of_.layers; ++i) {
            const int j = ends_[at(p)][at(i)];
            if (j == nowhere || j - i < least_) continue;
            const double all = of_.part(p, i, j);
            if (of_.bytes(p, i, j) > of_.capacity || all > longest_) continue;
            if (all <= bound_) return end(i);
            next_ = (std::min)(next_, all);
        }
        return false;
    }
    constexpr bool end(int i) {
        last_ = i;
        const std::vector<int> c = cuts();
        for (int p = 0; p < pairs_; ++p)
            reached_ = (std::max)(reached_, cost(p, c[at(p)], c[at(p) + 1], c[at(other(p))], c[at(other(p)) + 1]));
        if (of_.stages % 2 == 1)
            reached_ = (std::max)(reached_, static_cast<double>(of_.part(pairs_, c[at(pairs_)], c[at(pairs_) + 1])));
        return true;
    }

    const Problem& of_;
    int least_, pairs_;
    double bound_ = 0, longest_ = 0, next_ = 0, reached_ = 0;
    std::vector<std::vector<int>> ends_, from_;  // per number of outer workers and i: least j, and i before
    int last_ = 0, joint_ = 0;
};

}  // namespace chimera::detail
