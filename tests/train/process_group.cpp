// SPDX-License-Identifier: Apache-2.0
// What the processes of a run settle between them, here as threads that meet over TCP.
#include "tests/engine/ports.hpp"

#include <chimera/core/error.hpp>
#include <chimera/core/spec.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

#include <executor/engine/engine.hpp>
#include <executor/workers/iteration_part.hpp>
#include <executor/workers/process_group.hpp>

#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace chimera::executor;
using testing::HasSubstr;

/// What each rank's `together` ends with: "good", "error: …" or "failed: …".
std::vector<std::string> all_together(int size, const std::function<void(process_group&)>& code, double timeout = 20) {
    const std::uint16_t port = ports::free_port();
    std::vector<std::string> ends(static_cast<std::size_t>(size));
    std::vector<std::thread> threads;
    for (int r = 0; r < size; ++r)
        threads.emplace_back([&, r] {
            std::string& end = ends[static_cast<std::size_t>(r)];
            try {
                process_group all(meet({r, size, -1}, {"127.0.0.1", port, "", timeout}), timeout);
                all.together([&] { code(all); });
                end = "good";
            } catch (const run_failed& e) {
                end = std::string("failed: ") + e.what();
            } catch (const std::exception& e) {
                end = std::string("error: ") + e.what();
            } catch (...) {
                end = "gone";
            }
        });
    for (auto& t : threads) t.join();
    return ends;
}

TEST(process_group, alone_plays_all_and_agrees_at_once) {
    process_group alone;
    alone.deal(7);
    EXPECT_TRUE(alone.alone() && alone.leads() && alone.plays(0) && alone.plays(6));
    EXPECT_FALSE(alone.plays(7));
    EXPECT_FALSE(alone.any(false));
    EXPECT_EQ(alone.of_rank_0(5, 1, 9), 5);
    EXPECT_THROW(alone.together([] { throw run_failed("lost"); }), run_failed);
}

TEST(process_group, deals_workers_that_follow_each_other) {
    const auto ends = all_together(3, [](process_group& all) {
        all.deal(6);
        EXPECT_THAT(all.here(), testing::ElementsAre(2 * all.rank(), 2 * all.rank() + 1));
        EXPECT_EQ(all.local_index(2 * all.rank() + 1), 2 * all.rank() + 1);
    });
    EXPECT_THAT(ends, testing::Each("good"));
    for (const int workers : {4, 2, 7})
        EXPECT_THAT(all_together(3, [&](process_group& all) { all.deal(workers); }),
                    testing::Each(HasSubstr("3 ranks cannot share " + std::to_string(workers) + " workers")));
}

TEST(process_group, collects_blobs_of_any_length_on_rank_0) {
    const auto blob_of = [](int rank) {
        blob all(rank == 1 ? (std::size_t{1} << 24) * 2 + 5 : static_cast<std::size_t>(rank));
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = static_cast<std::byte>(i * 31 / 7 + static_cast<std::size_t>(rank));
        return all;
    };
    const auto ends = all_together(3, [&](process_group& all) {
        const std::vector<std::size_t> due{0, (std::size_t{1} << 24) * 2 + 5, 2};
        const auto got = all.collect(blob_of(all.rank()), due);
        ASSERT_EQ(got.size(), all.leads() ? 3U : 0U);
        if (!all.leads()) return;
        for (int r = 0; r < 3; ++r) EXPECT_TRUE(got[static_cast<std::size_t>(r)] == blob_of(r)) << r;
    });
    EXPECT_THAT(ends, testing::Each("good"));
}

TEST(process_group, settles_questions) {
    const auto ends = all_together(3, [](process_group& all) {
        EXPECT_EQ(all.of_rank_0(10 + all.rank(), 1, 10), 10);
        EXPECT_TRUE(all.any(all.rank() == 2));
        EXPECT_FALSE(all.any(false));
        all.agree("the same", "job");
    });
    EXPECT_THAT(ends, testing::Each("good"));
    const auto apart =
        all_together(3, [](process_group& all) { all.agree(all.rank() == 1 ? "mine" : "ours", "job than rank 0"); });
    EXPECT_THAT(apart, testing::Each(testing::AllOf(testing::StartsWith("error: rank "),
                                                    HasSubstr("(rank 1 has another job than rank 0)"))));
}

TEST(process_group, what_one_throws_ends_all_whatever_they_ask) {
    for (const int who : {0, 2})
        for (const bool failed : {false, true}) {
            const auto ends = all_together(3, [&](process_group& all) {
                all.wait();
                if (all.rank() == who && failed) throw run_failed("the disk is lost (test) mend it");
                if (all.rank() == who) throw std::runtime_error("the file is bad (test) mend it");
                for (;;) all.any(false);
            });
            for (int r = 0; r < 3; ++r) {
                const std::string& end = ends[static_cast<std::size_t>(r)];
                EXPECT_THAT(end, testing::StartsWith(failed ? "failed: " : "error: "));
                if (r == who) continue;
                EXPECT_THAT(end, HasSubstr("rank " + std::to_string(r) + " of 3 has to give up (rank " +
                                           std::to_string(who) + ": the "));
            }
        }
}

/// All come well to the question; rank 0 cannot answer it.
TEST(process_group, what_the_answer_throws_on_rank_0_ends_all_as_refused) {
    const auto ends = all_together(3, [](process_group& all) {
        all.ask({}, [](const std::vector<blob>&) -> blob { throw chimera::chimera_error("no room for the answer"); },
                {});
    });
    EXPECT_EQ(ends[0], "error: no room for the answer");
    for (const int r : {1, 2})
        EXPECT_THAT(ends[static_cast<std::size_t>(r)],
                    testing::AllOf(testing::StartsWith("error: rank " + std::to_string(r) + " of 3 has to give up"),
                                   HasSubstr("(rank 0: no room for the answer)")));
}

TEST(process_group, an_abort_gives_way_to_its_cause) {
    const auto ends = all_together(3, [](process_group& all) {
        if (all.rank() == 1) throw run_failed("worker 1 failed (test) mend it");
        throw run_aborted("the run was aborted (test) look at the others");
    });
    EXPECT_EQ(ends[1], "failed: worker 1 failed (test) mend it");
    for (const std::size_t r : {0U, 2U})
        EXPECT_THAT(ends[r],
                    testing::AllOf(testing::StartsWith("failed: "), HasSubstr("(rank 1: worker 1 failed (test)")));
}

TEST(process_group, a_rank_that_leaves_or_is_silent_ends_all_within_the_time_out) {
    for (const bool silent : {false, true}) {
        const auto ends = all_together(
            3,
            [&](process_group& all) {
                if (all.rank() != 1) return all.wait();
                if (silent) std::this_thread::sleep_for(std::chrono::seconds(4));
                throw std::string("gone");  // nothing that `together` passes on: as if the process had ended
            },
            2);
        for (const std::size_t r : {0U, 2U})
            EXPECT_THAT(ends[r], testing::AllOf(testing::StartsWith("failed: "), HasSubstr("rank 1 ")));
    }
}

TEST(process_group, a_rank_that_sends_what_it_may_not_is_named_and_the_run_has_failed) {
    const auto wrong = [](const std::function<void(process_group&)>& code, const std::string& what) {
        const auto ends = all_together(3, [&](process_group& all) {
            code(all);
            for (;;) all.wait();
        });
        for (const std::string& end : ends)
            EXPECT_THAT(end, testing::AllOf(testing::StartsWith("failed: "), HasSubstr(what)));
    };
    const std::vector<std::size_t> due{1, 1, 1};
    wrong([&](process_group& all) { all.collect(blob(all.rank() == 2 ? 2 : 1), due); },
          "rank 2 sent more than 1 bytes");
    wrong([&](process_group& all) { all.collect(blob(all.rank() == 1 ? 0 : 1), due); },
          "rank 1 sent 0 bytes where 1 are due");
    wrong([&](process_group& all) { all.of_rank_0(0, 1, 9); }, "rank 0 sent the number 0");
    wrong(
        [&](process_group& all) {
            all.ask(blob(all.rank() == 1 ? 5000 : 1), [](const auto&) { return blob(); }, {4000, 1});
        },
        "rank 1 sent");
}

/// What `all_together`'s ranks play: a program of two workers each.
chimera::program four_workers() {
    return chimera::lower(chimera::generate(chimera::one_f_one_b{.stages = 4, .micro_batches = 3}));
}

/// The part of a rank: its rows as the engine lays them out, the k-th step of worker w from 10 w + k for a quarter.
iteration_part part_of(const process_group& all, const chimera::program_view& program) {
    iteration_part mine{100 + 0.5 * all.rank(), {}, {}, {}};
    mine.measured.head = program.head;
    mine.measured.offsets.assign(1, 0);
    for (int w = 0; w < program.head.workers; ++w) {
        for (const chimera::instruction& i : program.row(w)) {
            const bool step = chimera::is_compute(i.op) || i.op == chimera::action::update_weights;
            if (!step || !all.plays(w)) continue;
            const auto k = static_cast<double>(mine.measured.steps.size()) - mine.measured.offsets.back();
            mine.measured.steps.push_back({i.op, i.count, i.pipeline, i.stage, i.first, 10 * w + k, 10 * w + k + 0.25});
        }
        mine.measured.offsets.push_back(static_cast<std::int32_t>(mine.measured.steps.size()));
    }
    return mine;
}

TEST(process_group, an_iteration_is_put_together_on_rank_0) {
    const chimera::program program = four_workers();
    const auto ends = all_together(2, [&](process_group& all) {
        all.deal(4);
        iteration_part mine = part_of(all, program);
        mine.losses = {all.rank() == 0 ? 3.0 : 0.0, all.rank() == 1 ? 5.0 : 0.0};
        const auto whole = put_together(all, program, mine);
        ASSERT_EQ(whole.has_value(), all.leads());
        if (!whole) return;
        EXPECT_EQ(whole->began, 100);
        EXPECT_THAT(whole->losses, testing::ElementsAre(3, 5));
        for (int w = 0; w < 4; ++w) {
            const auto row = whole->measured.row(w);
            ASSERT_EQ(row.size(), 7U);  // forward and backward of three micro-batches, the update
            EXPECT_EQ(row.back().op, chimera::action::update_weights);
            for (std::size_t k = 0; k < row.size(); ++k) {
                EXPECT_EQ(row[k].stage, w);
                EXPECT_EQ(row[k].begin, 10 * w + static_cast<double>(k) + (w >= 2 ? 0.5 : 0));  // its clock began later
                EXPECT_EQ(row[k].end - row[k].begin, 0.25);
            }
        }
    });
    EXPECT_THAT(ends, testing::Each("good"));
}

TEST(process_group, a_timeline_that_is_none_ends_the_run) {
    const chimera::program program = four_workers();
    const auto ends_of = [&](const std::function<void(iteration_part&)>& change) {
        return all_together(2, [&](process_group& all) {
            all.deal(4);
            iteration_part mine = part_of(all, program);
            mine.losses = {1, 2};
            if (all.rank() == 1) change(mine);
            put_together(all, program, mine);
            for (;;) all.wait();
        });
    };
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    for (const std::function<void(iteration_part&)>& change : std::vector<std::function<void(iteration_part&)>>{
             [&](iteration_part& p) { p.measured.steps[3].end = nothing; },
             [&](iteration_part& p) { p.measured.steps[3].end = p.measured.steps[3].begin - 1; },
             [&](iteration_part& p) { p.measured.steps[0].begin = -2e9; },
             [&](iteration_part& p) { p.began = nothing; }, [&](iteration_part& p) { p.losses.push_back(1); },
             [&](iteration_part& p) { p.losses.clear(); }, [&](iteration_part& p) { p.norms.push_back(1); },
             [&](iteration_part& p) { --p.measured.offsets.back(); }})
        for (const std::string& end : ends_of(change))
            EXPECT_THAT(end, testing::AllOf(testing::StartsWith("failed: "), HasSubstr("rank 1 sent")));
}

}  // namespace
