// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/bounds.hpp>
#include <chimera/search/exact.hpp>
#include <chimera/search/family_starts.hpp>
#include <chimera/search/improve.hpp>
#include <chimera/search/mutate_rules.hpp>
#include <chimera/search/watch.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace chimera::detail::seek {

/// The search under one memory limit: one sequence of orders that depends on the problem and the seed alone. The budget
/// only says where it ends, and the best order so far is kept, so more evaluations or more time never give a worse one.
///
/// It begins with every family that lives here. Rounds follow, each about twice as long as the one before: orders
/// under greedy rules, rules that are tuned, and the best order annealed, for the value minimised and for the other.
/// Early on, branch and bound tries to close small problems. Ends early when both values have met their bounds.
class heuristic {
public:
    heuristic(const instance& task, const search_options& options, watch& clock)
        : of_(task), clock_(clock), limits_(find_bounds(task)), greedy_(task), player_(task), random_(options.seed) {
        slack_ = 1e-9 * (std::max)(limits_.makespan, limits_.span);
        small_ = task.passes() <= 400;
        // Small problems: strictly the value minimised, then the other. Large ones are steered by a scale on which a
        // two-thousandth above the bound is as good as the bound and the other value counts half, so that both come
        // near their bounds; what is kept is the least in the value minimised all the same.
        by_ = small_ ? scale{first(limits_), 0.02} : scale{first(limits_) * 1.0005, 0.5};
        const double size = (std::max)(task.passes(), 1);
        whole_rounds_ = options.evaluations == 0;
        most_ = options.evaluations;
        if (whole_rounds_)
            most_ = static_cast<std::int64_t>(std::clamp(1.5e8 / size, 100.0, small_ ? 660000.0 : 125000.0));
        clock_.shown.evaluations_most = clock_.shown.evaluations + most_;
    }

    void run() {
        begin();
        for (int round = 0; going(); ++round) {
            // one that is cut off has not cooled down
            if (whole_rounds_ && round > 0 && used_ + tunings(round) + moves(round) > most_) return;
            sample(16 << (std::min)(round, 6));
            if (round == 0) prove(20'000);
            if (round == 4) prove(200'000);
            tune(round);
            anneal(round);
        }
    }

    /// Takes an order found elsewhere, if it is better, or as good in less memory.
    void consider(const order& rows) {
        value v;
        if (!player_.play(rows, v)) return;
        keep(rows, v);
        const bool tie = steps(first(v)) == steps(first(found_)) && steps(second(v)) == steps(second(found_));
        if (tie && peaks_of(of_, rows) < peaks_of(of_, best_) - whole) best_ = rows, found_ = v;
    }

    const order& best() const { return best_; }
    const value& found() const { return found_; }
    const bounds& limits() const { return limits_; }
    /// Returns true if branch and bound has proven the value minimised the least there is.
    bool exact() const { return exact_; }
    /// Returns true if nothing can be less in the value minimised.
    bool least() const { return exact_ || first(found_) <= first(limits_) + slack_; }
    double minimised() const { return first(found_); }

private:
    std::int64_t tunings(int round) const { return std::int64_t{24} << (std::min)(round, 9); }
    std::int64_t moves(int round) const {
        return std::int64_t{small_ ? 400 : 24} << (std::min)(round, small_ ? 7 : 10);
    }
    template <class Pair>
    double first(const Pair& of) const {
        return of_.minimise == objective::span ? of.span : of.makespan;
    }
    template <class Pair>
    double second(const Pair& of) const {
        return of_.minimise == objective::span ? of.makespan : of.span;
    }
    bool met() const { return least() && second(found_) <= second(limits_) + slack_; }
    bool going() const { return !clock_.cut_short() && used_ < most_ && !met(); }

    double steps(double seconds) const { return std::floor(seconds / slack_ + 0.5); }
    void count() {
        ++used_;
        clock_.count(of_.passes());
    }

    /// The value minimised, then the other. Differences in the last digits, which sums in another order leave, are
    /// none.
    void keep(const order& rows, const value& v) {
        const double a = steps(first(v)), b = steps(first(found_));
        if (a > b || (a == b && second(v) >= second(found_))) return;
        found_ = v;
        best_ = rows;
        search_progress& shown = clock_.shown;
        shown.makespan = v.makespan, shown.longest_span = v.span;
        shown.makespan_bound = limits_.makespan, shown.span_bound = limits_.span;
    }

    /// Rates rules by a scale; the best rules are those that are best by the search's own.
    double rate(const rules& rule_set, const scale& axis) {
        count();
        value v;
        const auto asked = [&] { return clock_.look_up(); };
        if (!greedy_.build(rule_set, trial_, asked) || !player_.play(trial_, v)) return 1e300;
        keep(trial_, v);
        if (const double own = by_(of_, v); own < score_) {
            score_ = own;
            rules_ = rule_set;
        }
        return axis(of_, v);
    }

    /// One unit after the other: runs in the least memory there can be.
    void serial() {
        std::vector<std::int32_t> at(of_.offsets.begin(), of_.offsets.end() - 1);
        trial_.resize(static_cast<std::size_t>(of_.passes()));
        const auto put = [&](std::int32_t id) {
            auto& next = at[static_cast<std::size_t>(of_.pass_chains[static_cast<std::size_t>(id)].worker)];
            trial_[static_cast<std::size_t>(next++)] = static_cast<std::uint16_t>(id);
        };
        for (std::int32_t u = 0; u < of_.units; ++u) {
            const int p = u % of_.pipelines;
            for (int s = 0; s < of_.stages; ++s) put(of_.id(p, s, 0));
            for (int s = of_.stages; s-- > 0;)
                for (int kind = 1; kind < of_.kinds; ++kind) put(of_.id(p, s, kind));
        }
        count();
        consider(trial_);
    }

    /// The families; and the serial order, which always is one, where time or memory leave none of them.
    void begin() {
        double last = clock_.passed(), longest = 0;
        family_starts(of_, [&](const std::optional<order>& rows) {
            if (rows) {
                count();
                const double before = clock_.passed();
                consider(*rows);
                result_ = (std::max)(result_, 5 * (clock_.passed() - before));  // measured: 2 to 4 times as long
            }
            longest = (std::max)(longest, clock_.passed() - last);
            last = clock_.passed();
            clock_.keep_back(result_ + 2 * longest);  // no step is begun that would not end in time
            return clock_.look_up() && (!met() || of_.passes() < 1 << 17);  // one as good may need less memory
        });
        if (best_.empty()) serial();
        clock_.keep_back(result_);
        clock_.look_up();
    }

    /// Rates the next plain rules of a list, in an order in which any few in a row are unlike each other.
    void sample(int number) {
        constexpr std::array shares{0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0};
        const std::int32_t d = of_.stages;
        const std::array behinds{unbounded, 0, d / 8, d / 4, d / 2};
        const std::array rushes{0, d / 4, d / 2};
        constexpr std::size_t all = 7 * 2 * 3 * 5 * 3, stride = 389;  // which has no divisor in common with `all`
        for (; number > 0 && sampled_ < all && going(); --number, ++sampled_) {
            std::size_t i = sampled_ * stride % all;
            const auto digit = [&](std::size_t base) {
                const std::size_t out = i % base;
                i /= base;
                return out;
            };
            const std::int32_t rush = rushes[digit(3)], behind = behinds[digit(5)];
            const double patience = 0.5 * static_cast<double>(digit(3));
            const bool eager = digit(2) == 1;
            start_with(plain_rules(of_, shares[i], eager, patience, behind, rush));
        }
    }

    /// Rates plain rules; keeps the best, and the best of those that put weight gradients off at will.
    void start_with(const rules& plain) {
        const double s = rate(plain, by_);
        for (auto* best : {&plain_, &patient_}) {
            if (s >= best->score || (best == &patient_ && plain.behind.front() != unbounded)) continue;
            *best = {plain, s};
        }
    }

    /// Branch and bound below what was found, where the problem is small enough for it to end.
    void prove(std::int64_t nodes_most) {
        constexpr std::int32_t passes_most = 192;
        if (of_.passes() > passes_most || !going() || least()) return;
        const auto asked = [&] { return clock_.look_up(); };
        exact_search closing(of_, minimised(), nodes_most, true, asked);
        exact_ = closing.run();
        if (closing.found()) consider(closing.rows());
        if (exact_) by_.target = minimised();
    }

    /// Anneals the rules: from the best plain ones, for the value minimised and for the other in turns, then from the
    /// best.
    void tune(int round) {
        if (score_ > 1e299) return;
        scale other = by_;
        other.swapped = true;
        other.target = second(limits_) * (small_ ? 1 : 1.0005);
        const std::int64_t tries = tunings(round);
        if (round < 2) return tune_from(rules_, by_, 2e-3, tries);
        for (int part = 0; part < 4; ++part) {
            const rules& from = part >= 2 && patient_.score < 1e299 ? patient_.by : round % 2 == 0 ? plain_.by : rules_;
            tune_from(from, part % 2 == 0 ? by_ : other, 2e-3, tries / 6);
        }
        tune_from(rules_, by_, 2e-4, tries / 3);
    }
    void tune_from(rules now, const scale& axis, double heat, std::int64_t tries) {
        if (!going()) return;
        double now_score = rate(now, axis);
        for (std::int64_t i = 0; i < tries && going(); ++i) {
            rules next = now;
            for (int n = 1 + random_.index(3); n > 0; --n) mutate(of_, next, random_);
            const double s = rate(next, axis);
            const double cooled =
                heat * limits_.makespan * std::pow(1e-2, static_cast<double>(i) / static_cast<double>(tries));
            if (s > now_score && random_.unit() >= std::exp((now_score - s) / cooled)) continue;
            now_score = s;
            now = std::move(next);
        }
    }

    /// From the best order, or from one of quite other rules.
    void anneal(int round) {
        if (!going()) return;
        const double heat = small_ ? (round % 2 == 0 ? 2.0 : 0.7) : round % 2 == 0 ? 0.2 : 0.02;
        const std::int64_t all = moves(round);
        improver on(of_, random_.bits());
        const double mean = *std::max_element(of_.work.begin(), of_.work.end()) * of_.workers / of_.passes();
        trial_ = best_;
        if (small_ && round % 4 > 1 && !rules_.rank.empty()) {
            rules other = rules_;
            for (int n = 0; n < 12; ++n) mutate(of_, other, random_);
            if (!greedy_.build(other, trial_)) trial_ = best_;
        }
        on.start(trial_, by_);
        for (std::int64_t i = 0; i < all && going(); ++i) {
            count();
            const double cooled = heat * std::pow(1e-2, static_cast<double>(i) / static_cast<double>(all));
            if (on.step(cooled * mean)) keep(on.rows(), on.now());
        }
    }

    /// Rules and their score.
    struct rated {
        rules by;
        double score = 1e300;
    };

    const instance& of_;
    watch& clock_;
    bounds limits_;
    greedy_player greedy_;
    order_player player_;
    draw random_;
    double slack_ = 0, result_ = 0;  // seconds: that two values may differ by; that the schedule takes to be made
    bool small_ = false, whole_rounds_ = false, exact_ = false;
    scale by_;
    std::int64_t most_ = 0, used_ = 0;
    std::size_t sampled_ = 0;
    rules rules_;  // the best by the search's own scale
    double score_ = 1e300;
    rated plain_, patient_;
    order trial_, best_;
    value found_;
};

}  // namespace chimera::detail::seek
