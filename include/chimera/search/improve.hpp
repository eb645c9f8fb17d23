// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/random.hpp>
#include <chimera/search/pass_order.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// One number to compare orders by: what the value minimised is above `target`, several times; a share of the other;
/// and a trace of all spans together, which tells apart orders that are equally long but unequally near to being
/// shorter.
struct scale {
    double target = 0;  ///< of the value minimised; below it nothing is to be won
    double share = 0.02;
    bool swapped = false;  ///< the other value is the first one

    double operator()(const instance& task, const value& v) const {
        const bool span = (task.minimise == objective::span) != swapped;
        const double first = span ? v.span : v.makespan;
        const double second = span ? v.makespan : v.span;
        return (std::max)(first - target, 0.0) + share * second + 1e-4 * share * v.sum / task.workers;
    }
};

/// Returns true if a is better: shorter in what is minimised, then in the other figure. Differences below
/// `slack` do not count.
inline bool better(const instance& task, const value& a, const value& b, double slack) {
    const bool span = task.minimise == objective::span;
    const double first = span ? a.span - b.span : a.makespan - b.makespan;
    const double second = span ? a.makespan - b.makespan : a.span - b.span;
    return first < -slack || (first < slack && second < -slack);
}

/// Simulated annealing over orders. A move takes a pass past others of its row, or others past it; mostly one of a
/// critical chain, as nothing else can shorten that, now and then any, to prepare for it.
class improver {
public:
    improver(const instance& task, std::uint64_t seed) : of_(task), player_(task), random_(seed) {
        saved_.resize(static_cast<std::size_t>(task.passes()));
        count_.assign(task.pass_chains.size(), 0);
        where_.resize(static_cast<std::size_t>(task.passes()));
    }

    /// Starts from an order that runs and keeps the limits.
    void start(const order& rows, const scale& axis) {
        rows_ = rows;
        scale_ = axis;
        player_.play(rows_, now_);
        score_ = axis(of_, now_);
        trace();
    }

    /// One move at a temperature (in seconds); true when the order changed.
    bool step(double temperature) {
        if (critical_.empty()) return false;
        const auto pick = [&](std::size_t size) { return random_.index(static_cast<std::int32_t>(size)); };
        const std::int32_t at =
            random_.index(8) == 0 ? pick(rows_.size()) : critical_[static_cast<std::size_t>(pick(critical_.size()))];
        const std::int32_t worker = of_.pass_chains[rows_[static_cast<std::size_t>(at)]].worker;
        const std::int32_t begin = of_.offsets[static_cast<std::size_t>(worker)];
        const std::int32_t end = of_.offsets[static_cast<std::size_t>(worker) + 1];
        const std::int32_t reach =
            1 + static_cast<std::int32_t>(random_.unit() * random_.unit() * (std::min)(end - begin, 24));
        std::int32_t from = at, to = at;
        const std::int32_t way = random_.index(4);
        (way < 2 ? to : from) += way % 2 == 0 ? -reach : reach;
        if ((std::min)(from, to) < begin || (std::max)(from, to) >= end) return false;
        if (rows_[static_cast<std::size_t>(from)] == rows_[static_cast<std::size_t>(to)]) return false;
        const auto row = rows_.begin() + begin;
        std::copy(row, rows_.begin() + end, saved_.begin());
        move(from, to);
        value next;
        if (mend(worker) && player_.play(rows_, next)) {
            const double s = scale_(of_, next);
            if (s <= score_ || random_.unit() < std::exp((score_ - s) / (std::max)(temperature, 1e-300))) {
                now_ = next;
                score_ = s;
                trace();
                return true;
            }
        }
        std::copy(saved_.begin(), saved_.begin() + (end - begin), row);
        return false;
    }

    const order& rows() const { return rows_; }
    const value& now() const { return now_; }
    double now_score() const { return score_; }
    draw& random() { return random_; }

private:
    void move(std::int32_t from, std::int32_t to) {
        const auto b = rows_.begin();
        if (from < to) std::rotate(b + from, b + from + 1, b + to + 1);
        if (to < from) std::rotate(b + to, b + from, b + from + 1);
    }

    /// Makes a row possible again: a forward without room has a weight gradient put before it, a weight gradient
    /// without gradient waits for one. False where that takes more than a few such moves.
    bool mend(std::int32_t worker) {
        const auto w = static_cast<std::size_t>(worker);
        const double limit = of_.limit[w] + whole;
        const std::int32_t end = of_.offsets[w + 1];
        for (const std::int32_t l : of_.held[w]) count_[static_cast<std::size_t>(l)] = 0;
        double live = 0;
        int repairs = 3;
        for (std::int32_t i = of_.offsets[w]; i < end; ++i) {
            const pass_chain* l = &of_.pass_chains[rows_[static_cast<std::size_t>(i)]];
            if (l->mass > 0 && live + l->mass > limit) {
                if (--repairs < 0 || !fetch(i, end)) return false;
                l = &of_.pass_chains[rows_[static_cast<std::size_t>(i)]];
            } else if (l->op == pass::weight_gradient &&
                       count_[rows_[static_cast<std::size_t>(i)]] >= count_[static_cast<std::size_t>(l->gradient)]) {
                std::int32_t j = i + 1;
                while (j < end && rows_[static_cast<std::size_t>(j)] != l->gradient) ++j;
                if (--repairs < 0 || j == end) return false;
                move(i, j);
                l = &of_.pass_chains[rows_[static_cast<std::size_t>(i)]];
                if (l->mass > 0 && live + l->mass > limit) return false;
            }
            live += l->mass;
            ++count_[rows_[static_cast<std::size_t>(i)]];
        }
        return true;
    }
    /// Puts the next weight gradient that could run already at place i.
    bool fetch(std::int32_t i, std::int32_t end) {
        for (std::int32_t j = i + 1; j < end; ++j) {
            const std::uint16_t id = rows_[static_cast<std::size_t>(j)];
            const pass_chain& l = of_.pass_chains[id];
            if (l.op != pass::weight_gradient || count_[id] >= count_[static_cast<std::size_t>(l.gradient)]) continue;
            move(j, i);
            return true;
        }
        return false;
    }

    /// The passes that the value waits for.
    void trace() {
        std::int32_t fullest = 0;
        std::vector<std::int32_t>& count = count_;
        count.assign(of_.pass_chains.size(), 0);
        // the other value's chain is looked at now and then, or always when the value minimised has reached its target
        const bool first =
            (of_.minimise == objective::span ? now_.span : now_.makespan) > scale_.target && random_.index(3) != 0;
        const bool span = (of_.minimise == objective::span) == first;
        const double most = span ? now_.span : now_.makespan;
        std::int32_t ties = 0;
        for (std::int32_t w = 0; w < of_.workers; ++w) {
            const std::int32_t begin = of_.offsets[static_cast<std::size_t>(w)],
                               end = of_.offsets[static_cast<std::size_t>(w) + 1];
            for (std::int32_t i = begin; i < end; ++i) {
                const auto l = static_cast<std::size_t>(rows_[static_cast<std::size_t>(i)]);
                where_[static_cast<std::size_t>(of_.base[l] + count[l]++)] = i;
            }
            if (begin == end) continue;
            const double last = time(player_.ends(), end - 1, count);
            const double begun =
                span ? player_.starts()[static_cast<std::size_t>(of_.base[rows_[static_cast<std::size_t>(begin)]])] : 0;
            if (last - begun < most * (1 - 1e-12)) continue;
            if (random_.index(++ties) == 0) fullest = w;
        }
        follow(of_.offsets[static_cast<std::size_t>(fullest) + 1] - 1);
    }
    /// The time of a row's last pass, which is the last of its pass chain on the row as well.
    double time(const std::vector<double>& lengths, std::int32_t i, const std::vector<std::int32_t>& count) const {
        const auto l = static_cast<std::size_t>(rows_[static_cast<std::size_t>(i)]);
        return lengths[static_cast<std::size_t>(of_.base[l] + count[l] - 1)];
    }

    void follow(std::int32_t i) {
        critical_.clear();
        for (;;) {
            critical_.push_back(i);
            const auto l = static_cast<std::size_t>(rows_[static_cast<std::size_t>(i)]);
            const pass_chain& here = of_.pass_chains[l];
            const std::int32_t begin = of_.offsets[static_cast<std::size_t>(here.worker)];
            // count_ is used as cursors here: the number of this pass within its pass chain
            std::int32_t k = number(l, i);
            const double start = player_.starts()[static_cast<std::size_t>(of_.base[l] + k)];
            if (here.before >= 0) {
                const auto b = static_cast<std::size_t>(of_.base[static_cast<std::size_t>(here.before)] + k);
                if (player_.ends()[b] + here.travel >= start &&
                    of_.pass_chains[static_cast<std::size_t>(here.before)].worker != here.worker) {
                    i = where_[b];
                    continue;
                }
            }
            if (i == begin) return;
            --i;
        }
    }
    std::int32_t number(std::size_t l, std::int32_t i) const {
        const auto first = where_.begin() + of_.base[l];
        const auto last = first + of_.pass_chains[l].count;
        return static_cast<std::int32_t>(std::lower_bound(first, last, i) - first);
    }

    const instance& of_;
    order_player player_;
    draw random_;
    order rows_, saved_;
    value now_;
    double score_ = 0;
    scale scale_;
    std::vector<std::int32_t> where_;  // per pass, by pass chain: where it stands
    std::vector<std::int32_t> count_;
    std::vector<std::int32_t> critical_;
};

}  // namespace chimera::detail::seek
