// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <algorithm>

/// Which weights a micro-batch meets in an asynchronous family, from the families' definitions alone: 1F1B without a flush over N
/// micro-batches on D stages. Knows nothing of schedules and programs.
namespace stale {

struct rule {
    chimera::update_rule update;
    int stages;         ///< D
    int micro_batches;  ///< N, of one copy of the pipeline
    int every;          ///< micro-batches between updates

    int updates() const { return (micro_batches + every - 1) / every; }
    int group(int m) const { return m / every; }
    bool ends_group(int m) const { return (m + 1) % every == 0 || m + 1 == micro_batches; }
    int group_size(int g) const { return std::min(every, micro_batches - g * every); }

    /// Backwards that stage s has done when it starts the forward of micro-batch m: none during the D - s warm-up forwards, then
    /// one before every forward.
    int backwards_before(int s, int m) const { return std::max(0, m - (stages - s) + 1); }

    /// Updates behind the weights that stage s uses for micro-batch m. PipeDream: all that it has made by then, each after `every`
    /// backwards. PipeDream-2BW: the gradient of group g is taken at what there was one update before the newest that group g
    /// could have, W(t+1) = W(t) - rate · gradient at W(t-1); the first two groups use the start values.
    int updates_seen(int s, int m) const {
        if (update == chimera::update_rule::double_buffered) return std::max(group(m) - 1, 0);
        return backwards_before(s, m) / every;
    }
    /// Updates of stage s between the weights that micro-batch m used and the update that its gradient goes into.
    int age(int s, int m) const { return group(m) - updates_seen(s, m); }
    /// Versions that stage s keeps at once, counted over the micro-batches in flight: after every backward, the newest and those
    /// that forwards already done still need.
    int versions(int s) const {
        int most = 1;
        for (int b = 0; b < micro_batches; ++b) {
            if (!ends_group(b)) continue;
            int live = 1;  // the one that this update makes
            int before = group(b) + 1;
            for (int m = std::min(micro_batches, b + stages - s) - 1; m > b; --m)
                if (updates_seen(s, m) < before) before = updates_seen(s, m), ++live;
            if (update == chimera::update_rule::double_buffered && group(b) + 1 < updates()) live = 2;
            most = std::max(most, live);
        }
        return most;
    }
};

}  // namespace stale
