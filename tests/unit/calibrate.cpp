// SPDX-License-Identifier: Apache-2.0
// Calibration: made-up machines are found again from their own iterations; intervals and held-out errors are honest.
#include <chimera/calibrate/fit_hardware.hpp>
#include <chimera/calibrate/known_hardware.hpp>
#include <chimera/model/bert.hpp>

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace chimera {
namespace {

measurement row_of(family which, int stages, int micro_batches, int micro_batch, int width, int tensor = 1) {
    measurement row;
    row.with.schedule = {.which = which, .stages = stages, .micro_batches = micro_batches};
    row.with.width = width;
    row.with.tensor = tensor;
    row.with.micro_batch = micro_batch;
    row.nodes = tensor > 1 ? 1 : stages * width;
    row.workers_per_node = tensor > 1 ? stages * width * tensor : 1;
    row.seconds = 1;
    return row;
}

std::vector<measurement> many_rows() {
    std::vector<measurement> out;
    for (const family which : {family::gpipe, family::one_f_one_b, family::bidirectional})
        for (const int stages : {2, 4, 8})
            for (const int micro_batch : {1, 2, 8})
                for (const int width : {1, 4}) out.push_back(row_of(which, stages, 8, micro_batch, width));
    return out;
}

const model& bert_of_48() {
    static const model made = bert(bert_48);
    return made;
}

/// Rows that take what the hardware given makes of them, off by a factor drawn from 1 ± noise.
predictor measured(const hardware& truth, double noise, std::uint32_t seed, std::vector<measurement> rows) {
    predictor exact({bert_of_48()}, rows);
    std::mt19937 engine(seed);
    std::normal_distribution<double> off(0, noise);
    for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i].seconds = exact.seconds(i, truth) * (noise > 0 ? 1 + off(engine) : 1);
    return {{bert_of_48()}, rows};
}

std::vector<const hardware_number*> numbers(std::initializer_list<const char*> names) {
    std::vector<const hardware_number*> out;
    for (const char* name : names) out.push_back(find_hardware_number(name));
    return out;
}

hardware truth() {
    hardware out = p100_nodes;
    out.flops = 7.7e12;
    out.launch = 3e-3;
    out.between.bandwidth = 2.5e9;
    out.step_overhead = 0.03;
    return out;
}

TEST(Calibrate, FindsTheMachineThatMadeTheRows) {
    predictor rows = measured(truth(), 0, 1, many_rows());
    const calibration found =
        calibrate(rows, p100_nodes, numbers({"flops", "launch", "between.bandwidth", "collective", "step_overhead"}),
                  {.folds = 3});
    EXPECT_NEAR(found.fitted.flops / truth().flops, 1, 1e-4);
    EXPECT_NEAR(found.fitted.launch / truth().launch, 1, 1e-3);
    EXPECT_NEAR(found.fitted.between.bandwidth / truth().between.bandwidth, 1, 1e-3);
    EXPECT_NEAR(found.fitted.collective / truth().collective, 1, 1e-3);
    EXPECT_NEAR(found.fitted.step_overhead / truth().step_overhead, 1, 1e-3);
    EXPECT_LT(found.fit.most, 1e-5);
    EXPECT_LT(found.unseen.most, 1e-4);
}

TEST(Calibrate, RobustFitIgnoresAWildRow) {
    std::vector<measurement> rows = many_rows();
    predictor exact({bert_of_48()}, rows);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].seconds = exact.seconds(i, truth()) * (i == 5 ? 3 : 1);
    predictor wild({bert_of_48()}, rows);
    const auto error = [&](double tolerable) {
        const auto found = calibrate(wild, truth(), numbers({"flops"}), {.folds = 2, .tolerable = tolerable});
        return std::abs(found.fitted.flops / truth().flops - 1);
    };
    EXPECT_LT(error(0.01), 0.002);
    EXPECT_LT(error(0.01) * 3, error(0));
}

/// Of 40 noisy measurements of one machine, an interval of 95 % misses the truth 2 times on average.
TEST(Calibrate, IntervalsHoldTheTruth) {
    int misses = 0;
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        predictor rows = measured(truth(), 0.03, seed, many_rows());
        const calibration found = calibrate(rows, truth(), numbers({"flops", "step_overhead"}), {.folds = 2});
        const estimate& flops = found.estimates[0];
        misses += truth().flops < flops.low || truth().flops > flops.high ? 1 : 0;
    }
    EXPECT_LE(misses, 7);  // more in 1 of 1,000 cases
    EXPECT_GE(misses, 0);
}

TEST(Calibrate, HeldOutErrorsAreOfRowsNotSeen) {
    predictor rows = measured(truth(), 0.05, 3, many_rows());
    const auto fitted = numbers({"flops", "launch", "collective", "step_overhead"});
    const calibration found = calibrate(rows, truth(), fitted, {});
    EXPECT_EQ(found.folds, static_cast<int>(rows.size()));
    EXPECT_GT(found.unseen.mean, found.fit.mean);
    // One of them by hand: without row 7, what is predicted for it?
    std::vector<measurement> others = rows.rows();
    others.erase(others.begin() + 7);
    predictor without({bert_of_48()}, others);
    const hardware other = calibrate(without, truth(), fitted, {.folds = 2}).fitted;
    EXPECT_NEAR(found.held_out[7], rows.error(7, other), 5e-4);  // the weight of what is known differs a little
    EXPECT_GT(std::abs(found.held_out[7] - found.errors[7]), 1e-3);
}

TEST(Calibrate, RowsOfOneConfigurationLeaveTogether) {
    std::vector<measurement> rows = many_rows();
    rows.push_back(rows[4]);
    rows.push_back(rows[9]);
    const std::vector<std::size_t> run = detail::runs_of(rows);
    EXPECT_EQ(run[rows.size() - 2], run[4]);
    EXPECT_EQ(run[rows.size() - 1], run[9]);
    EXPECT_EQ(std::set(run.begin(), run.end()).size(), rows.size() - 2);
    const std::vector<int> fold = detail::draw_folds(101, 5, 1);
    for (int k = 0; k < 5; ++k) EXPECT_EQ(std::count(fold.begin(), fold.end(), k), k == 0 ? 21 : 20);
}

/// No row has slices: the cost of their launches stays as known, and says so; what rows tell is told.
TEST(Calibrate, NumbersThatRowsDoNotTellStay) {
    predictor rows = measured(truth(), 0.02, 5, many_rows());
    hardware from = p100_nodes;
    from.launch_slices = 0.037;
    const calibration found = calibrate(rows, from, numbers({"flops", "launch_slices"}), {.folds = 2});
    EXPECT_TRUE(found.estimates[0].told());
    EXPECT_FALSE(found.estimates[1].told());
    EXPECT_NEAR(found.fitted.launch_slices, 0.037, 1e-6);
    EXPECT_LT(found.estimates[1].low, 0.037);
    EXPECT_LT(found.estimates[1].high, 0.037 * 3);
    EXPECT_GT(found.estimates[1].assumed, 0.99);
}

/// Errors beyond the fit are those of a fit that has not seen the size, by hand.
TEST(Calibrate, SizesLeaveInTurn) {
    std::vector<measurement> rows;
    for (const int tensor : {1, 2})
        for (const int micro_batch : {1, 3, 8}) rows.push_back(row_of(family::gpipe, 2, 4, micro_batch, 1, tensor));
    predictor all = measured(truth(), 0.05, 7, rows);
    const calibration found = calibrate(all, truth(), numbers({"flops"}), {.folds = 2});
    ASSERT_EQ(found.beyond.size(), 2u);  // of one hidden size, two widths, two numbers of workers
    EXPECT_EQ(found.beyond[0].size, "tensor width");
    EXPECT_EQ(found.beyond[0].values, 2u);
    double mean = 0;
    for (const int left : {1, 2}) {
        std::vector<measurement> kept;
        for (const measurement& m : all.rows())
            if (m.with.tensor != left) kept.push_back(m);
        predictor some({bert_of_48()}, kept);
        const hardware without = calibrate(some, truth(), numbers({"flops"}), {.folds = 2}).fitted;
        for (std::size_t i = 0; i < all.size(); ++i)
            if (all.rows()[i].with.tensor == left) mean += std::abs(all.error(i, without)) / 6;
    }
    EXPECT_NEAR(found.beyond[0].unseen.mean, mean, 0.01);
    EXPECT_GT(mean, 0.02);
}

TEST(Calibrate, NoProductIsFasterThanTheDataSheet) {
    hardware fast = truth();
    fast.flops = 2 * p100_nodes.peak;
    predictor rows = measured(fast, 0, 1, many_rows());
    EXPECT_LE(calibrate(rows, p100_nodes, numbers({"flops"}), {.folds = 2}).fitted.flops, p100_nodes.peak * (1 + 1e-9));
}

TEST(Calibrate, RefusesTooFewRows) {
    std::vector<measurement> rows = many_rows();
    rows.resize(2);
    predictor two({bert_of_48()}, rows);
    EXPECT_THROW((void)calibrate(two, truth(), numbers({"flops", "launch"})), chimera_error);
    EXPECT_THROW((void)calibrate(two, truth(), {}), chimera_error);
    EXPECT_NO_THROW((void)calibrate(two, truth(), numbers({"flops"})));
}

TEST(Calibrate, SummaryCountsWhatItSays) {
    std::vector<double> errors;
    for (int i = 1; i <= 100; ++i) errors.push_back(i % 2 == 0 ? i : -i);
    const error_summary e = sum_up(errors);
    EXPECT_DOUBLE_EQ(e.mean, 50.5);
    EXPECT_DOUBLE_EQ(e.p95, 95);
    EXPECT_DOUBLE_EQ(e.most, 100);
    EXPECT_DOUBLE_EQ(sum_up(std::vector<double>{-0.5}).p95, 0.5);
}

/// Tables of Student's distribution, two-sided 95 %.
TEST(Calibrate, StudentsQuantile) {
    EXPECT_NEAR(detail::student(4), 2.776, 0.01);
    EXPECT_NEAR(detail::student(10), 2.228, 0.001);
    EXPECT_NEAR(detail::student(30), 2.042, 0.001);
    EXPECT_NEAR(detail::student(1e9), 1.960, 0.001);
}

TEST(EvenCuts, EndsGoWithTheirNeighbours) {
    const model of = bert({.layers = 10});
    EXPECT_EQ(even_cuts(of, 1), (std::vector<int>{0, 12}));
    EXPECT_EQ(even_cuts(of, 2), (std::vector<int>{0, 6, 12}));
    EXPECT_EQ(even_cuts(of, 4), (std::vector<int>{0, 4, 7, 9, 12}));  // 3 + 3 + 2 + 2 blocks
    EXPECT_THROW((void)even_cuts(of, 11), chimera_error);
}

}  // namespace
}  // namespace chimera
