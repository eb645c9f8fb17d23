// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/workers/backend.hpp>
#include <executor/workers/replicas.hpp>

#include <cstddef>
#include <span>

namespace chimera::executor {

/// Mean loss in nats per token of windows `starts` of the corpus, by a plain forward pass of `model`, whose shape of a
/// unit is `unit`; each window counts once, however many make a unit. Units go one after the other through pipelines
/// that share no worker, which work side by side, on at most `cores` cores of this process (0: no need to share); the
/// bits do not depend on that. All processes of a run call it between iterations, and all get the loss; the next
/// iteration needs its batch set anew. Throws run_failed where a worker makes no progress for so many seconds (0: for
/// ever), however it comes about.
double validate(backend& on, const program_view& of, replicas& model, const unit_shape& unit, const corpus& data,
                std::span<const std::size_t> starts, int cores, double watchdog_seconds);

}  // namespace chimera::executor
