// SPDX-License-Identifier: Apache-2.0
// Asynchronous families train a tiny GPT-2 to the bits of one worker that puts the right weights in place before every pass. What
// is right it knows from the definitions in stale.hpp; it keeps snapshots of its own and no versions.
#include "exactness.hpp"
#include "tests/engine/stale.hpp"

#include <executor/device/device_memory.hpp>

#include <gtest/gtest.h>

namespace {

using namespace exactness;

/// Settings of update `update` of an iteration.
adamw_step settings_of(const stale::rule& rule, int width, int iteration, int update) {
    const int done = iteration * rule.updates() + update;
    return {.learning_rate = 0.01 / (done + 1),
            .gradient_scale = 1.0 / (width * rule.group_size(update)),
            .step = done + 1};
}

result run_engine(const program& p, const stale::rule& rule, local_mode mode) {
    host on(mode);
    std::map<std::pair<int, int>, std::shared_ptr<model_stage>> stages;
    const stage_lookup lookup = [&](int worker, int s) {
        auto& one = stages[{worker, s}];
        if (!one) one = make_stage(on, worker, p.head.stages, s);
        return one.get();
    };
    const auto joined = on.join(p);
    int iteration = 0;
    engine_options options;
    options.hooks.each_update = [&](int worker, int s, int update) {
        stages.at({worker, s})->set_step(settings_of(rule, p.head.pipelines, iteration, update));
    };
    engine e(p, lookup, joined->ends(), options);
    for (; iteration < iterations; ++iteration) {
        const data batch(iteration, p.head.units());
        for (auto& [where, one] : stages) one->set_batch(batch.units);
        e.run_iteration();
    }
    result all;
    for (auto& [where, one] : stages) all[where] = take(*one);
    return all;
}

class one_worker {
public:
    one_worker(const stale::rule& rule, int width) : rule_(rule), width_(width) {
        for (int s = 0; s < rule.stages; ++s) {
            auto& copies = stages_.emplace_back();
            for (int c = 0; c < width; ++c) copies.push_back(make_stage(on_, c, rule.stages, s));
        }
        for (int i = 0; i < iterations; ++i) iterate(i);
    }
    left of(int s) { return take(at(static_cast<std::size_t>(s), 0)); }

private:
    using snapshot = std::vector<float>;
    model_stage& at(std::size_t s, std::size_t copy) { return *stages_[s][copy]; }

    void iterate(int iteration) {
        const data batch(iteration, rule_.micro_batches * width_);
        history_.assign(stages_.size(), {});
        for (std::size_t s = 0; s < stages_.size(); ++s) {
            history_[s].push_back(read(at(s, 0), stored::weight));
            for (std::size_t c = 0; c < stages_[s].size(); ++c) {
                at(s, c).set_batch(batch.units);
                at(s, c).clear_gradients();
            }
        }
        for (int m = 0; m < rule_.micro_batches; ++m) {
            for (int c = 0; c < width_; ++c) walk(m, static_cast<std::size_t>(c));
            for (std::size_t s = 0; s < stages_.size() && rule_.ends_group(m); ++s) update(s, iteration, m);
        }
    }

    /// Forward and backward of one micro-batch through all stages.
    void walk(int m, std::size_t copy) {
        const int unit = static_cast<int>(copy) * rule_.micro_batches + m;
        std::vector<host_memory> stashes;
        host_memory input;
        for (std::size_t s = 0; s < stages_.size(); ++s) {
            const int seen = rule_.updates_seen(static_cast<int>(s), m);
            write(at(s, copy), stored::weight, history_[s][static_cast<std::size_t>(seen)]);
            stashes.emplace_back(at(s, copy).stash_bytes(false));
            host_memory output(std::max<std::size_t>(1, at(s, copy).output_bytes()));
            at(s, copy).forward(unit, stashes[s].data(), input.data(), output.data());
            input = std::move(output);
        }
        host_memory gradient;
        for (std::size_t s = stages_.size(); s-- > 0;) {
            host_memory to(std::max<std::size_t>(1, at(s, copy).input_bytes()));
            at(s, copy).backward(unit, stashes[s].data(), gradient.data(), to.data());
            gradient = std::move(to);
        }
    }

    void update(std::size_t s, int iteration, int m) {
        const std::vector<float> total = gradient_sum(stages_[s]);
        for (std::size_t c = 0; c < stages_[s].size(); ++c) {
            write(at(s, c), stored::weight, history_[s].back());
            write(at(s, c), stored::gradient, total);
            at(s, c).set_step(settings_of(rule_, width_, iteration, rule_.group(m)));
            at(s, c).update();
            if (m + 1 < rule_.micro_batches) at(s, c).clear_gradients();
        }
        history_[s].push_back(read(at(s, 0), stored::weight));
    }

    stale::rule rule_;
    int width_;
    host on_{local_mode::eager};
    std::vector<std::vector<std::shared_ptr<model_stage>>> stages_;
    std::vector<std::vector<snapshot>> history_;
};

class every_asynchronous_family : public testing::TestWithParam<sweep::variant> {};

TEST_P(every_asynchronous_family, trains_like_one_worker_with_stale_weights) {
    const auto jobs = sweep::jobs(GetParam());
    EXPECT_GE(jobs.size(), 5U);
    int turn = 0;
    for (const sweep::job& j : jobs) {
        const int choice = turn++ % sweep::choices;
        const program p = sweep::program_of(j, choice);
        const stale::rule rule{p.head.update, p.head.stages, p.head.micro_batches / p.head.pipelines,
                               p.head.update_every};
        one_worker plain(rule, p.head.pipelines);
        const result got = run_engine(p, rule, turn % 2 == 0 ? local_mode::eager : local_mode::rendezvous);
        ASSERT_EQ(got.size(), static_cast<std::size_t>(p.head.workers));
        for (const auto& [where, bits] : got)
            ASSERT_TRUE(bits == plain.of(where.second)) << sweep::name_of(j, choice) << " stage " << where.second;
    }
}

INSTANTIATE_TEST_SUITE_P(asynchronous, every_asynchronous_family, testing::ValuesIn(sweep::variants(false)),
                         [](const auto& of) { return of.param.name; });

}  // namespace
