// SPDX-License-Identifier: Apache-2.0
// Asynchronous families against one worker that keeps every version of every stage and knows only the definitions of stale.hpp.
#include "stale.hpp"
#include "streamed.hpp"
#include "sweep.hpp"
#include "toy.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>

#include <chimera/program/staleness.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>

namespace {

using namespace chimera;
using namespace chimera::executor;

constexpr int iterations = 2;

/// Scale and shift of each stage that each worker holds, after some iterations.
using bits = std::map<std::pair<int, int>, std::array<toy::row, 2>>;

bits run(const program& p, local_mode mode, int updates) {
    std::map<std::pair<int, int>, std::unique_ptr<toy::stage>> stages;
    const stage_lookup lookup = [&](int worker, int s) {
        auto& held = stages[{worker, s}];
        if (!held) held = std::make_unique<toy::stage>(s, p.head.stages);
        held->updates_per_iteration = updates;
        return held.get();
    };
    local_world world(p.head.workers, mode);
    engine_options options;
    options.watchdog_seconds = 30;
    engine e(p, lookup, world.ends(), options);
    for (int i = 0; i < iterations; ++i) e.run_iteration();
    bits left;
    for (auto& [where, s] : stages) left[where] = {s->w.scale, s->w.shift};
    return left;
}

/// The same with all work enqueued on streams.
bits run_on_streams(const program& p, local_mode mode, int updates) {
    fake::streamed<rigs::random> s(p, mode, 6, updates);
    for (int i = 0; i < iterations; ++i) s.run->run_iteration();
    bits left;
    for (auto& [where, held] : s.plain) left[where] = {held->w.scale, held->w.shift};
    return left;
}

/// One worker: micro-batch after micro-batch through all stages, each with the version that the rule names.
class one_worker {
public:
    one_worker(const stale::rule& rule, int width) : rule_(rule), width_(width) {
        for (int s = 0; s < rule.stages; ++s) newest_.emplace_back(s);
        for (int i = 0; i < iterations; ++i) iterate(i);
    }
    const toy::weights& of(int s) const { return newest_[static_cast<std::size_t>(s)]; }

private:
    void iterate(int iteration) {
        const auto stages = static_cast<std::size_t>(rule_.stages);
        std::vector<std::vector<toy::weights>> history(stages);  // what each number of updates left
        for (std::size_t s = 0; s < stages; ++s) history[s] = {newest_[s]};
        std::vector<std::vector<toy::row>> sums(stages, std::vector<toy::row>(static_cast<std::size_t>(width_)));
        for (int m = 0; m < rule_.micro_batches; ++m) {
            for (int copy = 0; copy < width_; ++copy) walk(iteration, m, copy, history, sums);
            for (std::size_t s = 0; s < stages && rule_.ends_group(m); ++s) {
                toy::row total = sums[s][0];
                for (std::size_t copy = 1; copy < sums[s].size(); ++copy)
                    for (std::size_t i = 0; i < total.size(); ++i) total[i] += sums[s][copy][i];
                history[s].push_back(history[s].back());
                toy::update(history[s].back(), total);
                for (toy::row& sum : sums[s]) sum.clear();
            }
        }
        for (std::size_t s = 0; s < stages; ++s) newest_[s] = history[s].back();
    }

    void walk(int iteration, int m, int copy, const std::vector<std::vector<toy::weights>>& history,
              std::vector<std::vector<toy::row>>& sums) const {
        const std::size_t stages = history.size();
        std::vector<toy::row> in(1, toy::row(toy::width));
        for (std::size_t i = 0; i < toy::width; ++i)
            in[0][i] = toy::token(iteration, copy * rule_.micro_batches + m, i);
        const auto seen = [&](std::size_t s) -> const toy::weights& {
            return history[s][static_cast<std::size_t>(rule_.updates_seen(static_cast<int>(s), m))];
        };
        for (std::size_t s = 0; s < stages; ++s) in.push_back(toy::forward(seen(s), in[s]));
        toy::row d = toy::loss_gradient(in[stages]);
        for (std::size_t s = stages; s-- > 0;) {
            const toy::row part = toy::weight_gradient(seen(s), in[s], d);
            toy::row& sum = sums[s][static_cast<std::size_t>(copy)];
            if (sum.empty())
                sum = part;
            else
                for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
            d = toy::input_gradient(seen(s), in[s], d);
        }
    }

    stale::rule rule_;
    int width_;
    std::vector<toy::weights> newest_;
};

stale::rule rule_of(const schedule& s) {
    return {s.head.update, s.head.stages, s.head.micro_batches / s.head.pipelines, s.head.update_every};
}

class every_asynchronous_family : public testing::TestWithParam<sweep::variant> {};

void check(const sweep::job& j, int choice) {
    const program p = sweep::program_of(j, choice);
    const std::string name = sweep::name_of(j, choice);
    const auto found = verify(p);
    ASSERT_TRUE(found.ok()) << name << ": " << message(found.faults.front());
    const stale::rule rule = rule_of(j.schedule);
    const one_worker plain(rule, p.head.pipelines);
    bits expected;
    for (int s = 0; s < p.head.stages; ++s)
        for (const int w : p.view().replica_group(s)) expected[{w, s}] = {plain.of(s).scale, plain.of(s).shift};
    ASSERT_EQ(run(p, local_mode::eager, rule.updates()), expected) << name;
    ASSERT_EQ(run(p, local_mode::rendezvous, rule.updates()), expected) << name << " rendezvous";
    ASSERT_EQ(run_on_streams(p, local_mode::eager, rule.updates()), expected) << name << " on streams";
}

TEST_P(every_asynchronous_family, gives_the_bits_of_one_worker_with_stale_weights) {
    sweep::each_choice(GetParam(), check);
}

TEST_P(every_asynchronous_family, keeps_as_many_versions_as_micro_batches_in_flight_need) {
    for (const sweep::job& j : sweep::jobs(GetParam())) {
        const program p = lower(j.schedule);
        const stale::rule rule = rule_of(j.schedule);
        const auto copies = weight_copies(p);
        const auto ages = staleness(p);
        for (int s = 0; s < p.head.stages; ++s) {
            int largest = 0, sum = 0;
            for (int m = 0; m < rule.micro_batches; ++m)
                largest = std::max(largest, rule.age(s, m)), sum += rule.age(s, m);
            const auto at = static_cast<std::size_t>(s);
            ASSERT_EQ(ages[at].largest, largest) << j.name << " stage " << s;
            ASSERT_DOUBLE_EQ(ages[at].mean, static_cast<double>(sum) / rule.micro_batches) << j.name << " stage " << s;
            for (const int w : p.view().replica_group(s))
                ASSERT_EQ(copies[static_cast<std::size_t>(w)], rule.versions(s)) << j.name << " stage " << s;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(asynchronous, every_asynchronous_family, testing::ValuesIn(sweep::variants(false)),
                         [](const auto& of) { return of.param.name; });

TEST(asynchronous, published_numbers) {  // of versions: PipeDream D - s, 2BW two
    family_options of;
    of.which = chimera::family::pipedream;
    of.stages = 8;
    of.micro_batches = 32;
    EXPECT_EQ(weight_copies(lower(make_schedule(of))), (std::vector<int>{8, 7, 6, 5, 4, 3, 2, 1}));
    EXPECT_EQ(staleness(lower(make_schedule(of)))[0].largest, 7);
    of.which = chimera::family::pipedream_2bw;
    EXPECT_EQ(weight_copies(lower(make_schedule(of))), std::vector<int>(8, 2));
    EXPECT_EQ(staleness(lower(make_schedule(of)))[0].largest, 1);
}

TEST(asynchronous, stale_weights_matter) {  // otherwise the comparison above would show little
    const one_worker buffered({update_rule::double_buffered, 4, 9, 4}, 1), newest({update_rule::stashed, 4, 9, 4}, 1);
    EXPECT_NE(buffered.of(0).scale, newest.of(0).scale);
}

}  // namespace
