// SPDX-License-Identifier: Apache-2.0
// What the ranks of a run say to each other is changed, cut, repeated, delayed and made up on the way.
#include "meddled.hpp"
#include "tests/dose.hpp"

namespace {

TEST(meddled, whatever_comes_of_a_message_the_run_ends_well_or_in_one_line) {
    meddling::expect_held(1, chimera::dose(32) < 32 ? 5 : 32, 8);
}

}  // namespace
