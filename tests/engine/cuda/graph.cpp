// SPDX-License-Identifier: Apache-2.0
// Whole programs as graphs over the communicator loopback, where a host stands in for the GPU.
#include "tests/engine/cuda/fake/fake.hpp"
#include "tests/engine/deferred.hpp"
#include "tests/engine/expected.hpp"
#include "tests/engine/sweep.hpp"

#include <executor/communicate/cuda/cuda_stream.hpp>
#include <executor/communicate/loopback/loopback.hpp>
#include <executor/device/cuda/cuda_check.hpp>
#include <executor/engine/cuda/cuda_graph.hpp>
#include <executor/engine/cuda/cuda_lane.hpp>
#include <executor/engine/engine.hpp>

#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>

namespace {

using namespace chimera;
using namespace chimera::executor;

struct streamed {
    streamed(const program& p, fake::pace pace, unsigned seed, bool as_graph) {
        fake::start_machine(pace, seed);
        for (int w = 0; w <= p.head.workers; ++w) streams.emplace_back();
        std::vector<stream*> workers;
        std::vector<cuda_stream*> all;
        for (auto& s : streams) all.push_back(&s), workers.push_back(&s);
        workers.pop_back();
        world = std::make_unique<loopback_world>(workers, streams.back());
        engine_options options;
        options.watchdog_seconds = 30;
        options.lanes = [this](int w) { return make_cuda_lane(0, streams[static_cast<std::size_t>(w)].handle()); };
        if (as_graph) options.graph = make_cuda_graph(all);
        options.hooks.after_iteration = [this](communicator&) { ++hooks; };
        const stage_lookup lookup = [this, stages = p.head.stages](int w, int s) {
            auto& held = plain[{w, s}];
            if (!held) {
                held = std::make_unique<toy::stage>(s, stages, [this](int) { ++passes; });
                deferred[{w, s}] = std::make_unique<fake::deferred_stage>(
                    *held, fake::stream_of(streams[static_cast<std::size_t>(w)].handle()));
            }
            return deferred[{w, s}].get();
        };
        run = std::make_unique<engine>(p, lookup, world->ends(), options);
    }
    ~streamed() { finish(); }
    void finish() {
        for (auto& s : streams) fake::stream_of(s.handle()).finish();
    }

    std::deque<cuda_stream> streams;  // the last one adds up
    std::unique_ptr<loopback_world> world;
    std::map<std::pair<int, int>, std::unique_ptr<toy::stage>> plain;
    std::map<std::pair<int, int>, std::unique_ptr<fake::deferred_stage>> deferred;
    std::atomic<int> passes{0}, hooks{0};
    std::unique_ptr<engine> run;
};

class graph : public testing::TestWithParam<sweep::variant> {};

void check(const sweep::job& j, int choice) {
    const program p = sweep::program_of(j, choice);
    streamed s(p, choice % 2 == 0 ? fake::pace::lazy : fake::pace::random, 1, true);
    for (int i = 0; i < expected::iterations; ++i) s.run->run_iteration();
    s.finish();
    ASSERT_EQ(expected::left_by(s.plain), expected::from_one_worker(p)) << sweep::name_of(j, choice);
}

TEST_P(graph, gives_the_bits_of_one_worker) { sweep::each_choice(GetParam(), check); }

INSTANTIATE_TEST_SUITE_P(every_family, graph, testing::ValuesIn(sweep::variants(true)),
                         [](const auto& of) { return of.param.name; });

TEST(graph_of_a_program, runs_and_tells_times_in_every_iteration) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 6}), chimera::sync::eager);
    streamed s(p, fake::pace::random, 2, true);
    s.run->run_iteration();
    const int passes = s.passes;
    double last_end = 0;
    for (int i = 0; i < 5; ++i) {
        const auto start = std::chrono::steady_clock::now();
        const timeline& t = s.run->run_iteration();
        const double all = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        EXPECT_EQ(s.passes, passes * (i + 2));
        EXPECT_EQ(s.hooks, 4 * (i + 2));
        for (const step& one : t.steps) {
            EXPECT_GE(one.begin, 0);
            EXPECT_GE(one.end, one.begin);
            EXPECT_LE(one.end, all + 1e-3);
        }
        EXPECT_NE(t.steps.back().end, last_end);
        last_end = t.steps.back().end;
    }
}

void soon() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

/// What the run fails with when worker w does that in its first forward while the iteration is recorded, after it ran once.
std::string failure_of(streamed& s, std::map<int, std::function<void()>> of_workers) {
    s.run->run_iteration();
    s.finish();
    for (auto& [of, stage] : s.deferred) stage->before_forward = of_workers[of.first];
    try {
        s.run->run_iteration();
    } catch (const run_failed& e) {
        return e.what();
    }
    return "nothing failed";
}

TEST(graph_of_a_program, a_recording_that_fails_is_dropped_when_nobody_enqueues_any_more) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    streamed s(p, fake::pace::hasty, 3, true);
    std::atomic<int> before{-1};
    const auto be_slow = [&] {
        if (before < 0) before = s.passes.load();
        soon();
    };
    const auto throw_then = [&] {
        while (before < 0) std::this_thread::yield();
        throw error("it is full");
    };
    const std::string line = failure_of(s, {{0, be_slow}, {3, throw_then}});
    EXPECT_THAT(line, testing::HasSubstr("it is full"));
    s.finish();
    EXPECT_EQ(s.passes, before) << "what worker 0 enqueued was carried out";
    EXPECT_FALSE(s.run->stuck());
}

/// All streams of a recording fail when one does what must not be recorded; their workers may be the first to say so.
TEST(graph_of_a_program, the_worker_that_spoils_a_recording_is_named) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    streamed s(p, fake::pace::random, 3, true);
    std::atomic<bool> spoilt{false};
    const auto spoil = [&] {
        const auto found = cudaStreamSynchronize(static_cast<cudaStream_t>(s.streams[3].handle()));
        spoilt = true;
        soon();
        executor::detail::check(found, "waiting in a recording");
    };
    const auto go_on_then = [&] {
        while (!spoilt) std::this_thread::yield();
    };
    const std::string line = failure_of(s, {{0, go_on_then}, {3, spoil}});
    EXPECT_THAT(line, testing::StartsWith("worker 3, instruction "));
    EXPECT_THAT(line, testing::HasSubstr("waiting in a recording failed (CUDA says: operation not permitted"));
}

TEST(graph_of_a_program, an_abort_while_it_is_recorded_ends_the_run) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    streamed s(p, fake::pace::random, 3, true);
    s.run->run_iteration();
    s.world->at(1).abort();
    EXPECT_THROW(s.run->run_iteration(), run_failed);
    EXPECT_FALSE(s.run->stuck());
}

}  // namespace
