// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/unlike_workers.hpp>
#include <chimera/partition/worker_order.hpp>

#include <algorithm>
#include <span>

namespace chimera {

/// Returns the best cut over workers in the order given, stage s on worker s, or the memory that is missing. Exact, in
/// O(layers · workers), with a log(layers) if links cost. Refuses what `bounded` refuses, and workers without speed.
[[nodiscard]] constexpr device_partition heterogeneous(const layer_needs& needs, std::span<const device> workers) {
    const detail::device_stages stages = detail::make_stages(needs, workers);
    const bool free = std::all_of(workers.begin(), workers.end(), [](const device& d) { return d.link == 0; });
    detail::table search(stages, free || needs.outputs.empty());
    device_partition out;
    out.seconds = search.find();
    if (out.seconds == unbounded) {
        const bounded_partition lacks =
            detail::find_missing(detail::memory_stages{stages, stages.layers, stages.stages});
        out.stage = lacks.stage;
        out.missing = lacks.missing;
        return out;
    }
    out.cuts = search.cut();
    for (int w = 0; w < static_cast<int>(workers.size()); ++w) out.order.push_back(w);
    return out;
}

/// Returns the best cut over the workers in the best order of all, every worker with one stage: exact, over types
/// (equal workers). Time and memory grow with layers times the product over types of (workers of that type + 1);
/// refuses above 2^26. `cuts` is empty where no order fits.
[[nodiscard]] constexpr device_partition best_order(const layer_needs& needs, std::span<const device> workers) {
    const detail::device_stages stages = detail::make_stages(needs, workers);
    detail::order_search search(stages);
    device_partition out;
    out.seconds = search.find();
    if (out.seconds == unbounded) return out;
    out.cuts = search.cuts();
    out.order = search.order();
    return out;
}

}  // namespace chimera
