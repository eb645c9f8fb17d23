// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/simulate/costs.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace chimera {

/// The placement of stages on workers.
enum class placing : std::uint8_t {
    linear,  ///< stage s on worker s
    fold,    ///< two stages a worker: s on min(s, 2W - 1 - s) of W workers
    loop,    ///< `chunks` stages a worker: s on s mod W
    overlay  ///< two pipelines over the same workers, the second mirrored
};

/// The name of a placement on command lines.
[[nodiscard]] constexpr const char* name(placing which) noexcept {
    constexpr const char* names[] = {"linear", "fold", "loop", "overlay"};
    return names[static_cast<int>(which)];
}

/// The quantity to minimise. The other one breaks ties.
enum class objective : std::uint8_t {
    makespan,  ///< time from 0 to the last end
    span       ///< longest time of a worker from first start to last end
};

/// The problem that `search` solves. Costs are per stage and unit; recompute, reduce and update take no part.
struct search_problem {
    int stages = 1;         ///< stages of the model
    int micro_batches = 1;  ///< of the iteration; overlay: shared out as evenly as possible, the first pipeline more
    costs cost{};           ///< seconds of passes and transfers
    placing placement = placing::linear;  ///< workers of the stages
    int chunks = 2;                       ///< loop only: stages per worker
    bool split = true;                    ///< input and weight gradient apart; false: full backwards
    std::vector<double>
        memory{};     ///< most live activations (units of one stage): one for all, or per worker; empty: any
    double kept = 1;  ///< share of an activation that stays from the input to the weight gradient, 0 … 1
    objective minimise = objective::makespan;  ///< quantity to minimise
};

/// The progress of a running search: of the part that is under way.
struct search_progress {
    double makespan = 0;                ///< least so far in seconds, as the others are
    double longest_span = 0;            ///< least so far
    double makespan_bound = 0;          ///< no makespan is below it
    double span_bound = 0;              ///< no longest span is below it
    std::int64_t evaluations = 0;       ///< orders tried
    std::int64_t evaluations_most = 0;  ///< orders that it will try at most
    std::optional<double> memory{};     ///< a tighter limit than the problem's, whose orders are tried as well
};

/// The options of `search`. Equal problems and options give equal results, unless a search is cut short.
struct search_options {
    std::uint64_t seed = 1;        ///< of the random choices
    std::int64_t evaluations = 0;  ///< about how many orders to try under each memory limit; 0: by the problem's size
    double seconds = 0;            ///< cuts the search short, counted from the call to its return; 0: never
    std::function<bool(const search_progress&)> progress{};  ///< called now and then; false cuts the search short
};

/// The best schedule found, in seconds of the costs given, and what no schedule can go below.
struct search_result {
    schedule order;                   ///< family "search"; an order on a grid where every pass takes a tick
    std::vector<std::int32_t> peaks;  ///< per worker: most live activations
    double makespan = 0;              ///< seconds from 0 to the last end
    double longest_span = 0;          ///< seconds, of the worker with the largest span
    double makespan_bound = 0;        ///< seconds: no schedule of the problem ends earlier
    double span_bound = 0;            ///< seconds: no schedule of the problem has a shorter longest span
    std::int64_t evaluations = 0;     ///< orders tried
    bool exact = false;               ///< branch and bound came to its end: the value minimised is the least there is
    bool cut_short = false;           ///< by time or by the caller

    /// Returns how far the makespan is above its bound, as a share of the bound; 0 where nothing takes time.
    [[nodiscard]] constexpr double makespan_gap() const noexcept {
        return makespan > 0 ? makespan / makespan_bound - 1 : 0;
    }
    /// Returns how far the longest span is above its bound, as a share of the bound; 0 where nothing takes time.
    [[nodiscard]] constexpr double span_gap() const noexcept {
        return longest_span > 0 ? longest_span / span_bound - 1 : 0;
    }
};

}  // namespace chimera
