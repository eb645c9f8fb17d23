// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/bounded.hpp>
#include <chimera/partition/choices.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace chimera {

/// One way to treat a layer's activations: kept, recomputed in part, recomputed.
struct recompute_option {
    double seconds = 0;  ///< added to the layer's
    double bytes = 0;    ///< kept for every micro-batch in flight
    double once = 0;     ///< taken once, as by what is recomputed while its backward runs

    friend constexpr bool operator==(const recompute_option&, const recompute_option&) = default;
};

/// Memory of the workers, and what each layer may recompute: layer l has options[l · each] … options[l · each + each -
/// 1]. Stage s takes reserved[s] + state + in_flight[s] · bytes + once, the options chosen for each layer by itself.
struct recompute_limits {
    std::span<const double> state;
    std::span<const recompute_option> options;
    int each = 1;
    std::span<const double> in_flight;
    double capacity = 0;
    std::span<const double> reserved;
};

/// A partition with the choice of every layer.
struct recomputed_partition {
    std::vector<int> cuts;              ///< as everywhere; empty where no choice fits
    std::vector<std::uint8_t> chosen;   ///< per layer: its option
    std::vector<double> stage_seconds;  ///< with what is recomputed
    double seconds = 0;                 ///< of the slowest stage
    int stage = -1;                     ///< where nothing fits, as in bounded_partition, with the smallest options
    double missing = 0;

    constexpr bool fits() const { return !cuts.empty(); }
};

namespace detail {

/// Room to work in, used again and again. (Not mutable members: GCC 12 reads none in constant evaluation.)
struct choice_room {
    choices search;
    std::vector<choices::option> own;
    std::vector<std::size_t> groups;
};

class recomputed_stages {
public:
    int layers = 0;
    int stages = 0;

    constexpr recomputed_stages(std::span<const double> seconds, int count, const recompute_limits& under,
                                choice_room& scratch)
        : layers(static_cast<int>(seconds.size())), stages(count), each_(at(under.each)), scratch_(scratch) {
        check(seconds, under);
        options_.assign(under.options.begin(), under.options.end());
        double total = range_sums("the seconds of layer", seconds).all();
        for (const recompute_option& o : options_) total += o.seconds;
        if (total > std::numeric_limits<double>::max())
            refuse_number("the extra seconds of option", options_.size() - 1);
        const exact_multiples round(total);  // then sums of both kinds of seconds are exact
        for (recompute_option& o : options_) o.seconds = round(o.seconds);
        std::vector<double> exact(seconds.begin(), seconds.end());
        for (double& x : exact) x = round(x);
        seconds_ = range_sums("the seconds of layer", exact);
        state_ = range_sums("the state bytes of layer", under.state);
        in_flight_.assign(under.in_flight.begin(), under.in_flight.end());
        room_.assign(at(count), under.capacity);
        for (std::size_t s = 0; s < under.reserved.size(); ++s) room_[s] -= under.reserved[s];
        classify();
    }

    constexpr const range_sums& seconds() const { return seconds_; }
    /// Seconds with the least that must be recomputed; unbounded where the smallest options do not fit. Above `limit`
    /// it may be any number between that and them, which saves most of the knapsacks.
    constexpr double cost(int s, int i, int j, double limit) const {
        const double alone = seconds_(i, j);
        if (limit >= 0 && alone > limit) return alone;
        const double fastest = cheapest(s, i, j);
        if (fastest >= 0) return alone + fastest;
        gather(s, i, j);
        if (!scratch_.search.prepare(budget(s, i, j))) return unbounded;
        const double low = alone + scratch_.search.bound();
        return low > limit ? low : alone + scratch_.search.least();
    }
    constexpr double cost(int s, int i, int j) const { return cost(s, i, j, unbounded); }
    /// Where it is at most `limit`, seconds of some choice that is too; else a number above the limit, but not above
    /// it.
    constexpr double within(int s, int i, int j, double limit) const {
        const double alone = seconds_(i, j);
        if (alone > limit) return alone;
        const double fastest = cheapest(s, i, j);
        if (fastest >= 0) return alone + fastest;
        gather(s, i, j);
        if (!scratch_.search.prepare(budget(s, i, j))) return unbounded;
        const double low = alone + scratch_.search.bound();
        if (low > limit) return low;
        if (j - i <= 8) return alone + scratch_.search.least();  // soon done, and a better bound
        const double found = alone + scratch_.search.within(limit - alone);
        if (found <= limit) return found;
        const double above = alone + (limit - alone) * (1 + 1e-9);  // choices not looked at are beyond this
        return above > limit ? std::min(found, above) : alone + scratch_.search.least();
    }
    /// A lower bound of it.
    constexpr double relaxed(int s, int i, int j) const { return cost(s, i, j, -1); }
    constexpr bool fits(int s, int i, int j) const { return smallest(s, i, j) <= budget(s, i, j); }
    /// Bytes beyond the room of the worker; negative where some are left.
    constexpr double over(int s, int i, int j) const { return smallest(s, i, j) - budget(s, i, j); }

    constexpr bool singles_fit() const {
        for (int s = 0; s < stages; ++s) {
            if (s > 0 && in_flight_[at(s)] <= in_flight_[at(s - 1)] && room_[at(s)] >= room_[at(s - 1)]) continue;
            for (int i = 0; i < layers; ++i)
                if (!fits(s, i, i + 1)) return false;
        }
        return true;
    }
    /// The most that a layer alone costs: on the stage where it costs most, and where it costs least. All fit.
    constexpr std::pair<double, double> largest_single() const {
        std::vector<double> most(at(layers), 0.0), least(at(layers), unbounded);
        for (int s = 0; s < stages; ++s) {
            if (s > 0 && in_flight_[at(s)] == in_flight_[at(s - 1)] && room_[at(s)] == room_[at(s - 1)]) continue;
            for (int i = 0; i < layers; ++i) {
                const double one = cost(s, i, i + 1);
                most[at(i)] = std::max(most[at(i)], one);
                least[at(i)] = std::min(least[at(i)], one);
            }
        }
        return {*std::max_element(most.begin(), most.end()), *std::max_element(least.begin(), least.end())};
    }

    /// Options whose seconds, which it returns, are at most `limit`; precondition: there are any.
    constexpr double choose(int s, int i, int j, double limit, std::vector<std::uint8_t>& chosen) const {
        std::vector<int> count;
        gather(s, i, j);
        scratch_.search.prepare(budget(s, i, j));
        double found = scratch_.search.within(limit - seconds_(i, j), &count, each_);
        if (seconds_(i, j) + found > limit) found = scratch_.search.least(&count, each_);
        for (int l = i; l < j; ++l) {
            std::size_t o = 0;
            while (scratch_.groups[o / each_] != class_[at(l)] || count[o] == 0) ++o;
            --count[o];
            chosen[at(l)] = static_cast<std::uint8_t>(o % each_);
        }
        return seconds_(i, j) + found;
    }

private:
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
    constexpr const recompute_option* of_class(std::size_t c) const { return options_.data() + at(first_[c]) * each_; }
    constexpr double weight(int s, const recompute_option& o) const { return in_flight_[at(s)] * o.bytes + o.once; }
    constexpr double budget(int s, int i, int j) const { return room_[at(s)] - state_(i, j); }
    constexpr int count(std::size_t c, int i, int j) const {
        return before_[at(j) * first_.size() + c] - before_[at(i) * first_.size() + c];
    }
    constexpr bool few() const { return !before_.empty(); }

    constexpr void check(std::span<const double> seconds, const recompute_limits& under) const {
        check_counts(seconds.size(), stages);
        if (under.each < 1 || under.each > 255)
            refuse("a layer has 1 to 255 recompute options (of which one is taken) give as many");
        check_length("the list of state bytes", under.state.size(), seconds.size());
        check_length("the list of recompute options", under.options.size(), seconds.size() * each_);
        check_length("the list of micro-batches in flight", under.in_flight.size(), at(stages));
        if (!under.reserved.empty()) check_length("the list of reserved bytes", under.reserved.size(), at(stages));
        check_numbers("the micro-batches in flight of stage", under.in_flight);
        check_numbers("the reserved bytes of stage", under.reserved);
        if (!(under.capacity >= 0))
            refuse("the memory of a worker is negative or not a number (of bytes) give its bytes");
        for (std::size_t o = 0; o < under.options.size(); ++o) {
            const double numbers[] = {under.options[o].seconds, under.options[o].bytes, under.options[o].once};
            for (const double x : numbers)
                if (!(x >= 0) || x == unbounded) refuse_number("a number of recompute option", o);
        }
    }
    /// Layers with equal options are of one class; where classes are few, counts of each before every layer.
    constexpr void classify() {
        for (int l = 0; l < layers; ++l) {
            const recompute_option* own = options_.data() + at(l) * each_;
            std::size_t c = 0;
            const std::size_t known = std::min<std::size_t>(first_.size(), most_classes + 1);
            while (c < known && !std::equal(own, own + each_, of_class(c))) ++c;
            if (c == known) {
                c = first_.size();
                first_.push_back(l);
            }
            class_.push_back(c);
        }
        if (first_.size() > most_classes) return;
        before_.assign((at(layers) + 1) * first_.size(), 0);
        for (int l = 0; l < layers; ++l) {
            for (std::size_t c = 0; c < first_.size(); ++c)
                before_[(at(l) + 1) * first_.size() + c] = before_[at(l) * first_.size() + c] + (class_[at(l)] == c);
        }
    }
    template <class See>
    constexpr void each_group(int i, int j, See see) const {
        if (few()) {
            for (std::size_t c = 0; c < first_.size(); ++c)
                if (const int n = count(c, i, j); n > 0) see(c, n);
            return;
        }
        for (int l = i; l < j;) {
            int end = l + 1;
            while (end < j && class_[at(end)] == class_[at(l)]) ++end;
            see(class_[at(l)], end - l);
            l = end;
        }
    }
    constexpr double smallest(int s, int i, int j) const {
        double sum = 0;
        each_group(i, j, [&](std::size_t c, int n) {
            const recompute_option* o = of_class(c);
            double least = weight(s, *o);
            for (std::size_t k = 1; k < each_; ++k) least = std::min(least, weight(s, o[k]));
            sum += n * least;
        });
        return sum;
    }
    /// Seconds of the fastest options where all of them fit, else -1: the common case by itself.
    constexpr double cheapest(int s, int i, int j) const {
        double bytes = 0, seconds = 0;
        each_group(i, j, [&](std::size_t c, int n) {
            const recompute_option *o = of_class(c), *best = o;
            for (std::size_t k = 1; k < each_; ++k)
                if (o[k].seconds < best->seconds) best = o + k;
            bytes += n * weight(s, *best);
            seconds += n * best->seconds;
        });
        return bytes <= budget(s, i, j) ? seconds : -1;
    }
    constexpr void gather(int s, int i, int j) const {
        scratch_.search.clear();
        scratch_.groups.clear();
        std::vector<choices::option>& own = scratch_.own;
        each_group(i, j, [&](std::size_t c, int n) {
            own.clear();
            for (std::size_t k = 0; k < each_; ++k) {
                const recompute_option& o = of_class(c)[k];
                own.push_back({weight(s, o), o.seconds, static_cast<std::uint8_t>(k)});
            }
            scratch_.search.add(n, own.data(), own.size());
            scratch_.groups.push_back(c);
        });
    }

    static constexpr std::size_t most_classes = 16;
    std::size_t each_;
    range_sums seconds_, state_;
    std::vector<recompute_option> options_;
    std::vector<double> in_flight_, room_;
    std::vector<std::size_t> class_;  // per layer
    std::vector<int> first_;          // per class: a layer of it
    std::vector<int> before_;         // per layer and class, where classes are few
    choice_room& scratch_;
};

/// Bisection needs every layer alone to fit every stage, and no optimum below what it costs there: false where that
/// does not hold, with the least bottleneck found.
constexpr bool by_bisection(const recomputed_stages& of, tie among, recomputed_partition& out) {
    out.seconds = unbounded;
    if (!of.singles_fit()) return false;
    const auto [most, least] = of.largest_single();
    bisection search(of);
    out.seconds =
        search.find(std::max(lower_bound(of.seconds(), of.stages), most), upper_bound(of.seconds(), of.stages) + most);
    if (out.seconds < most || (out.seconds == most && least < most)) {
        out.seconds = most;  // with a layer in every stage
        return false;
    }
    if (out.seconds < unbounded) out.cuts = search.cut(out.seconds, among, [&](int i) { return of.seconds()(0, i); });
    return true;
}

/// The same stages, to be cut so that they lack the least memory with the smallest options.
struct smallest_stages {
    const recomputed_stages& of;
    int layers = 0;
    int stages = 0;

    constexpr double cost(int s, int i, int j) const { return of.over(s, i, j); }
    constexpr bool fits(int, int, int) const { return true; }
};
/// The same stages with a lower bound of their cost.
struct relaxed_stages : smallest_stages {
    constexpr double cost(int s, int i, int j) const { return of.relaxed(s, i, j); }
    constexpr bool fits(int s, int i, int j) const { return of.fits(s, i, j); }
};
/// The same stages, those above a limit out of the question.
struct limited_stages : smallest_stages {
    double limit = unbounded;

    constexpr double cost(int s, int i, int j) const {
        const double seconds = of.cost(s, i, j, limit);
        return seconds > limit ? unbounded : seconds;
    }
    constexpr bool fits(int s, int i, int j) const { return of.fits(s, i, j); }
};

/// Dynamic programming below `limit`, a bottleneck that some cut has, or else that of the cut that is best for a
/// lower bound of the costs.
constexpr void by_table(const recomputed_stages& of, double limit, recomputed_partition& out) {
    const auto size = [](const std::vector<int>& cuts, int s) {
        return std::pair{cuts[static_cast<std::size_t>(s)], cuts[static_cast<std::size_t>(s) + 1]};
    };
    if (limit == unbounded) {
        const relaxed_stages relaxed{{of, of.layers, of.stages}};
        table search(relaxed, true);
        out.seconds = search.find();
        if (out.seconds == unbounded) return;
        const std::vector<int> cuts = search.cut();
        limit = 0;
        for (int s = 0; s < of.stages; ++s)
            limit = std::max(limit, of.cost(s, size(cuts, s).first, size(cuts, s).second));
    }
    const limited_stages limited{{of, of.layers, of.stages}, limit};
    table search(limited, true);
    out.seconds = search.find();
    out.cuts = search.cut();
}

}  // namespace detail

/// The cut and the options of all layers together whose slowest stage is as fast as any's. Exact: bisection of the
/// bottleneck over cuts, with a multiple-choice knapsack for every stage looked at; by dynamic programming over the
/// same stages where some layer does not fit some stage alone. Fast where layers are alike; where all differ a stage's
/// frontier can grow with its layers, however it is pruned. Refuses what `bounded` refuses.
constexpr recomputed_partition partition_recomputed(std::span<const double> seconds, int stages,
                                                    const recompute_limits& under, tie among = tie::even) {
    detail::check_counts(seconds.size(), stages);
    detail::choice_room room;
    const detail::recomputed_stages of(seconds, stages, under, room);
    recomputed_partition out;
    if (!detail::by_bisection(of, among, out)) detail::by_table(of, out.seconds, out);
    if (!out.fits()) {
        const detail::smallest_stages smallest{of, of.layers, stages};
        const bounded_partition lacks = detail::find_missing(smallest);
        out.stage = lacks.stage;
        out.missing = lacks.missing;
        return out;
    }
    out.chosen.assign(seconds.size(), 0);
    for (int s = 0; s < stages; ++s) {
        const int i = out.cuts[static_cast<std::size_t>(s)], j = out.cuts[static_cast<std::size_t>(s) + 1];
        out.stage_seconds.push_back(of.choose(s, i, j, out.seconds, out.chosen));
    }
    return out;
}

}  // namespace chimera
