// SPDX-License-Identifier: Apache-2.0
// Random problems: what the search returns is lawful, within its limits, exactly as long as `simulate` says, above its
// bounds, and the same for the same seed.
#include "search_support.hpp"
#include "tests/dose.hpp"

#include <chimera/program/lower.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace search_test;

class random_problem {
public:
    explicit random_problem(unsigned seed) : random_(seed) {}

    search_problem next() {
        search_problem of;
        of.placement = all_placings[whole(0, 3)];
        of.chunks = whole(1, 3);
        const int workers = whole(1, 6);
        of.stages = of.placement == placing::fold   ? 2 * workers
                    : of.placement == placing::loop ? of.chunks * workers
                                                    : workers;
        of.micro_batches = whole(1, 20);
        of.split = whole(0, 3) != 0;
        of.minimise = whole(0, 3) == 0 ? objective::span : objective::makespan;
        of.cost.forward = times(5, 15, of.stages);
        of.cost.input_gradient = times(5, 15, of.stages);
        of.cost.weight_gradient = times(0, 15, of.stages);
        of.cost.backward = times(10, 30, of.stages);
        of.cost.transfer = real(0, 2);
        const int least = detail::seek::least_memory(of);
        if (whole(0, 4) == 0) return of;
        for (int w = whole(0, 1) == 0 ? 1 : workers; w > 0; --w) of.memory.push_back(least + whole(0, 8));
        if (whole(0, 3) == 0) of.kept = real(0, 1);
        return of;
    }

private:
    int whole(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
    double real(double least, double most) { return std::uniform_real_distribution<double>(least, most)(random_); }
    per_stage times(double least, double most, int stages) {
        if (whole(0, 1) == 0) return real(least, most);
        std::vector<double> each;
        for (int s = 0; s < stages; ++s) each.push_back(real(least, most));
        return each;
    }

    std::mt19937 random_;
};

/// Live memory of a row when an input gradient lets go of a part.
double peak(const search_problem& of, std::span<const slot> row) {
    double live = 0, most = 0;
    for (const slot& s : row) {
        if (s.op == pass::forward) live += 1;
        if (s.op == pass::input_gradient) live -= 1 - of.kept;
        if (s.op == pass::weight_gradient) live -= of.kept;
        if (s.op == pass::backward) live -= 1;
        most = std::max(most, live);
    }
    return most;
}

void check(const search_problem& of, const search_result& found) {
    SCOPED_TRACE(words(of));
    const report laws = verify(found.order);
    ASSERT_TRUE(laws.ok()) << message(laws.faults.front());
    EXPECT_TRUE(verify(lower(found.order)).ok());
    const metrics_report played = metrics(simulate(found.order.view(), of.cost));
    EXPECT_EQ(found.makespan, played.makespan);
    EXPECT_EQ(found.longest_span, played.longest_span);
    EXPECT_NEAR(metrics(simulate(lower(found.order), of.cost)).makespan, found.makespan, 1e-9 * found.makespan);
    EXPECT_GE(found.makespan, found.makespan_bound);
    EXPECT_GE(found.longest_span, found.span_bound);
    EXPECT_GT(found.span_bound, 0);
    for (int w = 0; w < found.order.head.workers; ++w) {
        const auto row = found.order.view().row(w);
        const std::size_t which = of.memory.size() > 1 ? static_cast<std::size_t>(w) : 0;
        EXPECT_LE(peak(of, row), (of.memory.empty() ? 1e9 : of.memory[which]) + 1e-6) << w;
        for (const slot& s : row)
            EXPECT_TRUE(of.split ? s.op != pass::backward : s.op == pass::forward || s.op == pass::backward);
    }
}

TEST(search_random, is_lawful_and_as_long_as_simulated) {
    random_problem random(7);
    for (int i = 0; i < 150; ++i) {
        const search_problem of = random.next();
        check(of, search(of, {.seed = static_cast<std::uint64_t>(i), .evaluations = 400}));
    }
}

/// Bounds against the least there is, found by branch and bound without them.
TEST(search_random, bounds_stay_below_the_least) {
    random_problem random(11);
    int proven = 0;
    for (int i = 0; i < dose(4000); ++i) {
        search_problem of = random.next();
        of.micro_batches = 1 + of.micro_batches % 5;
        const auto in = detail::seek::lay_out(of);
        if (in.passes() > 60) continue;
        detail::seek::exact_search exact(in, 1e6, 20'000, false);
        exact.run();
        if (!exact.found()) continue;
        const auto limits = detail::seek::find_bounds(in);
        EXPECT_LE(of.minimise == objective::span ? limits.span : limits.makespan, exact.length() * (1 + 1e-9))
            << words(of);
        ++proven;
    }
    EXPECT_GT(proven, dose(1000));
}

TEST(search_random, repeats_itself) {
    random_problem random(8);
    for (int i = 0; i < dose(10); ++i) {
        const search_problem of = random.next();
        const search_options how{.seed = 5, .evaluations = 3000};
        const search_result a = search(of, how), b = search(of, how);
        EXPECT_EQ(a.order.entries, b.order.entries) << words(of);
        EXPECT_EQ(a.evaluations, b.evaluations) << words(of);
    }
}

/// Rows of the zero-bubble kind that no table has: linear pipelines at twice 1F1B's memory.
TEST(search_random, linear_rows_are_within_half_a_percent) {
    std::mt19937 random(9);
    const auto share = [&](double least, double most) {
        return std::uniform_real_distribution<double>(least, most)(random);
    };
    for (int i = 0; i < 24; ++i) {
        const int stages = i % 3 == 0 ? 16 : i % 3 == 1 ? 8 : 4;
        const double f = 10;
        const search_problem of{.stages = stages,
                                .micro_batches = stages * 2 + static_cast<int>(share(0, 2.0 * stages)),
                                .cost = cost_of(f, f * share(0.8, 1.3), f * share(0.1, 2), f * share(0.01, 0.1)),
                                .memory = {stages * (i % 2 == 0 ? 2.0 : 1.5)}};
        const search_result found = search(of);
        EXPECT_LT(found.makespan_gap(), 5e-3) << words(of);
        EXPECT_LT(found.span_gap(), 5e-3) << words(of);
    }
}

TEST(search_random, stops_when_told_to) {
    search_problem of{
        .stages = 16, .micro_batches = 64, .cost = cost_of(10, 12, 5, 0.7), .placement = placing::overlay};
    of.memory = {16};
    int calls = 0;
    const search_result found = search(of, {.progress = [&](const search_progress&) { return ++calls < 3; }});
    EXPECT_TRUE(found.cut_short);
    EXPECT_TRUE(verify(found.order).ok());
    const search_result timed = search(of, {.seconds = 0.05});
    EXPECT_TRUE(timed.cut_short);
    EXPECT_TRUE(verify(timed.order).ok());
}

/// What the refusal says, or nothing.
std::string refused(const search_problem& of) {
    try {
        (void)search(of, {.evaluations = 10});
        return "";
    } catch (const chimera_error& why) {
        return why.what();
    }
}

TEST(search_random, refuses_what_makes_no_sense) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    EXPECT_NE(refused({.stages = 0, .micro_batches = 2}), "");
    EXPECT_NE(refused({.stages = 2, .micro_batches = 0}), "");
    EXPECT_NE(refused({.stages = 3, .micro_batches = 2, .placement = placing::fold}), "");
    EXPECT_NE(refused({.stages = 4, .micro_batches = 2, .placement = placing::loop, .chunks = 3}), "");
    EXPECT_NE(refused({.stages = 1000, .micro_batches = 1 << 20}), "");
    EXPECT_NE(refused({.stages = 2, .micro_batches = 2, .cost = cost_of(0, 0, 0, 1)}).find("all costs are 0"),
              std::string::npos);
    EXPECT_NE(refused({.stages = 2, .micro_batches = 2, .cost = cost_of(nan, 1, 1, 0)}), "");
    EXPECT_NE(refused({.stages = 2, .micro_batches = 2, .cost = cost_of(1, -1, 1, 0)}), "");
    EXPECT_NE(refused({.stages = 2, .micro_batches = 2, .memory = {0}}).find("room for 1"), std::string::npos);
    EXPECT_NE(refused({.stages = 2, .micro_batches = 2, .memory = {-3}}), "");
    EXPECT_NE(refused({.stages = 2, .micro_batches = 2, .memory = {nan}}), "");
    EXPECT_NE(refused({.stages = 4, .micro_batches = 2, .placement = placing::fold, .memory = {1}}).find("room for 2"),
              std::string::npos);
    EXPECT_NE(refused({.stages = 4, .micro_batches = 2, .memory = {2, 2}}), "");
    EXPECT_EQ(refused({.stages = 2, .micro_batches = 2, .cost = cost_of(0, 1, 0, 0), .memory = {1}}), "");
    EXPECT_EQ(refused({.stages = 1, .micro_batches = 1}), "");
}

}  // namespace
