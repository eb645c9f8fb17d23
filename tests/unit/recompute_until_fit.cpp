// SPDX-License-Identifier: Apache-2.0
// Mixed recompute beside trying every mode of every stage.

#include "plan_cases.hpp"
#include "tests/dose.hpp"

#include <chimera/plan/recompute_until_fit.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <vector>

using namespace chimera;

namespace {

/// The modes that a stage passes, one after the other, up to all of it recomputed.
std::vector<recompute_mode> ways_of(const stage_sums& sum, bool by_layers) {
    std::vector<recompute_mode> out{recompute_mode::none};
    if (sum.selective < sum.activations) out.push_back(recompute_mode::selective);
    const double kept = out.size() > 1 ? sum.selective : sum.activations;
    if (by_layers && sum.by_layers < kept) out.push_back(recompute_mode::layers);
    out.push_back(recompute_mode::full);
    return out;
}

}  // namespace

TEST(recompute_until_fit, takes_the_first_mode_that_suffices_on_workers_of_one_stage) {
    int raised = 0, between = 0;
    for (unsigned seed = 0; seed < static_cast<unsigned>(dose(600)); ++seed) {
        cases::maker make(7000 + seed);
        model what = make.some_model();
        if (seed % 2 == 0)  // inputs nearly as large as what layers keep: a heavier mode may need more for a while
            for (layer& l : what.layers) l.output = l.activations * make.number(0, 1.1);
        cluster on = make.some_cluster();
        const int stages = make.whole(2, std::min(5, static_cast<int>(what.layers.size())));
        on.nodes = stages;
        on.workers_per_node = 1;
        on.speeds.clear();
        configuration one;
        one.schedule = {.which = make.whole(0, 1) == 0 ? family::one_f_one_b : family::zb_h1, .stages = stages};
        one.schedule.micro_batches = make.whole(1, 9);
        one.recompute = recompute_mode::full;
        const bool by_layers = make.whole(0, 2) != 0;
        order_cache orders;
        on.memory = std::numeric_limits<double>::infinity();
        configuration lightest = one;
        lightest.recompute = recompute_mode::none;
        estimator free(what, on, orders);
        const double least = free(one).memory, most = free(lightest).memory;
        on.memory = least + make.number(0, 1) * (most - least);
        estimator estimate(what, on, orders);
        one.cuts.clear();
        one.recompute = recompute_mode::mixed;
        if (!detail::raise_recompute(one, estimate, by_layers)) {
            EXPECT_LE(most, on.memory) << "seed " << seed;  // nothing was needed
            continue;
        }
        ++raised;
        ASSERT_TRUE(estimate.weigh(one).fits());
        for (int s = 0; s < stages; ++s) {
            configuration tried = one;
            recompute_mode& mode = tried.stage_recompute[static_cast<std::size_t>(s)];
            const auto worker = static_cast<int>(estimate.steps().order().holders(s).front());
            for (const recompute_mode way :
                 ways_of(estimate.steps().cost().sums[static_cast<std::size_t>(s)], by_layers)) {
                mode = way;
                if (estimate.weigh(tried).lacking(worker) <= 0) break;
            }
            EXPECT_EQ(name(mode), name(one.recompute_of(s))) << "seed " << seed << " stage " << s;
            between += mode != recompute_mode::none && mode != recompute_mode::full;
        }
    }
    EXPECT_GT(raised, dose(600) / 4);
    EXPECT_GT(between, dose(600) / 8);
}
