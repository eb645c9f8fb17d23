// SPDX-License-Identifier: Apache-2.0
// Whole programs over the communicator nccl, its streams and events, where a host stands in for GPUs and for NCCL.
#include "tests/engine/cuda/fake/fake.hpp"
#include "tests/engine/deferred.hpp"
#include "tests/engine/expected.hpp"
#include "tests/engine/sweep.hpp"

#include <executor/communicate/cuda/cuda_stream.hpp>
#include <executor/communicate/nccl/nccl.hpp>
#include <executor/engine/cuda/cuda_work_queue.hpp>
#include <executor/engine/engine.hpp>
#include <executor/engine/replica_groups.hpp>

#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <deque>
#include <map>
#include <thread>

namespace {

using namespace chimera;
using namespace chimera::executor;

/// Ranks as threads of one process, each with streams of its own.
struct rig {
    rig(int workers, const std::vector<members>& groups, fake::pace pace, unsigned seed, int most_staged) {
        fake::start_machine(pace, seed);
        fake::restore_connections();
        const blob id = make_nccl_id();
        for (int w = 0; w < workers; ++w) streams.emplace_back(w);
        owned.resize(streams.size());
        std::vector<std::thread> threads;
        for (int w = 0; w < workers; ++w)
            threads.emplace_back([&, w] {
                const auto i = static_cast<std::size_t>(w);
                owned[i] = make_nccl(id, {w, workers, w, streams[i].handle(), groups, 20, most_staged});
            });
        for (auto& t : threads) t.join();
        for (auto& end : owned) ends.push_back(end.get());
    }
    /// All ends at once, as they began.
    ~rig() {
        std::vector<std::thread> threads;
        for (auto& end : owned) threads.emplace_back([&end] { end.reset(); });
        for (auto& t : threads) t.join();
        EXPECT_EQ(fake::hazards(), "");
        for (int w = 0; w < static_cast<int>(streams.size()); ++w) on(w).finish();
    }
    fake::stream& on(int worker) { return fake::stream_of(streams[static_cast<std::size_t>(worker)].handle()); }

    std::deque<cuda_stream> streams;
    std::vector<std::unique_ptr<communicator>> owned;
    std::vector<communicator*> ends;
};

struct streamed {
    streamed(const program& p, fake::pace pace, unsigned seed, int most_staged, double watchdog = 30)
        : on(p.head.workers, replica_groups(p), pace, seed, most_staged) {
        engine_options options;
        options.watchdog_seconds = watchdog;
        options.work_queues = [this](int w) {
            return make_cuda_work_queue(w, on.streams[static_cast<std::size_t>(w)].handle());
        };
        const stage_lookup lookup = [this, stages = p.head.stages](int w, int s) {
            auto& held = plain[{w, s}];
            if (!held) {
                held = std::make_unique<toy::stage>(s, stages);
                deferred[{w, s}] = std::make_unique<fake::deferred_stage>(*held, on.on(w));
            }
            return deferred[{w, s}].get();
        };
        run = std::make_unique<engine>(p, lookup, on.ends, options);
    }

    rig on;
    std::map<std::pair<int, int>, std::unique_ptr<toy::stage>> plain;
    std::map<std::pair<int, int>, std::unique_ptr<fake::deferred_stage>> deferred;
    std::unique_ptr<engine> run;
};

expected::bits left_by(const program& p, fake::pace pace, unsigned seed, int most_staged) {
    streamed s(p, pace, seed, most_staged);
    for (int i = 0; i < expected::iterations; ++i) s.run->run_iteration();
    for (int w = 0; w < p.head.workers; ++w) s.on.on(w).finish();
    return expected::left_by(s.plain);
}

class nccl_program : public testing::TestWithParam<sweep::variant> {};

void check(const sweep::job& j, int choice) {
    const program p = sweep::program_of(j, choice);
    const expected::bits right = expected::from_one_worker(p);
    const bool lazy = choice % 2 == 0;
    const expected::bits left = lazy ? left_by(p, fake::pace::lazy, 1, 2) : left_by(p, fake::pace::random, 2, 3);
    ASSERT_EQ(left, right) << sweep::name_of(j, choice) << (lazy ? " lazy" : " random");
}

TEST_P(nccl_program, gives_the_bits_of_one_worker) { sweep::each_choice(GetParam(), check); }

INSTANTIATE_TEST_SUITE_P(every_family, nccl_program, testing::ValuesIn(sweep::variants(true)),
                         [](const auto& of) { return of.param.name; });

TEST(nccl_failure, a_connection_that_is_lost_ends_the_run_of_all) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    streamed s(p, fake::pace::random, 3, 2);
    s.run->run_iteration();
    fake::lose_connections(2);
    try {
        s.run->run_iteration();
        FAIL();
    } catch (const run_failed& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr("(rank 2 of 4: "));
        EXPECT_THAT(e.what(), testing::HasSubstr("(NCCL says: remote error)"));
    }
    EXPECT_FALSE(s.run->stuck());
}

/// Nothing but the thread that looks for errors asks NCCL meanwhile.
TEST(nccl_failure, a_connection_that_is_lost_is_found_by_a_rank_that_only_computes) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    streamed s(p, fake::pace::random, 5, 2);
    s.run->run_iteration();
    fake::lose_connections(2);
    std::string found;
    for (int i = 0; i < 1000 && found.empty(); ++i) {
        try {
            s.on.ends[2]->check();
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        } catch (const chimera_error& e) {
            found = e.what();
        }
    }
    EXPECT_THAT(found, testing::HasSubstr("the connection to another rank failed (NCCL says: remote error)"));
}

TEST(nccl_failure, work_that_never_ends_is_reported_as_a_slot) {
    const program p = lower(generate(bidirectional{.stages = 4, .micro_batches = 4}));
    streamed s(p, fake::pace::random, 4, 2, 0.5);
    s.run->run_iteration();
    std::atomic<bool> released{false};
    s.on.on(2).attempt([&] { return released.load(); });
    try {
        s.run->run_iteration();
        FAIL();
    } catch (const run_failed& e) {
        EXPECT_THAT(e.what(), testing::StartsWith("worker 2, instruction "));
        EXPECT_THAT(e.what(), testing::HasSubstr("forward (stage "));
        EXPECT_THAT(e.what(), testing::HasSubstr("(does not finish what was enqueued)"));
    }
    EXPECT_TRUE(s.run->stuck());
    released = true;
    while (s.run->stuck()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace
