// SPDX-License-Identifier: Apache-2.0
#include <chimera/plan/closed_form.hpp>
#include <chimera/plan/estimator.hpp>
#include <chimera/plan/topology.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

using namespace chimera;

namespace {

/// Node of a place, counted out: slices next to each other, then copies or stages.
std::vector<int> nodes_of(const cluster& on, const configuration& c, const std::vector<std::int32_t>& workers) {
    std::vector<int> out;
    int place = 0;
    const int pipeline = c.schedule.workers();
    for (int i = 0; i < c.width * pipeline; ++i) {
        const int copy = c.order == layout::stages_together ? i / pipeline : i % c.width;
        const int worker = c.order == layout::stages_together ? i % pipeline : i / c.width;
        if (std::find(workers.begin(), workers.end(), worker) != workers.end())
            out.push_back(place / on.workers_per_node);
        (void)copy;
        place += c.tensor;
    }
    return out;
}

}  // namespace

TEST(topology, links_are_those_of_workers_counted_one_by_one) {
    cluster on;
    on.each.inside = {1e-6, 100e9};
    on.each.between = {1e-5, 10e9};
    on.each.node_bandwidth = 20e9;
    for (const int per_node : {1, 2, 3, 4, 8})
        for (const int width : {1, 2, 3, 4, 8})
            for (const int stages : {2, 3, 4})
                for (const int tensor : {1, 2})
                    for (const layout order : {layout::copies_together, layout::stages_together}) {
                        configuration c;
                        c.schedule = {.which = family::gpipe, .stages = stages, .micro_batches = 1};
                        c.width = width;
                        c.tensor = tensor;
                        c.order = order;
                        on.workers_per_node = per_node;
                        on.nodes = (width * stages * tensor + per_node - 1) / per_node + 1;
                        const topology where(on, c);
                        for (const auto& group : {std::vector<std::int32_t>{0}, std::vector<std::int32_t>{0, 1}}) {
                            const auto nodes = nodes_of(on, c, group);
                            if (nodes.size() == 1) continue;  // nothing to reduce
                            const bool inside =
                                std::all_of(nodes.begin(), nodes.end(), [&](int n) { return n == nodes.front(); });
                            EXPECT_EQ(where.among(group).latency == on.each.inside.latency, inside);
                            if (inside) continue;
                            const auto together = std::count(nodes.begin(), nodes.end(), where.node_of(0, 0));
                            const double groups = std::max(1.0, double(per_node) / double(together));
                            EXPECT_DOUBLE_EQ(where.among(group).bandwidth,
                                             std::min(10e9 * double(together), 20e9 / groups))
                                << per_node << ' ' << width << ' ' << stages << ' ' << tensor;
                        }
                        bool same = true;
                        for (int k = 0; k < width; ++k) same = same && where.node_of(k, 0) == where.node_of(k, 1);
                        EXPECT_EQ(where.between(0, 1).latency == on.each.inside.latency, same);
                    }
}

TEST(closed_form, counts_are_those_of_the_table) {
    int seen = 0;
    for (const family which : {family::gpipe, family::one_f_one_b, family::bidirectional, family::data_parallel})
        for (int stages = 1; stages <= 12; ++stages)
            for (int n = 1; n <= 36; ++n)
                for (int pipelines = 2; pipelines <= (which == family::bidirectional ? stages : 2); pipelines += 2)
                    for (const double backward : {1.5, 2.0, 3.0}) {
                        const family_spec spec{.which = which,
                                               .stages = stages,
                                               .micro_batches = n,
                                               .pipelines = which == family::bidirectional ? pipelines : 0};
                        if (spec.refused() != refusal::none) continue;
                        const auto counts = closed_counts(spec);
                        if (!counts) continue;
                        costs c;
                        c.backward = backward;
                        const auto found = metrics(simulate(generate(spec), c));
                        ASSERT_NEAR(counts->forwards + backward * counts->backwards, found.makespan, 1e-9);
                        ASSERT_EQ(counts->forwards, found.critical.forwards);
                        ASSERT_EQ(counts->backwards, found.critical.backwards);
                        ++seen;
                    }
    EXPECT_GT(seen, 2000);
}

/// Like stages without transfers, reduced after all passes: there Eq. 1 is what is simulated.
TEST(closed_form, is_the_estimate_where_stages_are_alike) {
    model what;
    for (int i = 0; i < 12; ++i) {
        layer l;
        l.parameters = 1000000;
        l.forward = 1e9;
        l.input_gradient = l.weight_gradient = 1e9;
        l.activations = l.selective = 1e6;
        what.layers.push_back(l);
    }
    cluster on;
    on.nodes = 48;
    on.each.between = {1e-5, 1e9};
    on.each.step_overhead = 1e-3;
    on.each.update_bandwidth = 1e10;
    what.layers.back().output = 0;
    for (const auto which : {family::gpipe, family::one_f_one_b, family::bidirectional})
        for (const int stages : {2, 4, 6, 12})
            for (const int n : {stages, 2 * stages, 3 * stages}) {
                configuration one;
                one.schedule = {.which = which, .stages = stages, .micro_batches = n};
                one.width = 4;
                one.synchronisation = chimera::reduction_start::lazy;
                order_cache orders;
                estimator estimate(what, on, orders);
                const evaluation found = estimate(one);
                closed_form_model all{estimate.layers(1, 1).of(0, 12), 0, what.bytes};
                hardware quick = on.each;
                const auto closed = closed_form(all, quick, one);
                ASSERT_TRUE(closed.has_value());
                const double transfers =
                    (closed_counts(one.schedule)->forwards + closed_counts(one.schedule)->backwards) *
                    quick.between.latency;
                EXPECT_NEAR(closed->seconds - transfers, found.seconds, 0.01 * found.seconds)
                    << name(which) << ' ' << stages << ' ' << n;
                EXPECT_NEAR(closed->memory, found.memory, 1e-6 * found.memory)
                    << name(which) << ' ' << stages << ' ' << n;
            }
}
