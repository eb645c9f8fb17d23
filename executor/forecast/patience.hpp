// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/simulate/timeline.hpp>
#include <executor/forecast/predict.hpp>
#include <executor/workers/replicas.hpp>

#include <cstdint>

namespace chimera::executor {

/// The longest time in which a worker of a timeline ends no step: within a pass, and where it waits for others.
double longest_gap(const timeline& of);

/// Milliseconds beyond which no rank is believed: eleven days.
inline constexpr std::int64_t most_patience = 1'000'000'000;

/// Seconds without progress after which a worker counts as hung: `least`, but at least four times the longest gap that
/// is expected of workers at work, so that long passes on a busy machine are no hangs.
double patience(double least, const timeline& expected);

/// The same before anything is measured: times one forward pass of a unit through the largest stage that each process
/// holds, and simulates an iteration in which every pass takes as long (backwards three times). All processes of a run
/// call it, and all get the same.
double first_patience(process_group& together, backend& on, const trial_run& trial, replicas& copies);

}  // namespace chimera::executor
