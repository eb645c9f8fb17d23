// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/pass_order.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace chimera::detail::seek {

inline constexpr std::int32_t unbounded = (std::numeric_limits<std::int32_t>::max)();

/// The rules by which a worker chooses among the passes that could start. 1F1B, ZB-H1 and ZB-H2 are points of this
/// space: D - s or 2 (D - s) - 1 units under way, s or 2 s weight gradients behind.
struct rules {
    std::vector<std::int32_t>
        under_way;                     ///< per pass chain (forwards): most units between forward and (input) gradient
    std::vector<std::int32_t> behind;  ///< per worker: most weight gradients put off
    std::vector<std::int32_t> rank;    ///< per pass chain: among passes of one kind the least goes first
    std::vector<std::uint8_t> eager;   ///< per worker: forwards before gradients while `under_way` allows
    std::vector<std::int32_t>
        rush;  ///< per worker: that many forwards of a pass chain at its end go first, free of `under_way`,
               ///< and weight gradients are put off freely meanwhile
    std::vector<double> patience;  ///< per worker: a weight gradient fills a gap of at least this share of its time
};

/// Builds an order by playing time forwards: whenever a worker is free it takes the pass that the rules prefer.
class greedy_player {
public:
    explicit greedy_player(const instance& task)
        : of_(task), ends_(static_cast<std::size_t>(task.passes()), 0.0), done_(task.pass_chains.size(), 0),
          at_(static_cast<std::size_t>(task.workers), 0), put_off_(static_cast<std::size_t>(task.workers), 0),
          clock_(static_cast<std::size_t>(task.workers), 0.0), live_(static_cast<std::size_t>(task.workers), 0.0) {
        while (leaves_ < static_cast<std::size_t>(task.workers)) leaves_ *= 2;
        times_.assign(leaves_, never);
        next_.assign(2 * leaves_, 0);
        for (std::size_t i = 0; i < leaves_; ++i) next_[leaves_ + i] = static_cast<std::int32_t>(i);
        // Leaves without a worker never wake, so nodes over them alone must name one of their own from the start.
        for (std::size_t i = leaves_; i-- > 1;) next_[i] = next_[2 * i];
    }

    /// False when the rules lock the workers out, or once `going()` says no, which is asked now and then.
    template <class Going>
    bool build(const rules& rule_set, order& rows, const Going& going) {
        std::fill(done_.begin(), done_.end(), 0);
        std::fill(put_off_.begin(), put_off_.end(), 0);
        std::fill(clock_.begin(), clock_.end(), 0.0);
        std::fill(live_.begin(), live_.end(), 0.0);
        std::copy(of_.offsets.begin(), of_.offsets.end() - 1, at_.begin());
        rows.resize(static_cast<std::size_t>(of_.passes()));
        for (std::int32_t w = 0; w < of_.workers; ++w) wake(w, 0);
        std::int32_t left = of_.passes();
        for (std::size_t looked_at = 0;;) {
            const std::int32_t worker = next_[1];
            const double now = times_[static_cast<std::size_t>(worker)];
            if (now == never) break;
            wake(worker, never);
            looked_at += of_.held[static_cast<std::size_t>(worker)].size();
            if (looked_at > asks_after) {
                looked_at = 0;
                if (!going()) return false;
            }
            const std::int32_t chosen = choose(rule_set, worker, now);
            if (chosen < 0) continue;
            start(chosen, now, rows);
            --left;
        }
        return left == 0;
    }
    bool build(const rules& rule_set, order& rows) {
        return build(rule_set, rows, [] { return true; });
    }

private:
    static constexpr double never = std::numeric_limits<double>::infinity();
    static constexpr std::size_t asks_after = std::size_t{1} << 20;  // pass chains looked at: some milliseconds

    /// When a worker looks for work next. A tree of winners: next_[1] is whose turn comes first.
    void wake(std::int32_t w, double time) {
        times_[static_cast<std::size_t>(w)] = time;
        for (std::size_t i = (static_cast<std::size_t>(w) + leaves_) / 2; i > 0; i /= 2) {
            const std::int32_t a = next_[2 * i], b = next_[2 * i + 1];
            next_[i] = times_[static_cast<std::size_t>(a)] <= times_[static_cast<std::size_t>(b)] ? a : b;
        }
    }

    /// When the pass chain's next pass has its input; infinite while unknown.
    double arrival(const pass_chain& l, std::int32_t k) const {
        if (l.before < 0) return 0;
        if (done_[static_cast<std::size_t>(l.before)] <= k) return never;
        return ends_[static_cast<std::size_t>(of_.base[static_cast<std::size_t>(l.before)] + k)] + l.travel;
    }

    std::int32_t choose(const rules& rule_set, std::int32_t worker, double now) {
        const auto w = static_cast<std::size_t>(worker);
        std::int32_t best = -1, fallback = -1;
        std::int64_t best_key = (std::numeric_limits<std::int64_t>::max)(), fallback_key = best_key;
        double next = never;
        bool crowded = false, rushing = true;
        for (const std::int32_t id : of_.held[w]) {
            const auto i = static_cast<std::size_t>(id);
            const pass_chain& l = of_.pass_chains[i];
            const std::int32_t k = done_[i];
            if (k == l.count) continue;
            if (l.op == pass::weight_gradient) {
                if (k >= done_[static_cast<std::size_t>(l.gradient)]) continue;
                const std::int64_t key = (std::int64_t{rule_set.rank[i]} << 32) + k;
                if (key < fallback_key) fallback_key = key, fallback = id;
                continue;
            }
            const bool forward = l.op == pass::forward;
            const bool rush = k + rule_set.rush[w] >= l.count;
            if (forward && !rush) rushing = false;
            if (forward && !rush && k - done_[static_cast<std::size_t>(l.gradient)] >= rule_set.under_way[i]) continue;
            const double there = arrival(l, k);
            if (forward && live_[w] + 1 + of_.reserve[i] > of_.limit[w] + whole) {
                crowded = crowded || there <= now;
                continue;
            }
            const std::int64_t kind = forward && rush ? 0 : forward == (rule_set.eager[w] != 0) ? 1 : 2;
            const std::int64_t key = (kind << 60) + (std::int64_t{rule_set.rank[i]} << 32) + k;
            if (there > now)
                next = (std::min)(next, there);
            else if (key < best_key)
                best_key = key, best = id;
        }
        const bool due = !rushing && put_off_[w] > rule_set.behind[w];
        const std::int32_t chosen =
            fallback < 0 ? best : choose_weight(rule_set, worker, best, fallback, due, crowded, next - now);
        if (chosen < 0) wake(worker, next);
        return chosen;
    }

    /// Chooses between the best pass, if any, and a weight gradient, or to wait. `due`: too many have been put off;
    /// `crowded`: a forward lacks memory; `wait`: seconds until a pass has its input.
    std::int32_t choose_weight(const rules& rule_set, std::int32_t worker, std::int32_t best, std::int32_t weight,
                               bool due, bool crowded, double wait) {
        const bool gradient = best >= 0 && of_.pass_chains[static_cast<std::size_t>(best)].op != pass::forward;
        if (due || (crowded && !gradient)) return weight;
        if (best >= 0) return best;
        const double seconds = of_.pass_chains[static_cast<std::size_t>(weight)].seconds;
        if (wait >= rule_set.patience[static_cast<std::size_t>(worker)] * seconds) return weight;
        return -1;
    }

    void start(std::int32_t id, double now, order& rows) {
        const auto i = static_cast<std::size_t>(id);
        const pass_chain& l = of_.pass_chains[i];
        const auto w = static_cast<std::size_t>(l.worker);
        const double end = now + l.seconds;
        ends_[static_cast<std::size_t>(of_.base[i] + done_[i])] = end;
        ++done_[i];
        live_[w] += l.mass;
        if (l.op == pass::input_gradient) ++put_off_[w];
        if (l.op == pass::weight_gradient) --put_off_[w];
        rows[static_cast<std::size_t>(at_[w]++)] = static_cast<std::uint16_t>(id);
        clock_[w] = end;
        wake(l.worker, end);
        if (l.after < 0) return;
        const pass_chain& next = of_.pass_chains[static_cast<std::size_t>(l.after)];
        if (next.worker == l.worker) return;
        const double there = end + next.travel;  // a worker that is busy then looks up by itself when it is done
        const auto n = static_cast<std::size_t>(next.worker);
        if (clock_[n] <= there && there < times_[n]) wake(next.worker, there);
    }

    const instance& of_;
    std::vector<double> ends_;
    std::vector<std::int32_t> done_;
    std::vector<std::int32_t> at_;
    std::vector<std::int32_t> put_off_;
    std::vector<double> clock_;
    std::vector<double> live_;
    std::size_t leaves_ = 1;
    std::vector<double> times_;  // per leaf
    std::vector<std::int32_t> next_;
};

}  // namespace chimera::detail::seek
