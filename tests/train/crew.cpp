// SPDX-License-Identifier: Apache-2.0
// What the processes of a run settle between them, here as threads that meet over TCP.
#include "tests/engine/ports.hpp"

#include <chimera/core/error.hpp>

#include <executor/engine/engine.hpp>
#include <executor/workers/iteration_part.hpp>
#include <executor/workers/process_group.hpp>

#include <gmock/gmock.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace chimera::executor;
using testing::HasSubstr;

/// What each rank's `together` ends with: "good", "error: …" or "failed: …".
std::vector<std::string> all_together(int size, const std::function<void(crew&)>& code, double timeout = 20) {
    const std::uint16_t port = ports::free_port();
    std::vector<std::string> ends(static_cast<std::size_t>(size));
    std::vector<std::thread> threads;
    for (int r = 0; r < size; ++r)
        threads.emplace_back([&, r] {
            std::string& end = ends[static_cast<std::size_t>(r)];
            try {
                crew all(meet({r, size, -1}, {"127.0.0.1", port, "", timeout}), timeout);
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

TEST(crew, alone_plays_all_and_agrees_at_once) {
    crew alone;
    alone.deal(7);
    EXPECT_TRUE(alone.alone() && alone.leads() && alone.plays(0) && alone.plays(6));
    EXPECT_FALSE(alone.plays(7));
    EXPECT_FALSE(alone.any(false));
    EXPECT_EQ(alone.of_rank_0(5), 5);
    EXPECT_THROW(alone.together([] { throw run_failed("lost"); }), run_failed);
}

TEST(crew, deals_workers_that_follow_each_other) {
    const auto ends = all_together(3, [](crew& all) {
        all.deal(6);
        EXPECT_THAT(all.here(), testing::ElementsAre(2 * all.rank(), 2 * all.rank() + 1));
        EXPECT_EQ(all.local_index(2 * all.rank() + 1), 2 * all.rank() + 1);
    });
    EXPECT_THAT(ends, testing::Each("good"));
    for (const int workers : {4, 2, 7})
        EXPECT_THAT(all_together(3, [&](crew& all) { all.deal(workers); }),
                    testing::Each(HasSubstr("3 ranks cannot share " + std::to_string(workers) + " workers")));
}

TEST(crew, collects_blobs_of_any_length_on_rank_0) {
    const auto blob_of = [](int rank) {
        blob all(rank == 1 ? (std::size_t{1} << 24) * 2 + 5 : static_cast<std::size_t>(rank));
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i] = static_cast<std::byte>(i * 31 / 7 + static_cast<std::size_t>(rank));
        return all;
    };
    const auto ends = all_together(3, [&](crew& all) {
        const auto got = all.collect(blob_of(all.rank()));
        ASSERT_EQ(got.size(), all.leads() ? 3U : 0U);
        if (!all.leads()) return;
        for (int r = 0; r < 3; ++r) EXPECT_TRUE(got[static_cast<std::size_t>(r)] == blob_of(r)) << r;
    });
    EXPECT_THAT(ends, testing::Each("good"));
}

TEST(crew, settles_questions) {
    const auto ends = all_together(3, [](crew& all) {
        EXPECT_EQ(all.of_rank_0(10 + all.rank()), 10);
        EXPECT_TRUE(all.any(all.rank() == 2));
        EXPECT_FALSE(all.any(false));
        all.agree("the same", "job");
    });
    EXPECT_THAT(ends, testing::Each("good"));
    const auto apart =
        all_together(3, [](crew& all) { all.agree(all.rank() == 1 ? "mine" : "ours", "job than rank 0"); });
    EXPECT_THAT(apart, testing::Each(testing::AllOf(testing::StartsWith("error: rank "),
                                                    HasSubstr("(rank 1 has another job than rank 0)"))));
}

TEST(crew, what_one_throws_ends_all_whatever_they_ask) {
    for (const int who : {0, 2})
        for (const bool failed : {false, true}) {
            const auto ends = all_together(3, [&](crew& all) {
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
TEST(crew, what_the_answer_throws_on_rank_0_ends_all_as_refused) {
    const auto ends = all_together(3, [](crew& all) {
        all.ask({}, [](const std::vector<blob>&) -> blob { throw chimera::error("no room for the answer"); });
    });
    EXPECT_EQ(ends[0], "error: no room for the answer");
    for (const int r : {1, 2})
        EXPECT_THAT(ends[static_cast<std::size_t>(r)],
                    testing::AllOf(testing::StartsWith("error: rank " + std::to_string(r) + " of 3 has to give up"),
                                   HasSubstr("(rank 0: no room for the answer)")));
}

TEST(crew, an_abort_gives_way_to_its_cause) {
    const auto ends = all_together(3, [](crew& all) {
        if (all.rank() == 1) throw run_failed("worker 1 failed (test) mend it");
        throw run_aborted("the run was aborted (test) look at the others");
    });
    EXPECT_EQ(ends[1], "failed: worker 1 failed (test) mend it");
    for (const std::size_t r : {0U, 2U})
        EXPECT_THAT(ends[r],
                    testing::AllOf(testing::StartsWith("failed: "), HasSubstr("(rank 1: worker 1 failed (test)")));
}

TEST(crew, a_rank_that_leaves_or_is_silent_ends_all_within_the_time_out) {
    for (const bool silent : {false, true}) {
        const auto ends = all_together(
            3,
            [&](crew& all) {
                if (all.rank() != 1) return all.wait();
                if (silent) std::this_thread::sleep_for(std::chrono::seconds(4));
                throw std::string("gone");  // nothing that `together` passes on: as if the process had ended
            },
            2);
        for (const std::size_t r : {0U, 2U})
            EXPECT_THAT(ends[r], testing::AllOf(testing::StartsWith("failed: "), HasSubstr("rank 1 ")));
    }
}

TEST(crew, an_iteration_is_put_together_on_rank_0) {
    const auto ends = all_together(2, [](crew& all) {
        const double me = all.rank();
        iteration_part mine{100 + 0.5 * me, {}, {}, {}};
        mine.losses = {all.rank() == 0 ? 3.0 : 0.0, all.rank() == 1 ? 5.0 : 0.0};
        mine.measured.head.workers = 4;  // two for each rank, a step for each worker
        mine.measured.offsets = all.rank() == 0 ? std::vector{0, 1, 2, 2, 2} : std::vector{0, 0, 0, 1, 2};
        mine.measured.reduction_offsets = {0, 0, 0, 0, 0};
        for (int i = 0; i < 2; ++i) {
            chimera::step one;
            one.first = 10 * all.rank() + i;
            one.begin = i, one.end = i + 0.25;
            mine.measured.steps.push_back(one);
        }
        const auto whole = put_together(all, mine);
        ASSERT_EQ(whole.has_value(), all.leads());
        if (!whole) return;
        EXPECT_EQ(whole->began, 100);
        EXPECT_THAT(whole->losses, testing::ElementsAre(3, 5));
        for (int w = 0; w < 4; ++w) {
            const auto row = whole->measured.row(w);
            ASSERT_EQ(row.size(), 1U);
            EXPECT_EQ(row[0].first, 10 * (w / 2) + w % 2);
            EXPECT_EQ(row[0].begin, w % 2 + (w >= 2 ? 0.5 : 0));  // the second one's clock began later
            EXPECT_EQ(row[0].end - row[0].begin, 0.25);
        }
    });
    EXPECT_THAT(ends, testing::Each("good"));
}

}  // namespace
