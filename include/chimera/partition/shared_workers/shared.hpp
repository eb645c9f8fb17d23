// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/memory_bounded.hpp>
#include <chimera/partition/shared_workers/beam.hpp>
#include <chimera/partition/shared_workers/mirrored.hpp>
#include <chimera/partition/shared_workers/mirrored_exact.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

// Placements where a worker holds several stages: its time is the sum of theirs, and so is its memory. Where each of
// two pipelines runs N/2 micro-batches, as in a bidirectional schedule, a worker is busy for N/2 times that sum.

namespace chimera {

/// Returns the worker of each stage if stages s and stages - 1 - s stand together: bidirectional pipelines (two workers
/// hold two stages in common, and one number stands for both) and V-shaped ones.
[[nodiscard]] constexpr std::vector<int> mirrored(int stages) {
    std::vector<int> on;
    for (int s = 0; s < stages; ++s) on.push_back((std::min)(s, stages - 1 - s));
    return on;
}

/// Returns the worker of each stage, round-robin.
[[nodiscard]] constexpr std::vector<int> looped(int stages, int workers) {
    if (workers < 1) refuse("workers must be at least 1 (they hold the stages)");
    std::vector<int> on;
    for (int s = 0; s < stages; ++s) on.push_back(s % workers);
    return on;
}

/// A partition over workers that hold several stages.
struct coupled_partition {
    std::vector<int> cuts;  ///< as everywhere; empty where none is found that fits
    double seconds = 0;     ///< of the slowest worker
    double bound = 0;       ///< proven: no cut has a slowest worker below this
    double missing = 0;     ///< if none is found: bytes that each worker lacks; with them one cut fits
    bool proven = false;    ///< that no other cut is better; where none is found, that none fits with fewer bytes more

    /// Returns true if there is a cut.
    [[nodiscard]] constexpr bool fits() const noexcept { return !cuts.empty(); }
};

namespace detail {

struct shared_seconds {
    const bounded_stages& of;
    std::span<const int> on;
    std::span<const double> reserved;
    double capacity = unbounded;
    int layers = 0;
    int stages = 0;

    constexpr double part(int, int i, int j) const { return of.seconds(i, j); }
    constexpr double bytes(int s, int i, int j) const {
        return of.bytes(s, i, j) + (reserved.empty() ? 0 : reserved[static_cast<std::size_t>(s)]);
    }
    constexpr double rest(int i, int j) const { return of.seconds(i, j); }
};

/// A worker problem with memory as the cost.
struct shared_bytes {
    const shared_seconds& by;
    std::span<const int> on;
    double capacity = unbounded;
    int layers = 0;
    int stages = 0;

    constexpr double part(int s, int i, int j) const { return by.bytes(s, i, j); }
    constexpr double bytes(int, int, int) const { return 0; }
    constexpr double rest(int i, int j) const { return by.of.state(i, j); }
};

struct found {
    std::vector<int> cuts;
    double value = unbounded;
    double bound = 0;
    bool proven = true;
};

constexpr bool complete(const auto& search) {
    if constexpr (requires { search.complete(); })
        return search.complete();
    else
        return true;
}

/// Exact bisection, as far as failing probes are complete; else until the gap is a millionth.
template <class Search>
constexpr void improve(Search& search, found& best) {
    if (best.value == unbounded) {
        if (!search.probe(unbounded, unbounded)) {
            best.proven = complete(search);
            return;
        }
        best.value = search.reached();
        best.cuts = search.cuts();
    }
    double low = best.bound;
    while (low < best.value) {
        const double middle = low + (best.value - low) / 2;
        const double bound = middle < best.value ? middle : low;
        if (search.probe(bound, unbounded)) {
            best.value = search.reached();
            best.cuts = search.cuts();
        } else if (complete(search)) {
            low = best.bound = (std::min)(search.next(), best.value);
        } else {
            if (best.value - bound <= 1e-6 * best.value) break;
            low = bound;
        }
    }
    best.proven = best.bound >= best.value;
}

/// Among the best cuts one whose stages by themselves are about as short as the workers allow.
template <class Search>
constexpr void even_out(Search& search, found& best, double even) {
    constexpr std::array<double, 5> slack{1, 1.05, 1.2, 1.5, 2};
    for (const double more : slack) {
        if (!search.probe(best.value, even * more)) continue;
        best.cuts = search.cuts();
        best.value = search.reached();  // below it only where the search had been cut short
        return;
    }
}

constexpr bool is_mirrored(std::span<const int> holders) {
    const std::size_t half = (holders.size() + 1) / 2;
    for (std::size_t s = 0; s < half; ++s) {
        if (holders[s] != holders[holders.size() - 1 - s]) return false;
        for (std::size_t t = 0; t < s; ++t)
            if (holders[t] == holders[s]) return false;
    }
    return true;
}

/// `even`: stage length that `even_out` aims at; 0: leave the cut as found.
template <SharedStages Problem>
constexpr found share(const Problem& problem, double low, double even, std::size_t most) {
    found best;
    best.bound = low;
    if (is_mirrored(problem.on)) {
        found empty = best;
        mirror_search with_empty(problem, true);
        improve(with_empty, empty);
        best.bound = empty.value;
        if (empty.value == unbounded) return best;
        mirror_search search(problem, false);
        improve(search, best);
        if (best.value <= empty.value) {
            best.proven = true;
            if (even > 0) even_out(search, best, even);
            return best;
        }
        best.bound = empty.value;  // a search that keeps one j for each i proves no bound where no stage is empty
        pair_search exact(problem);
        if (!exact.affordable()) return best;
        improve(exact, best);
        if (even > 0 && !best.cuts.empty()) even_out(exact, best, even);
        return best;
    }
    label_search search(problem, most);
    improve(search, best);
    if (even > 0 && !best.cuts.empty()) even_out(search, best, even);
    return best;
}

constexpr void check_workers(std::span<const int> holders) {
    for (std::size_t s = 0; s < holders.size(); ++s)
        if (holders[s] < 0 || holders[s] >= static_cast<int>(holders.size()))
            refuse("stage " + std::to_string(s) + " is on worker " + std::to_string(holders[s]) +
                   " (workers are numbered from 0, and no more than the stages) give its worker");
}

}  // namespace detail

/// Minimises the seconds of the slowest worker, stage s on worker `holders[s]`, where a worker's memory is the sum of
/// what its stages take (`in_flight` counts micro-batches of that stage). Exact and proven for small cases of any map,
/// and for mirrored ones (stages s and stages - 1 - s together) of some thousand layers: O(layers² · probes), more
/// where memory leaves little choice. Elsewhere a stage keeps `labels` partial cuts at most, and the proven bound is
/// given. Among the best cuts one whose stages by themselves are about as even as they can be.
[[nodiscard]] constexpr coupled_partition coupled(std::span<const double> seconds, std::span<const int> holders,
                                                  const memory_limits& under, std::size_t labels = 4096) {
    const int stages = holders.size() < std::size_t{1} << 29 ? static_cast<int>(holders.size()) : 1 << 29;
    const detail::bounded_stages of = detail::make_bounded(seconds, stages, under);
    detail::check_workers(holders);
    const detail::shared_seconds by{of, holders, under.reserved, under.capacity, of.layers, stages};
    std::vector<int> workers(holders.begin(), holders.end());
    std::sort(workers.begin(), workers.end());
    const auto count = std::unique(workers.begin(), workers.end()) - workers.begin();
    const double mean = of.seconds.all() / static_cast<double>(count) * (1 - 0x1p-30);
    const double even = bottleneck(seconds, partition(seconds, stages)) * (1 + 0x1p-30);
    detail::found best = detail::share(by, (std::max)(mean, of.seconds.largest() * (1 - 0x1p-30)), even, labels);
    coupled_partition out{best.cuts, best.value, best.bound, 0, best.proven};
    if (out.fits()) return out;
    const detail::shared_bytes bytes{by, holders, unbounded, of.layers, stages};
    const detail::found least = detail::share(bytes, 0, 0, labels);
    out.missing = least.value - under.capacity;
    out.proven = best.proven && least.proven;
    return out;
}

/// Minimises the seconds of the slowest worker without memory limits.
[[nodiscard]] constexpr coupled_partition coupled(std::span<const double> seconds, std::span<const int> holders,
                                                  std::size_t labels = 4096) {
    const std::vector<double> nothing(seconds.size(), 0.0), none(holders.size(), 0.0);
    return coupled(seconds, holders, {nothing, nothing, none, unbounded, {}}, labels);
}

}  // namespace chimera
