// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sanitized.hpp"

namespace chimera {

/// Returns how many of `all` random cases a test runs: a twenty-fourth under the address sanitizer, where each takes ten
/// to thirty times as long, and an eighth in the check of every change. Other builds run all of them. Tests that feed
/// garbage, which the sanitizer is there to watch, run all.
constexpr int dose(int all) {
#if defined(CHIMERA_ADDRESS_SANITIZER)
    return all / 24 + 1;
#elif defined(CHIMERA_QUICK)
    return all / 8 + 1;
#else
    return all;
#endif
}

/// Sweeps over families run one job of so many: all, but a quarter under the thread sanitizer, where each job takes far
/// longer.
#if defined(CHIMERA_THREAD_SANITIZER)
inline constexpr int every_nth = 4;
#else
inline constexpr int every_nth = 1;
#endif

}  // namespace chimera
