// SPDX-License-Identifier: Apache-2.0
// Compares the points of rows with a walk over every slot, and the first units of an order with the whole order.

#include "plan_cases.hpp"
#include "tests/dose.hpp"

#include <chimera/plan/first_units.hpp>
#include <chimera/plan/make_plan.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

using namespace chimera;

namespace {

/// Whole numbers of bytes, so that sums are exact in any order.
std::vector<stage_memory> some_stages(int count, std::mt19937& draw, bool unfolding) {
    std::vector<stage_memory> out(static_cast<std::size_t>(count));
    for (stage_memory& s : out) {
        s.kept = static_cast<double>(draw() % 1000);
        if (unfolding && draw() % 3 != 0) s.unfolded = static_cast<double>(1 + draw() % 1000);
    }
    return out;
}

/// Calls f with orders of every family on 1 to 7 workers.
template <class F>
void each_order(std::mt19937& draw, const F& f) {
    for (int round = 0; round < dose(8); ++round)
        for (int workers = 1; workers <= 7; ++workers)
            for (std::size_t which = 0; which < family_labels.size(); ++which)
                for (const family_spec& spec :
                     variants(static_cast<family>(which), workers, 1 + static_cast<int>(draw() % 31), 28))
                    if (spec.refused() == refusal::none) f(spec);
}

/// Seconds that a worker recomputes in a configuration's iteration, at the least.
double recomputed_by(int w, const configuration& of, const layer_sums& layers, double speed) {
    const int pipelines = pipelines_of(of.schedule), each = of.schedule.micro_batches / pipelines;
    double out = 0;
    for (int p = 0; p < pipelines; ++p)
        for (int s = 0; s < of.schedule.stages; ++s) {
            if (worker_of(of.schedule, p, s) != w) continue;
            const auto i = static_cast<std::size_t>(s);
            out += each / speed * detail::recomputed_seconds(layers.of(of.cuts[i], of.cuts[i + 1]), of.recompute_of(s));
        }
    return out;
}

}  // namespace

TEST(activation_points, peak_as_a_walk_over_the_row_does) {
    std::mt19937 draw(11);
    int summed = 0, unfolded = 0;
    each_order(draw, [&](const family_spec& spec) {
        prepared_family of(spec);
        const bool unfolding = draw() % 2 != 0;
        const std::vector<stage_memory> stages = some_stages(spec.stages, draw, unfolding);
        for (int w = 0; w < of.plain().head().workers; ++w) {
            const auto row = of.plain().view().row(w);
            const activation_points points(row, of.plain().stages_of(w));
            if (!points.complete()) continue;
            ++summed;
            ASSERT_EQ(points.peak(stages), activation_peak(row, stages)) << label_of(spec) << " worker " << w;
            if (!unfolding) continue;
            ++unfolded;
            ASSERT_EQ(points.peak(stages), activation_peak(of.recomputed().view().row(w), stages)) << label_of(spec);
        }
    });
    EXPECT_GT(summed, dose(8) * 500);
    EXPECT_GT(unfolded, dose(8) * 200);
}

TEST(activation_points, hold_both_units_of_a_pair_that_begins_with_the_backward) {
    std::vector<slot> row{
        {.op = pass::forward}, {.op = pass::backward, .overlap = 1}, {.first = 1, .op = pass::forward}};
    const std::vector<std::int32_t> held{0};
    std::vector<stage_memory> stages(1);
    stages[0].kept = 3;
    EXPECT_EQ(activation_points(row, held).peak(stages), 6);
    row[1].overlap = 0;
    EXPECT_EQ(activation_points(row, held).peak(stages), 3);
}

TEST(first_units, need_no_more_than_the_whole_order) {
    std::mt19937 draw(12);
    int seen = 0, equal = 0;
    for (int k = 0; k < dose(600); ++k) {
        family_spec spec{.which = family::bidirectional, .stages = 2 * (1 + static_cast<int>(draw() % 8))};
        spec.micro_batches = 1 + static_cast<int>(draw() % 97);
        spec.pipelines = 2 * (1 + static_cast<int>(draw() % 4));
        spec.scale = static_cast<scale>(draw() % 3);
        spec.split = draw() % 2 != 0;
        const auto unit = detail::first_units(spec);
        if (spec.refused() != refusal::none || !unit) continue;
        const bool unfolding = draw() % 2 != 0;
        const std::vector<stage_memory> stages = some_stages(spec.stages, draw, unfolding);
        const schedule whole = generate(spec), first = generate(*unit);
        ASSERT_EQ(whole.head.micro_batch_parts, first.head.micro_batch_parts);
        ASSERT_EQ(whole.placement, first.placement);
        for (int w = 0; w < whole.head.workers; ++w) {
            const double all = activation_peak(whole.view().row(w), stages);
            const double begun = activation_peak(first.view().row(w), stages);
            ASSERT_LE(begun, all) << label_of(spec) << " D " << spec.stages << " N " << spec.micro_batches;
            ++seen;
            equal += begun == all;
        }
    }
    EXPECT_GT(seen, dose(600));
    EXPECT_GT(equal, seen / 8);
}

/// Gives each worker the memory that a configuration needs, and no more. Returns the configuration with nothing
/// recomputed.
configuration left_just_enough(cluster& on, const model& what, configuration& one, order_cache& orders) {
    on.memory = std::numeric_limits<double>::infinity();
    on.memory = estimator(what, on, orders)(one).memory;
    configuration none = one;
    none.recompute = recompute_mode::none;
    return none;
}

TEST(first_units, recompute_no_more_than_what_fits) {
    int held = 0;
    double tightest = 0;
    for (unsigned seed = 0; seed < static_cast<unsigned>(dose(500)); ++seed) {
        cases::maker make(8000 + seed);
        const model what = make.some_model();
        cluster on = make.some_cluster();
        on.speeds.clear();
        configuration one;
        one.schedule = {.which = family::bidirectional, .stages = 2 * make.whole(1, 4)};
        if (one.schedule.stages > static_cast<int>(what.layers.size())) continue;
        on.nodes = one.schedule.stages, on.workers_per_node = 1;
        one.schedule.scale = static_cast<scale>(make.whole(0, 2));
        one.schedule.split = make.whole(0, 1) != 0;
        one.schedule.micro_batches = make.whole(1, 43);
        if (!detail::first_units(one.schedule)) continue;
        // Random modes, or the same everywhere; and just the memory that they need.
        const bool alike = make.whole(0, 1) != 0;
        one.recompute = alike ? make.some_mode() : recompute_mode::mixed;
        for (int s = 0; s < one.schedule.stages; ++s) one.stage_recompute.push_back(make.some_mode());
        order_cache orders;
        const configuration none = left_just_enough(on, what, one, orders);
        estimator estimate(what, on, orders);
        const evaluator* begun = estimate.weigh_first_units(none);
        if (begun->fits()) continue;
        const layer_sums& layers = estimate.layers(one);
        const std::vector<double> least = detail::least_recomputed(*begun, layers, one, estimate.place(one), true);
        for (int w = 0; w < one.schedule.workers(); ++w) {
            const double taken = recomputed_by(w, one, layers, 1);
            ASSERT_LE(least[static_cast<std::size_t>(w)], taken * (1 + 1e-9)) << "seed " << seed << " worker " << w;
            if (taken > 0) tightest = std::max(tightest, least[static_cast<std::size_t>(w)] / taken);
            ++held;
        }
        const double bound = lower_bound(layers, one, one.cuts, estimate.place(one), on, what.bytes, false, least);
        ASSERT_LE(bound, estimate(one).seconds) << "seed " << seed;
    }
    EXPECT_GT(held, dose(500) / 4);
    EXPECT_GT(tightest, dose(500) < 500 ? 0.7 : 0.85);  // work space of a mode is no part of the bound
}

/// The same of whole orders of every family, whose memory with nothing recomputed is known.
TEST(first_units, whole_orders_recompute_no_more_than_what_fits_either) {
    int held = 0, priced = 0;
    for (unsigned seed = 0; seed < static_cast<unsigned>(dose(240)); ++seed) {
        cases::maker make(8400 + seed);
        const model what = make.some_model();
        cluster on = make.some_cluster();
        on.speeds.clear();
        std::vector<configuration> all;
        for_each_candidate(make.some_request(), on, static_cast<int>(what.layers.size()), [&](configuration& one) {
            if (one.schedule.refused() == refusal::none && one.schedule.workers() > 1 && !one.continuous)
                all.push_back(one);
        });
        for (int k = 0; k < 12 && !all.empty(); ++k) {
            configuration one = all[static_cast<std::size_t>(make.whole(0, static_cast<int>(all.size()) - 1))];
            one.recompute = recompute_mode::mixed;
            for (int s = 0; s < one.schedule.stages; ++s) one.stage_recompute.push_back(make.some_mode());
            order_cache orders;
            const configuration none = left_just_enough(on, what, one, orders);
            estimator estimate(what, on, orders);
            const evaluator& weighed = estimate.weigh_anew(none);
            if (weighed.fits()) continue;
            const layer_sums& layers = estimate.layers(one);
            const positions at = estimate.place(one);
            const std::vector<double> least = detail::least_recomputed(weighed, layers, one, at, true);
            const double bound = lower_bound(layers, one, one.cuts, at, on, what.bytes, false, least);
            ASSERT_LE(bound, estimate(one).seconds) << label_of(one.schedule) << " seed " << seed;
            ++held;
            priced += std::any_of(least.begin(), least.end(), [](double s) { return s > 0; });
        }
    }
    EXPECT_GT(held, dose(240));
    EXPECT_GT(priced, held / 2);
}

/// Of three stages, all choices of modes that save enough: the cheapest costs no less, and as much where whole steps do.
TEST(first_units, price_no_more_than_the_cheapest_modes_that_save_enough) {
    int equal = 0, more = 0;
    for (unsigned seed = 0; seed < static_cast<unsigned>(dose(2000)); ++seed) {
        cases::maker make(8800 + seed);
        std::vector<detail::saving> steps, modes[3];
        for (std::vector<detail::saving>& of : modes) {
            stage_sums sum;
            sum.activations = make.number(1, 100);
            sum.selective = sum.activations * make.number(0.2, 1);
            sum.by_layers = sum.activations * make.number(0, 0.6);
            sum.forward = make.number(1, 2);
            sum.selective_time = make.number(0, 0.5);
            sum.layers_time = make.number(0.6, 1);
            const double units = make.whole(1, 9), runs = make.whole(1, 40);
            const bool by_layers = make.whole(0, 2) != 0;
            detail::add_savings(steps, sum, units, runs, by_layers);
            of = {{0, 0},
                  {units * (sum.activations - sum.selective), runs * sum.selective_time},
                  {units * sum.activations, runs * sum.forward}};
            if (by_layers) of.push_back({units * (sum.activations - sum.by_layers), runs * sum.layers_time});
        }
        std::sort(steps.begin(), steps.end(),
                  [](const auto& a, const auto& b) { return a.seconds / a.bytes < b.seconds / b.bytes; });
        double bytes = 0;
        const bool whole = seed % 2 == 0;  // as many bytes as the first steps save
        for (int k = make.whole(1, static_cast<int>(steps.size())); k > 0; --k)
            bytes += steps[static_cast<std::size_t>(k) - 1].bytes;
        if (!whole) bytes *= make.number(0.1, 1);
        double cheapest = std::numeric_limits<double>::infinity();
        for (const auto& a : modes[0])
            for (const auto& b : modes[1])
                for (const auto& c : modes[2])
                    if (a.bytes + b.bytes + c.bytes >= bytes * (1 - 1e-12))
                        cheapest = std::min(cheapest, a.seconds + b.seconds + c.seconds);
        const double found = detail::least_price(steps, bytes * (1 - 1e-12));
        ASSERT_LE(found, cheapest * (1 + 1e-9)) << "seed " << seed;
        (found >= cheapest * (1 - 1e-6) ? equal : more) += 1;
        if (whole) {
            ASSERT_GE(found, cheapest * (1 - 1e-6)) << "seed " << seed;
        }
    }
    EXPECT_GT(equal, dose(2000) / 2 - 1);
    EXPECT_GT(more, dose(2000) / 8);
    std::vector<detail::saving> none;
    EXPECT_EQ(detail::least_price(none, 0), 0);
    EXPECT_EQ(detail::least_price(none, 1), std::numeric_limits<double>::infinity());
}
