// SPDX-License-Identifier: Apache-2.0
// The set-up, which reports with exceptions: a file of its own in a project that has none.
#include <chimera/program/lower.hpp>
#include <chimera/run.hpp>
#include <chimera/schedule/zero_bubble.hpp>

using namespace chimera;

run_row row() {
    static const run_plan plan = make_run_plan(lower(generate(zb_h1{.stages = 3, .micro_batches = 5})), 1);
    return plan;
}
