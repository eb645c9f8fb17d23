// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <executor/job/programs.hpp>

#include <algorithm>

using namespace chimera::executor;

namespace {

job with(int micro_batches) {
    job wanted;
    wanted.schedule.micro_batches = micro_batches;
    return wanted;
}

TEST(programs, compiled_ones_are_those_made_at_run_time) {
    for (const int n : {4, 8}) {
        const auto* compiled = detail::find_compiled(with(n));
        ASSERT_NE(compiled, nullptr) << n;
        const auto made = detail::make_program(with(n));
        EXPECT_TRUE(compiled->head == made.head);
        EXPECT_TRUE(std::ranges::equal(compiled->placement, made.placement));
        EXPECT_TRUE(std::ranges::equal(compiled->offsets, made.offsets));
        EXPECT_TRUE(std::ranges::equal(compiled->instructions, made.instructions));
        EXPECT_TRUE(std::ranges::equal(compiled->buffers, made.buffers));
        EXPECT_TRUE(std::ranges::equal(compiled->members, made.members));
        EXPECT_TRUE(std::ranges::equal(compiled->buffer_counts, made.buffer_counts));
        EXPECT_EQ(compiled->messages, made.messages);
        EXPECT_TRUE(job_program(with(n)).compiled());
    }
}

TEST(programs, what_differs_is_made_at_run_time) {
    const auto made = [](auto change) {
        job wanted = with(4);
        change(wanted);
        return !job_program(wanted).compiled();
    };
    EXPECT_FALSE(made([](job&) {}));
    EXPECT_TRUE(made([](job& j) { j.schedule.micro_batches = 5; }));
    EXPECT_TRUE(made([](job& j) { j.schedule.width = 2; }));
    EXPECT_TRUE(made([](job& j) { j.schedule.scale = chimera::scale::doubling; }));
    EXPECT_TRUE(made([](job& j) { j.schedule.recompute = recompute_named("full", 4); }));
    EXPECT_TRUE(made([](job& j) { j.schedule.pipelines = 4; }));
    EXPECT_TRUE(made([](job& j) { j.schedule.stages = 8; }));
    EXPECT_TRUE(made([](job& j) { j.schedule.which = chimera::family::gpipe; }));
    EXPECT_TRUE(made([](job& j) { j.sync = chimera::reduction_start::lazy; }));
}

}  // namespace
