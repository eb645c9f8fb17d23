// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/bounds.hpp>
#include <chimera/search/dominance_table.hpp>
#include <chimera/search/pass_order.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// Never says no.
struct always {
    constexpr bool operator()() const { return true; }
};

/// Branch and bound over the order in which passes are fixed (Giffler and Thompson 1960). Of all passes that could be
/// next, take the one that could end first, at time t on worker m. Whatever m does next and starts at t or later could
/// be preceded by that pass at no loss, so only passes of m that start before t need be tried. One exception: a forward
/// takes memory that others may need, so where that can run short m may also stand idle until t and take next a pass
/// whose input comes no earlier. Likewise where spans count and two pipelines leave open with which a worker starts:
/// until all have started, being early is not always better. Pruned by bounds, and by states met before with the same
/// passes done and no time later.
template <class Going = always>
class exact_search {
public:
    /// Looks below `upper`, in at most so many nodes; `bounded`: ends where it meets the instance's bounds. `going()`
    /// is asked now and then, and ends the search by saying no.
    constexpr exact_search(const instance& task, double upper, std::int64_t nodes_most, bool bounded = true,
                           Going going = {})
        : of_(task), going_(going), chain_(task), nodes_most_(nodes_most), best_(upper), slack_(1e-9 * upper),
          span_(task.minimise == objective::span), done_(task.pass_chains.size(), 0),
          next_(task.pass_chains.size(), 0.0), last_(task.pass_chains.size(), 0.0),
          ends_(static_cast<std::size_t>(task.passes()), 0.0), free_(static_cast<std::size_t>(task.workers), 0.0),
          first_(free_.size(), -1.0), waits_(free_.size(), 0.0), live_(free_.size(), 0.0), scarce_(free_.size(), 0),
          rows_(free_.size(), std::vector<std::uint16_t>()) {
        if (bounded) limits_ = find_bounds(task);
        for (std::size_t w = 0; w < free_.size(); ++w) {
            double forwards = 0;
            for (const std::int32_t l : task.held[w]) forwards += at(l).op == pass::forward ? at(l).count : 0;
            scarce_[w] = forwards > task.limit[w] ? 1 : 0;
        }
    }

    /// Looks for an order shorter than the upper limit; true when the search came to its end.
    constexpr bool run() {
        left_ = of_.passes();
        descend();
        return nodes_ <= nodes_most_;
    }
    /// The success of the search, the length found, and the order itself.
    constexpr bool found() const { return !best_rows_.empty(); }
    constexpr double length() const { return best_; }
    constexpr const order& rows() const { return best_rows_; }
    constexpr std::int64_t nodes() const { return nodes_; }

private:
    constexpr const pass_chain& at(std::int32_t id) const { return of_.pass_chains[static_cast<std::size_t>(id)]; }
    constexpr double limit() const { return span_ ? limits_.span : limits_.makespan; }

    /// When the pass chain's next pass has its input; negative while that is not fixed.
    constexpr double arrival(std::int32_t id) const {
        const pass_chain& l = at(id);
        if (l.before < 0) return 0;
        const std::int32_t k = done_[static_cast<std::size_t>(id)];
        if (done_[static_cast<std::size_t>(l.before)] <= k) return -1;
        return ends_[static_cast<std::size_t>(of_.base[static_cast<std::size_t>(l.before)] + k)] + l.travel;
    }
    /// When the pass chain's next pass could start as the next one of its worker; negative where it cannot be that.
    constexpr double could_start(std::int32_t id) const {
        const pass_chain& l = at(id);
        const auto w = static_cast<std::size_t>(l.worker);
        if (done_[static_cast<std::size_t>(id)] == l.count) return -1;
        if (l.mass > 0 && live_[w] + l.mass > of_.limit[w] + whole) return -1;
        const double there = arrival(id);
        if (there < 0 || (waits_[w] > 0 && there < waits_[w])) return -1;
        return (std::max)(there, free_[w]);
    }

    constexpr void descend() {
        if (++nodes_ % 1024 == 0 && nodes_ <= nodes_most_ && !going_()) nodes_most_ = 0;
        if (nodes_ > nodes_most_) return;
        if (left_ == 0) return finish();
        if (bound() >= best_ - slack_ || limit() >= best_ - slack_) return;
        const bool open = span_ && of_.pipelines > 1 && std::find(first_.begin(), first_.end(), -1.0) != first_.end();
        if (!open && known()) return;
        std::int32_t soonest = -1;
        double t = 1e300;
        for (std::int32_t l = 0; l < static_cast<std::int32_t>(of_.pass_chains.size()); ++l) {
            const double start = could_start(l);
            if (start < 0) continue;
            const double end = start + at(l).seconds;
            const bool tie = end == t && at(soonest).op == pass::forward && at(l).op != pass::forward;
            if (end < t || tie) t = end, soonest = l;
        }
        if (soonest < 0) return;  // the workers have locked each other out
        const auto m = static_cast<std::size_t>(at(soonest).worker);
        const double soon = could_start(soonest);
        for (const pass op : {pass::input_gradient, pass::backward, pass::forward, pass::weight_gradient})
            for (const std::int32_t l : of_.held[m]) {
                if (at(l).op != op) continue;
                const double start = could_start(l);
                if (start >= 0 && (start < t || start <= soon)) take(l, start);
            }
        if ((at(soonest).op == pass::forward && scarce_[m] != 0) || open) idle(m, t);
    }

    constexpr void take(std::int32_t id, double start) {
        const pass_chain& l = at(id);
        const auto i = static_cast<std::size_t>(id);
        const auto w = static_cast<std::size_t>(l.worker);
        const double free = free_[w], first = first_[w], live = live_[w], waits = waits_[w];
        ends_[static_cast<std::size_t>(of_.base[i] + done_[i])] = free_[w] = start + l.seconds;
        if (first < 0) first_[w] = start;
        live_[w] += l.mass;
        waits_[w] = 0;
        ++done_[i];
        --left_;
        rows_[w].push_back(static_cast<std::uint16_t>(id));
        descend();
        rows_[w].pop_back();
        ++left_;
        --done_[i];
        waits_[w] = waits;
        live_[w] = live;
        first_[w] = first;
        free_[w] = free;
    }
    constexpr void idle(std::size_t w, double until) {
        const double free = free_[w], waits = waits_[w];
        if (!(until > free)) return;
        free_[w] = waits_[w] = until;
        descend();
        free_[w] = free;
        waits_[w] = waits;
    }

    constexpr void finish() {
        double most = 0;
        for (std::size_t w = 0; w < free_.size(); ++w)
            if (!rows_[w].empty()) most = (std::max)(most, free_[w] - (span_ ? first_[w] : 0));
        if (most >= best_ - slack_) return;
        best_ = most;
        best_rows_.clear();
        for (const auto& row : rows_) best_rows_.insert(best_rows_.end(), row.begin(), row.end());
    }

    /// Returns a lower bound over all completions of the fixed passes.
    constexpr double bound() {
        double best = 0;
        for (int p = 0; p < of_.pipelines; ++p) {
            for (int s = 0; s < of_.stages; ++s) foresee(of_.id(p, s, 0));
            for (int s = of_.stages; s-- > 0;)
                for (int kind = 1; kind < of_.kinds; ++kind) foresee(of_.id(p, s, kind));
        }
        for (std::size_t w = 0; w < free_.size(); ++w) {
            const double begun = span_ ? (std::max)(first_[w], 0.0) : 0;
            if (span_ && first_[w] < 0) continue;
            best = (std::max)(best, free_[w] - begun);
            for (const std::int32_t a : of_.held[w]) {
                if (done_[static_cast<std::size_t>(a)] == at(a).count) continue;
                const double own = last_[static_cast<std::size_t>(a)] + at(a).seconds;
                best = (std::max)(best, own + (span_ ? 0 : chain_.tail[static_cast<std::size_t>(a)]) - begun);
                best = (std::max)(best, from(w, next_[static_cast<std::size_t>(a)]) - begun);
            }
        }
        return best;
    }
    /// The earliest starts of a pass chain's next and last pass.
    constexpr void foresee(std::int32_t id) {
        const auto i = static_cast<std::size_t>(id);
        const pass_chain& l = at(id);
        const std::int32_t left = l.count - done_[i];
        if (left == 0) return;
        double next = free_[static_cast<std::size_t>(l.worker)], last = next;
        if (l.before >= 0) {
            const auto b = static_cast<std::size_t>(l.before);
            const double there = arrival(id), way = at(l.before).seconds + l.travel;
            next = (std::max)(next, there >= 0 ? there : next_[b] + way);
            if (done_[b] < at(l.before).count)
                last = last_[b] + way;
            else
                last = ends_[static_cast<std::size_t>(of_.base[b] + l.count - 1)] + l.travel;
        }
        next_[i] = next;
        last_[i] = (std::max)(last, next + (left - 1) * l.seconds);
    }
    /// All pass chains of a worker that cannot go on before r, one pass at a time, then the least that follows any of
    /// them.
    constexpr double from(std::size_t w, double r) const {
        double best = 0;
        for (const std::int32_t b : of_.held[w]) {
            const double q = span_ ? 0 : chain_.tail[static_cast<std::size_t>(b)];
            double sum = 0;
            for (const std::int32_t l : of_.held[w]) {
                const auto i = static_cast<std::size_t>(l);
                if (done_[i] < at(l).count && next_[i] >= r && (span_ || chain_.tail[i] >= q))
                    sum += at(l).seconds * (at(l).count - done_[i]);
            }
            if (sum > 0) best = (std::max)(best, r + sum + q);
            if (span_) break;
        }
        return best;
    }

    /// Returns true if the same passes were fixed before with nothing later; remembers this state otherwise.
    constexpr bool known() {
        times_.clear();
        for (std::size_t w = 0; w < free_.size(); ++w) {
            times_.push_back(free_[w]);
            if (waits_[w] > 0) return false;  // not free to do all that the times allow
            if (span_) times_.push_back(-first_[w]);
        }
        for (std::size_t i = 0; i < done_.size(); ++i) {
            const pass_chain& l = of_.pass_chains[i];
            if (l.after < 0 || at(l.after).worker == l.worker) continue;
            const double free = free_[static_cast<std::size_t>(at(l.after).worker)];
            for (std::int32_t k = done_[static_cast<std::size_t>(l.after)]; k < done_[i]; ++k)
                times_.push_back(
                    (std::max)(free, ends_[static_cast<std::size_t>(of_.base[i] + k)] + at(l.after).travel));
        }
        return memo_.known(done_, times_);
    }

    const instance& of_;
    Going going_;
    chains chain_;
    bounds limits_;
    std::int64_t nodes_ = 0, nodes_most_;
    double best_, slack_;
    bool span_;
    std::int32_t left_ = 0;
    std::vector<std::int32_t> done_;   // per pass chain
    std::vector<double> next_, last_;  // per pass chain: earliest starts of the next pass and of the last
    std::vector<double> ends_;         // per pass
    std::vector<double> free_, first_, waits_, live_;  // per worker
    std::vector<std::uint8_t> scarce_;                 // per worker: memory can run short
    std::vector<std::vector<std::uint16_t>> rows_;
    order best_rows_;
    std::vector<double> times_;
    memo memo_;
};

}  // namespace chimera::detail::seek
