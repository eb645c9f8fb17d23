// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/outcome.hpp>

#include <string>
#include <vector>

namespace chimera::executor::play {

/// A family on the workers of the current choice, in the current choice's units.
struct ranked {
    std::string name;  ///< as on the command line: `bidirectional --split`
    family_options options;
    int stages = 0;
    double makespan = 0;      ///< ticks
    double bubble_ratio = 0;  ///< of all workers' time
    double peak = 0;          ///< activations of a stage of the settings
    double weights = 0;       ///< stages of the settings whose weights a worker keeps
    std::int64_t messages = 0;
};

/// The planner's word on a choice: who else could do the same work on the same workers, and how well. Families that
/// compute other gradients (from stale weights) are left out.
struct ranking {
    std::vector<ranked> rows;  ///< the shortest makespan first, then the smallest peak
    int over_memory = 0;       ///< families that the memory limit leaves out
    int refused = 0;           ///< families that these workers or micro-batches do not allow

    /// The shortest of those that need no whole model on a worker, as data_parallel does; null in an empty ranking.
    const ranked* fastest() const;
    /// The row with the smallest peak, of equals the shortest; null in an empty ranking.
    const ranked* leanest() const;
};

/// The current choice as a row.
ranked row_of(const outcome& from);

/// Ranks all families. `stages`: of the settings; with their ratio to the workers, peaks become comparable.
ranking rank(const contest& with, double stages);

/// The settings with the family of a row: the same model, cut as the family needs it, the same memory limit.
settings take(const settings& of, const ranked& row);

}  // namespace chimera::executor::play
