// SPDX-License-Identifier: Apache-2.0
// Thousands of faults; CHIMERA_EXHAUSTIVE may say how many, and a second number where they begin.
#include "meddled.hpp"

#include <sstream>

namespace {

TEST(meddled, thousands_of_faults) {
    const char* const wanted = std::getenv("CHIMERA_EXHAUSTIVE");
    if (!wanted) GTEST_SKIP() << "CHIMERA_EXHAUSTIVE is not set";
    unsigned runs = 0, first = 1000;
    std::istringstream(wanted) >> runs >> first;
    meddling::expect_held(first, runs > 1 ? runs : 3000, 12);
}

}  // namespace
