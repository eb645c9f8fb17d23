// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/simulate/timeline.hpp>

#include <executor/io/profile.hpp>

#include <span>

namespace chimera::executor {

/// The time that the engine took beside the passes in measured iterations of one_f_one_b or another linear family whose
/// passes do not run in pairs. `cores`: that workers shared, 0: no need to. `settle` includes the norm, `around` stays
/// 0.
profiled_engine engine_times(std::span<const timeline> measured, int cores);

}  // namespace chimera::executor
