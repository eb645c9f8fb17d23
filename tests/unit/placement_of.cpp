// SPDX-License-Identifier: Apache-2.0
#include <chimera/plan/family_variants.hpp>
#include <chimera/schedule/family_placement.hpp>

#include <gtest/gtest.h>

#include <algorithm>

using namespace chimera;

namespace {

/// Calls f with every order of every family on 1 to 9 workers that can be built.
template <class F>
void for_all(const F& f) {
    for (std::size_t i = 0; i < family_labels.size(); ++i)
        for (int workers = 1; workers <= 9; ++workers)
            for (const int n : {1, 2, 7, 2 * workers, 18})
                for (const family_spec& spec : variants(static_cast<family>(i), workers, n, 64))
                    if (spec.refused() == refusal::none) f(spec);
}

}  // namespace

TEST(placement_of, says_where_the_table_puts_every_stage) {
    int seen = 0;
    for_all([&](const family_spec& spec) {
        const schedule made = generate(spec);
        ASSERT_EQ(made.head.pipelines, pipelines_of(spec)) << label_of(spec);
        for (int p = 0; p < made.head.pipelines; ++p)
            for (int s = 0; s < spec.stages; ++s)
                ASSERT_EQ(worker_of(spec, p, s), made.view().worker_of(p, s))
                    << label_of(spec) << " stages " << spec.stages << " pipeline " << p << " stage " << s;
        ++seen;
    });
    EXPECT_GT(seen, 400);
}

TEST(placement_of, knows_which_families_split_their_backwards) {
    for_all([](const family_spec& spec) {
        const schedule made = generate(spec);
        const bool halves = std::any_of(made.slots.begin(), made.slots.end(),
                                        [](const slot& s) { return s.op == pass::weight_gradient; });
        EXPECT_TRUE(!halves || splits_backward(spec)) << label_of(spec);
    });
}
