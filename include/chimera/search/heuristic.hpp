// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/bounds.hpp>
#include <chimera/search/improve.hpp>
#include <chimera/search/mutate_rules.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// Greedy orders under rules that are tuned, then annealing of the best order, first for the value minimised, then for
/// the other. Ends early when both have met their bounds.
class heuristic {
public:
    heuristic(const instance& task, const search_options& options)
        : of_(task), how_(options), limits_(find_bounds(task)), greedy_(task), player_(task), random_(options.seed),
          begun_(std::chrono::steady_clock::now()) {
        slack_ = 1e-9 * (std::max)(limits_.makespan, limits_.span);
        small_ = task.passes() <= 400;
        rounds_ = small_ ? 16 : 2;
        // Small problems: strictly the value minimised, then the other. Large ones: a two-thousandth above the bound is
        // as good as the bound, and the other value counts half, so that both come near their bounds.
        const double bound = task.minimise == objective::span ? limits_.span : limits_.makespan;
        by_ = small_ ? scale{bound, 0.02} : scale{bound * 1.0005, 0.5};
        const double size = (std::max)(task.passes(), 1);
        tunings_ = static_cast<std::int64_t>(std::clamp(7e7 / size, 60.0, small_ ? 12000.0 : 36000.0));
        moves_ = static_cast<std::int64_t>(small_ ? 640000.0 : std::clamp(8e7 / size, 500.0, 50000.0));
        stride_ = std::clamp<std::int64_t>(static_cast<std::int64_t>(1e5 / size), 1, 256);
        if (options.evaluations > 0) {
            moves_ = small_ ? options.evaluations * 19 / 20 : options.evaluations / 2;
            tunings_ = options.evaluations - moves_;
        }
    }

    void run() {
        begin();
        if (!settled()) tune();
        for (int round = 0; round < rounds_ && !settled(); ++round)
            anneal(small_ ? (round % 2 == 0 ? 2.0 : 0.7) : round == 0 ? 0.2 : 0.02, small_ && round % 4 > 1);
    }

    /// Takes an order found elsewhere, if it is better, and polishes it.
    void consider(const order& rows) {
        value v;
        if (!player_.play(rows, v)) return;
        keep(rows, v);
        if (!settled()) anneal(0.2);
    }

    const rules& best_rules() const { return rules_; }
    const order& best() const { return best_; }
    const value& found() const { return found_; }
    const bounds& limits() const { return limits_; }
    std::int64_t evaluations() const { return evaluations_; }
    bool cut_short() const { return cut_short_; }

private:
    bool met() const { return found_.makespan <= limits_.makespan + slack_ && found_.span <= limits_.span + slack_; }
    bool settled() const { return cut_short_ || met(); }

    /// Counts an evaluation; looks at the clock and the caller's wish now and then.
    void count() {
        if (++evaluations_ % stride_ != 0) return;
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun_;
        if (how_.seconds > 0 && passed.count() > how_.seconds) cut_short_ = true;
        if (!how_.progress || passed.count() < told_ + 0.1) return;
        told_ = passed.count();
        if (!how_.progress(
                {found_.makespan, found_.span, limits_.makespan, limits_.span, evaluations_, tunings_ + moves_}))
            cut_short_ = true;
    }

    void keep(const order& rows, const value& v) {
        const double s = small_ ? 0 : by_(of_, v);
        if (small_ ? !better(of_, v, found_, slack_) : s >= kept_) return;
        kept_ = s;
        found_ = v;
        best_ = rows;
    }

    /// What rules are worth by a scale; the best rules are those that are best by the search's own.
    double rate(const rules& rule_set, const scale& axis) {
        count();
        value v;
        if (!greedy_.build(rule_set, trial_) || !player_.play(trial_, v)) return 1e300;
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
            auto& next = at[static_cast<std::size_t>(of_.lanes[static_cast<std::size_t>(id)].worker)];
            trial_[static_cast<std::size_t>(next++)] = static_cast<std::uint16_t>(id);
        };
        for (std::int32_t u = 0; u < of_.units; ++u) {
            const int p = u % of_.pipelines;
            for (int s = 0; s < of_.stages; ++s) put(of_.id(p, s, 0));
            for (int s = of_.stages; s-- > 0;)
                for (int kind = 1; kind < of_.kinds; ++kind) put(of_.id(p, s, kind));
        }
        value v;
        if (player_.play(trial_, v)) keep(trial_, v);
    }

    void begin() {
        serial();
        const std::int32_t d = of_.stages;
        int step = std::clamp(of_.passes() / 40000, 1, 41);  // of large problems, and of short searches, not all
        if (how_.evaluations > 0)
            step = (std::max)(step, static_cast<int>((std::min<std::int64_t>)(2520 / how_.evaluations, 41)));
        int turn = 0;
        for (const double share : {0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 4.0})
            for (const bool eager : {false, true})
                for (const double patience : {0.0, 0.5, 1.0})
                    for (const std::int32_t behind : {unbounded, 0, d / 8, d / 4, d / 2})
                        for (const std::int32_t rush : {0, d / 4, d / 2})
                            if (turn++ % step == 0 && !settled())
                                start_with(plain_rules(of_, share, eager, patience, behind, rush));
    }

    /// Rates plain rules; keeps the best of those that put weight gradients off at will as another place to begin.
    void start_with(const rules& plain) {
        const double s = rate(plain, by_);
        if (plain.behind.front() != unbounded || s >= other_score_) return;
        other_score_ = s;
        other_ = plain;
    }

    /// Anneals the rules: a few times from the best plain ones, for the value minimised and for the other in turns,
    /// then from the best.
    void tune() {
        if (score_ > 1e299) return;
        const rules plain = rules_;
        scale other = by_;
        other.swapped = true;
        other.target = (of_.minimise == objective::span ? limits_.makespan : limits_.span) * (small_ ? 1 : 1.0005);
        constexpr int rounds = 4;
        for (int round = 0; round < rounds && !settled(); ++round)
            tune_from(round < 2 || other_score_ > 1e299 ? plain : other_, round % 2 == 0 ? by_ : other, 2e-3,
                      tunings_ * 2 / (3 * rounds));
        tune_from(rules_, by_, 2e-4, tunings_ / 3);
    }
    void tune_from(rules now, const scale& axis, double heat, std::int64_t tries) {
        double now_score = rate(now, axis);
        for (std::int64_t i = 0; i < tries && !settled(); ++i) {
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
    void anneal(double heat, bool afresh = false) {
        improver on(of_, random_.bits());
        const double mean = *std::max_element(of_.work.begin(), of_.work.end()) * of_.workers / of_.passes();
        const std::int64_t moves = moves_ / rounds_;
        trial_ = best_;
        if (afresh && !rules_.rank.empty()) {
            rules other = rules_;
            for (int n = 0; n < 12; ++n) mutate(of_, other, random_);
            if (!greedy_.build(other, trial_)) trial_ = best_;
        }
        on.start(trial_, by_);
        for (std::int64_t i = 0; i < moves && !settled(); ++i) {
            count();
            const double cooled = heat * std::pow(1e-2, static_cast<double>(i) / static_cast<double>(moves));
            if (on.step(cooled * mean)) keep(on.rows(), on.now());
        }
    }

    const instance& of_;
    const search_options& how_;
    bounds limits_;
    greedy_player greedy_;
    order_player player_;
    draw random_;
    std::chrono::steady_clock::time_point begun_;
    double told_ = 0;
    double slack_ = 0;
    bool small_ = false;
    int rounds_ = 2;
    std::int64_t stride_ = 1;
    scale by_;
    double kept_ = 1e300;
    std::int64_t tunings_ = 0, moves_ = 0, evaluations_ = 0;
    bool cut_short_ = false;
    rules rules_, other_;
    double other_score_ = 1e300;
    double score_ = 1e300;
    order trial_, best_;
    value found_;
};

}  // namespace chimera::detail::seek
