// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/bisect.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// A multiple-choice knapsack: `count` layers of each group take one of the group's options each, least seconds within
/// a budget of bytes. Groups are few where layers are alike: one group is counted out, of more than one the
/// combinations that are neither larger nor slower than another (the Pareto frontier) are kept, without those that a
/// linear relaxation of the rest shows to be too slow. Exact as far as sums of the numbers are.
class choices {
public:
    struct option {
        double bytes = 0;
        double seconds = 0;
        std::uint8_t index = 0;  ///< the caller's
    };

    constexpr void clear() {
        options_.clear();
        groups_.clear();
    }
    /// A group's options; of those with the same bytes or more and the same seconds or more than another none is kept.
    constexpr void add(int count, const option* first, std::size_t size) {
        const std::size_t begin = options_.size();
        options_.insert(options_.end(), first, first + size);
        const auto from = options_.begin() + static_cast<std::ptrdiff_t>(begin);
        for (auto a = from; a != options_.end(); ++a)  // few: insertion
            for (auto b = a; b != from && before(*b, *(b - 1)); --b) std::swap(*b, *(b - 1));
        std::size_t kept = begin;
        for (std::size_t o = begin; o < options_.size(); ++o)
            if (kept == begin || options_[o].seconds < options_[kept - 1].seconds) options_[kept++] = options_[o];
        options_.resize(kept);
        groups_.push_back({begin, kept, count});
    }

    /// Bytes of the smallest choice of all.
    constexpr double smallest() const {
        double sum = 0;
        for (const group& g : groups_) sum += g.count * options_[g.begin].bytes;
        return sum;
    }
    /// Takes a budget; false where no choice has as few bytes.
    constexpr bool prepare(double budget) {
        if (!(smallest() <= budget)) return false;
        budget_ = budget;
        fixed_ = 0;
        open_.clear();
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            const group& own = groups_[g];
            if (own.end - own.begin > 1) {
                open_.push_back(g);
                continue;
            }
            budget_ -= own.count * options_[own.begin].bytes;
            fixed_ += own.count * options_[own.begin].seconds;
        }
        if (listed()) relax();
        return true;
    }
    /// No choice within the budget has fewer seconds: a linear relaxation, cheap to compute.
    constexpr double bound() const {
        if (!listed()) {
            counts own{};
            return open_.empty() ? fixed_ : fixed_ + count_out(groups_[open_[0]], budget_, own);
        }
        return fixed_ + relaxed(0, groups_[open_[0]].count, budget_) * (1 - 1e-9);
    }
    /// Seconds of a choice within the budget and at most `limit`, not always the least; unbounded where there is none.
    /// A choice that is above the limit by less than a part in 10^9 may still be given.
    constexpr double within(double limit, std::vector<int>* chosen = nullptr, std::size_t each = 0) {
        if (!listed() || fixed_ + incumbent_ > limit) {
            limit_ = limit - fixed_;
            const double found = least(chosen, each);
            limit_ = unbounded;
            return found;
        }
        if (chosen != nullptr) take_incumbent(*chosen, each);
        return fixed_ + incumbent_;
    }
    /// Least seconds within the budget. `chosen`: how often each option is taken, for every group in turn and each of
    /// its options in the order of `index`, `each` of them.
    constexpr double least(std::vector<int>* chosen = nullptr, std::size_t each = 0) {
        if (chosen != nullptr) {
            chosen->assign(groups_.size() * each, 0);
            for (std::size_t g = 0; g < groups_.size(); ++g)
                if (groups_[g].end - groups_[g].begin == 1)
                    (*chosen)[g * each + options_[groups_[g].begin].index] = groups_[g].count;
        }
        if (open_.empty()) return fixed_;
        return fixed_ + combine(chosen, each);
    }

private:
    struct group {
        std::size_t begin = 0, end = 0;  // options: bytes rise, seconds fall
        int count = 0;
    };
    struct point {
        double bytes = 0, seconds = 0;
        std::uint32_t before = 0;  // of the list before
        std::uint8_t option = 0;
    };
    using counts = std::array<int, 3>;

    static constexpr bool before(const option& a, const option& b) {
        return a.bytes != b.bytes ? a.bytes < b.bytes : a.seconds < b.seconds;
    }

    /// Two options, the smaller first: the fewest of it that bring `count` layers within the budget; -1: too few.
    static constexpr int fewest(const option& lighter, const option& heavier, int count, double budget) {
        const double over = count * heavier.bytes - budget;
        if (over <= 0) return 0;
        const double exact = over / (heavier.bytes - lighter.bytes);
        if (exact > count + 1.0) return -1;
        int least = static_cast<int>(exact);
        const auto fits = [&](int n) { return n * lighter.bytes + (count - n) * heavier.bytes <= budget; };
        while (least > 0 && fits(least - 1)) --least;
        while (least <= count && !fits(least)) ++least;
        return least <= count ? least : -1;
    }
    /// Whether counting out one group is not enough.
    constexpr bool listed() const {
        return open_.size() > 1 || (open_.size() == 1 && groups_[open_[0]].end - groups_[open_[0]].begin > 3);
    }
    /// One group of up to three options by itself.
    constexpr double count_out(const group& of, double budget, counts& best) const {
        const option* o = options_.data() + of.begin;
        const std::size_t size = of.end - of.begin;
        double least = unbounded;
        const int most_smallest = size == 3 ? of.count : 0;
        for (int n = 0; n <= most_smallest; ++n) {
            const option *lighter = o + size - 2, *heavier = o + size - 1;
            const double spent = size == 3 ? n * o->bytes : 0;
            const int some = fewest(*lighter, *heavier, of.count - n, budget - spent);
            if (some < 0) continue;
            const double taken = size == 3 ? n * o->seconds : 0;
            const double seconds = taken + some * lighter->seconds + (of.count - n - some) * heavier->seconds;
            if (seconds < least) {
                least = seconds;
                best = size == 3 ? counts{n, some, of.count - n - some} : counts{some, of.count - some, 0};
            }
            if (some == 0) break;  // the smallest any more often is slower only
        }
        return least;
    }

    /// All layers but those of the largest group as a frontier, that group counted out for each of its points.
    constexpr double combine(std::vector<int>* chosen, std::size_t each) {
        const bool counted = groups_[open_.back()].end - groups_[open_.back()].begin <= 3;
        const std::size_t first = open_.size() - (counted ? 1 : 0);  // groups listed
        steps_.clear();
        lists_.assign(1, {point{}});
        for (std::size_t g = 0; g < first; ++g) {
            for (int n = groups_[open_[g]].count; n-- > 0;) {
                extend(g, n, budget_);
                steps_.push_back(open_[g]);
            }
        }
        double best = unbounded;
        std::size_t end = 0;
        counts last{};
        for (std::size_t p = 0; p < lists_.back().size(); ++p) {
            const point& at = lists_.back()[p];
            counts own{};
            const double rest = counted ? count_out(groups_[open_.back()], budget_ - at.bytes, own) : 0;
            if (at.seconds + rest < best) {
                best = at.seconds + rest;
                end = p;
                last = own;
            }
        }
        if (chosen != nullptr && best < unbounded) trace(end, counted, last, *chosen, each);
        return best;
    }
    /// The largest group that can be counted out goes last, the others stay in order.
    constexpr void order() {
        std::size_t best = open_.size() - 1;
        const auto rank = [&](std::size_t g) {
            const group& own = groups_[open_[g]];
            return own.end - own.begin <= 3 ? own.count : 0;
        };
        for (std::size_t g = 0; g < open_.size(); ++g)
            if (rank(g) > rank(best)) best = g;
        std::swap(open_[best], open_.back());
    }

    /// One layer of group g takes each of its options; `left` more of the group follow.
    constexpr void extend(std::size_t g, int left, double budget) {
        const std::vector<point> from = lists_.back();
        const group& own = groups_[open_[g]];
        double after = left * options_[own.begin].bytes;  // the least of what follows
        for (std::size_t h = g + 1; h < open_.size(); ++h)
            after += groups_[open_[h]].count * options_[groups_[open_[h]].begin].bytes;
        std::vector<point> all;
        for (std::size_t o = own.begin; o < own.end; ++o) {
            const auto middle = static_cast<std::ptrdiff_t>(all.size());
            for (std::size_t p = 0; p < from.size(); ++p) {
                const point to{from[p].bytes + options_[o].bytes, from[p].seconds + options_[o].seconds,
                               static_cast<std::uint32_t>(p), static_cast<std::uint8_t>(o - own.begin)};
                if (to.bytes + after <= budget) all.push_back(to);
            }
            merge(all, middle);
        }
        std::size_t kept = 0;
        for (const point& p : all)
            if (kept == 0 || p.seconds < all[kept - 1].seconds) all[kept++] = p;
        all.resize(kept);
        if (kept > 32) drop_slow(all, g, left, budget);
        lists_.push_back(std::move(all));
    }
    /// Two sorted halves become one.
    static constexpr void merge(std::vector<point>& all, std::ptrdiff_t middle) {
        std::vector<point> out(all.size());
        const auto less = [](const point& a, const point& b) {
            return a.bytes != b.bytes ? a.bytes < b.bytes : a.seconds < b.seconds;
        };
        std::merge(all.begin(), all.begin() + middle, all.begin() + middle, all.end(), out.begin(), less);
        all.swap(out);
    }

    /// A step along a group's convex hull: bytes saved and seconds added by each layer that takes it.
    struct saving {
        double bytes = 0, seconds = 0;
        std::size_t group = 0;
        std::size_t from = 0, to = 0;  // options of the group
        int taken = 0;                 // layers, in the incumbent
    };
    /// The savings of all groups, cheapest first, and the seconds of one choice that fits.
    constexpr void relax() {
        order();
        savings_.clear();
        double bytes = 0, seconds = 0;
        for (std::size_t g = 0; g < open_.size(); ++g) {
            const group& own = groups_[open_[g]];
            bytes += own.count * options_[own.end - 1].bytes;
            seconds += own.count * options_[own.end - 1].seconds;
            for (std::size_t o = own.end - 1; o > own.begin;) o = add_saving(g, o);
        }
        std::sort(savings_.begin(), savings_.end(),
                  [](const saving& a, const saving& b) { return a.seconds * b.bytes < b.seconds * a.bytes; });
        for (saving& s : savings_) {
            if (bytes <= budget_) break;
            const double want = (bytes - budget_) / s.bytes;
            int n = want >= groups_[open_[s.group]].count ? groups_[open_[s.group]].count : static_cast<int>(want);
            if (n < groups_[open_[s.group]].count && bytes - n * s.bytes > budget_) ++n;
            bytes -= n * s.bytes;
            seconds += n * s.seconds;
            s.taken = n;
        }
        incumbent_ = bytes <= budget_ ? seconds : unbounded;
    }
    /// The choice that `relax` found to fit.
    constexpr void take_incumbent(std::vector<int>& chosen, std::size_t each) const {
        chosen.assign(groups_.size() * each, 0);
        const auto slot = [&](std::size_t g, std::size_t o) -> int& {
            return chosen[g * each + options_[groups_[g].begin + o].index];
        };
        for (std::size_t g = 0; g < groups_.size(); ++g)
            slot(g, groups_[g].end - groups_[g].begin - 1) = groups_[g].count;
        for (const saving& s : savings_) {
            if (s.taken == 0) continue;
            slot(open_[s.group], s.from) -= s.taken;
            slot(open_[s.group], s.to) += s.taken;
        }
    }
    /// From option o of group g the smaller option that saves at the least seconds per byte.
    constexpr std::size_t add_saving(std::size_t g, std::size_t o) {
        std::size_t best = o - 1;
        const auto step = [&](std::size_t to) {
            return saving{
                options_[o].bytes - options_[to].bytes, options_[to].seconds - options_[o].seconds, g, 0, 0, 0};
        };
        for (std::size_t to = groups_[open_[g]].begin; to + 1 < o; ++to)
            if (step(to).seconds * step(best).bytes <= step(best).seconds * step(to).bytes) best = to;
        savings_.push_back(step(best));
        savings_.back().from = o - groups_[open_[g]].begin;
        savings_.back().to = best - groups_[open_[g]].begin;
        return best;
    }
    /// Least seconds of what follows a step, were parts of layers allowed.
    constexpr double relaxed(std::size_t g, int left, double budget) const {
        double bytes = 0, seconds = 0;
        const auto count = [&](std::size_t h) { return h < g ? 0 : h == g ? left : groups_[open_[h]].count; };
        for (std::size_t h = g; h < open_.size(); ++h) {
            const option& fastest = options_[groups_[open_[h]].end - 1];
            bytes += count(h) * fastest.bytes;
            seconds += count(h) * fastest.seconds;
        }
        for (const saving& s : savings_) {
            if (bytes <= budget) return seconds;
            const double share = std::min<double>(count(s.group), (bytes - budget) / s.bytes);
            bytes -= share * s.bytes;
            seconds += share * s.seconds;
        }
        return seconds;
    }
    constexpr void drop_slow(std::vector<point>& all, std::size_t g, int left, double budget) const {
        const auto slow = [&](const point& p) {
            return p.seconds + relaxed(g, left, budget - p.bytes) * (1 - 1e-9) >
                   std::min(incumbent_, limit_) * (1 + 1e-9);
        };
        all.erase(std::remove_if(all.begin(), all.end(), slow), all.end());
    }

    constexpr void trace(std::size_t p, bool counted, const counts& last, std::vector<int>& chosen,
                         std::size_t each) const {
        const auto take = [&](std::size_t g, std::size_t o, int n) {
            chosen[g * each + options_[groups_[g].begin + o].index] += n;
        };
        const group& final = groups_[open_.back()];
        if (counted)
            for (std::size_t o = 0; o < final.end - final.begin; ++o) take(open_.back(), o, last[o]);
        for (std::size_t step = steps_.size(); step-- > 0;) {
            const point& at = lists_[step + 1][p];
            take(steps_[step], at.option, 1);
            p = at.before;
        }
    }

    std::vector<option> options_;
    std::vector<group> groups_;
    double budget_ = 0, fixed_ = 0;          // of the groups with a choice; seconds of those without
    std::vector<std::size_t> open_;          // groups with a choice
    std::vector<std::vector<point>> lists_;  // frontier after every layer listed
    std::vector<std::size_t> steps_;         // group of each of these layers
    std::vector<saving> savings_;
    double incumbent_ = unbounded, limit_ = unbounded;
};

}  // namespace chimera::detail
