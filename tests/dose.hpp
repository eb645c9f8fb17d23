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

}  // namespace chimera
