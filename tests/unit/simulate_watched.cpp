// SPDX-License-Identifier: Apache-2.0
// A simulation that is given up once it is sure to end too late, against the whole one.
#include "tests/dose.hpp"

#include <chimera/plan/family_variants.hpp>
#include <chimera/plan/prepared_order.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace chimera;

costs some_costs(int stages, std::mt19937& draw) {
    const auto list = [&](int least) {
        std::vector<double> out;
        for (int s = 0; s < stages; ++s) out.push_back(least + static_cast<double>(draw() % 97) / 7);
        return per_stage(out);
    };
    costs out;
    out.forward = list(1), out.input_gradient = list(1), out.weight_gradient = list(1), out.recompute = list(1);
    std::vector<double> both;
    for (int s = 0; s < stages; ++s) both.push_back(out.input_gradient[s] + out.weight_gradient[s]);
    out.backward = per_stage(both);
    out.transfer = list(0);
    return out;
}

double end_of(const timeline& played) {
    double end = 0;
    for (const step& s : played.steps) end = std::max(end, s.end);
    return end;
}

TEST(simulate_watched, gives_up_only_what_ends_after_the_limit_and_else_plays_the_same) {
    std::mt19937 draw(77);
    int given_up = 0, whole = 0, early = 0;
    for (int k = 0; k < dose(1500); ++k) {
        family_spec spec;
        spec.which = static_cast<family>(draw() % family_labels.size());
        spec.stages = 1 + static_cast<int>(draw() % 12);
        spec.micro_batches = 1 + static_cast<int>(draw() % 150);
        spec.chunks = 2 + static_cast<int>(draw() % 2);
        spec.pipelines = 2 * (1 + static_cast<int>(draw() % 3));
        if (spec.which == family::bidirectional) {
            spec.scale = static_cast<scale>(draw() % 3);
            spec.split = draw() % 2 != 0;
        }
        if (spec.refused() != refusal::none) continue;
        prepared_family made(spec);
        prepared_order& order = draw() % 3 == 0 ? made.recomputed() : made.plain();
        const costs each = some_costs(spec.stages, draw);
        const timeline right = simulate(order.view(), each);
        const double end = end_of(right), limit = end * (0.3 + static_cast<double>(draw() % 100) / 100);
        const auto work = order.work(each);
        for (int w = 0; w < order.head().workers; ++w) {
            double busy = 0;
            for (const slot& s : order.view().row(w)) busy += detail::rates(each, order.head()).of(s);
            ASSERT_NEAR(work[static_cast<std::size_t>(w)], busy, 1e-9 * busy) << label_of(spec);
        }
        timeline played;
        if (detail::simulate_watched(played, order.view(), each, detail::deadline(work, limit))) {
            ++whole;
            ASSERT_EQ(played.steps.size(), right.steps.size());
            for (std::size_t i = 0; i < right.steps.size(); ++i) {
                ASSERT_EQ(played.steps[i].begin, right.steps[i].begin) << label_of(spec) << " step " << i;
                ASSERT_EQ(played.steps[i].end, right.steps[i].end) << label_of(spec) << " step " << i;
            }
            continue;
        }
        ++given_up;
        ASSERT_GE(end, limit * (1 - 1e-9)) << label_of(spec) << " D " << spec.stages << " N " << spec.micro_batches;
        early += limit < 0.9 * end;
    }
    EXPECT_GT(given_up, dose(1500) / 20);
    EXPECT_GT(whole, dose(1500) / 20);
    EXPECT_GT(early, given_up / 2);
}

}  // namespace
