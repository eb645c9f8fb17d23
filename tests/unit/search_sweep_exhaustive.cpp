// SPDX-License-Identifier: Apache-2.0
// The search beside our best family, workers 2 … 33, three numbers of micro-batches, five costs, four placements.
// Prints how much shorter it is and how far above its bound. CHIMERA_EXHAUSTIVE=1 ctest -L exhaustive.
#include "search_families.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace search_test;

/// Worst and mean of a figure, and where the worst is.
struct tally {
    double worst = 0, sum = 0;
    int count = 0;
    std::string where;

    void add(double value, const std::string& row) {
        if (count++ == 0 || value > worst) worst = value, where = row;
        sum += value;
    }
    void print(const char* what) const {
        std::printf("%s: worst %.3f %% (%s), mean %.3f %% of %d\n", what, 100 * worst, where.c_str(),
                    count > 0 ? 100 * sum / count : 0, count);
    }
};

class every_placement : public testing::TestWithParam<placing> {};

TEST_P(every_placement, is_never_longer_than_a_family) {
    if (!std::getenv("CHIMERA_EXHAUSTIVE")) GTEST_SKIP() << "takes minutes: set CHIMERA_EXHAUSTIVE=1";
    std::mt19937 random(23);
    tally bound, family;
    for (int workers = 2; workers <= 33; ++workers)
        for (const int n : {workers / 2 + 1, workers + 1 + static_cast<int>(random() % 3), 2 * workers}) {
            std::vector<costs> all = four_costs();
            all.push_back(random_costs(random));
            for (const costs& cost : all) {
                search_problem of = on_workers(GetParam(), workers, n, cost);
                if (random() % 2 == 0) of.memory = {static_cast<double>(of.stages)};
                const best_family ours(of);
                const search_result found = search(of, {.evaluations = 100});
                ASSERT_LE(found.makespan, ours.makespan() * (1 + 1e-9)) << words(of) << " against " << ours.name();
                bound.add(found.makespan_gap(), words(of));
                if (std::isfinite(ours.makespan())) family.add(found.makespan / ours.makespan() - 1, words(of));
            }
        }
    bound.print((std::string(name(GetParam())) + ", above the bound").c_str());
    family.print((std::string(name(GetParam())) + ", beside our best family").c_str());
}

INSTANTIATE_TEST_SUITE_P(exhaustive, every_placement, testing::ValuesIn(all_placings),
                         [](const auto& of) { return name(of.param); });

}  // namespace
