// SPDX-License-Identifier: Apache-2.0
// The law of message buffers finds every broken assignment, and the assignment needs no buffer too many.

#include "attack_specs.hpp"
#include "tests/dose.hpp"

#include <chimera/program/fixed_program.hpp>
#include <chimera/run.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace chimera {
namespace {

namespace running_law {

/// Calls `f` with the plan of each worker of random programs that has message buffers.
template <class F>
void each_plan(unsigned seed, int programs, const F& f) {
    attack::dice d(seed);
    for (int k = 0; k < programs; ++k) {
        const attack::case_of c = attack::random_case(d, 9, 14);
        const program p = lower(c.table, c.mode);
        for (int w = 0; w < p.head.workers; ++w)
            if (const run_plan plan = make_run_plan(p, w, {attack::roll(d, 0, 2)}); plan.message_buffers > 0)
                f(c.name + " worker " + std::to_string(w), plan, d);
    }
}

/// The places of message buffers: inputs and outputs of passes.
std::vector<std::size_t> message_places(const run_plan& plan) {
    std::vector<std::size_t> out;
    for (const run_pass& pass : plan.passes)
        for (int k = pass.what.count; k < pass.what.count * (1 + (pass.reads ? 1 : 0) + (pass.writes ? 1 : 0)); ++k)
            out.push_back(static_cast<std::size_t>(pass.places + k));
    return out;
}

bool single_units(const run_plan& plan) {
    return std::all_of(plan.messages.begin(), plan.messages.end(), [](const message_call& m) { return m.count == 1; });
}

}  // namespace running_law

using running_law::each_plan;

TEST(run_law, a_pass_that_reads_or_writes_another_buffer_is_found) {
    int broken = 0;
    each_plan(31, dose(300), [&](const std::string& name, run_plan plan, attack::dice& d) {
        ASSERT_TRUE(laws::delivered(plan)) << name;
        const auto places = running_law::message_places(plan);
        for (int k = 0; k < 5 && !places.empty(); ++k) {
            std::int32_t& b = plan.places[places[d() % places.size()]];
            const std::int32_t was = b;
            b = attack::roll(d, -1, plan.message_buffers);
            EXPECT_EQ(laws::delivered(plan), b == was) << name << ": " << was << " became " << b;
            broken += b != was;
            b = was;
        }
    });
    EXPECT_GT(broken, 3 * dose(300));
}

TEST(run_law, a_message_in_another_buffer_is_found) {
    int broken = 0;
    each_plan(32, dose(300), [&](const std::string& name, run_plan plan, attack::dice& d) {
        if (plan.messages.empty()) return;
        std::int32_t& b = plan.messages[d() % plan.messages.size()].buffer;
        const std::int32_t was = b;
        b = attack::roll(d, -1, plan.message_buffers);
        EXPECT_EQ(laws::delivered(plan), b == was) << name << ": " << was << " became " << b;
        broken += b != was;
    });
    EXPECT_GT(broken, dose(300) / 2);
}

TEST(run_law, two_buffers_made_one_are_found) {
    int merged = 0;
    each_plan(33, dose(300), [&](const std::string& name, run_plan plan, attack::dice& d) {
        if (plan.message_buffers < 2 || !running_law::single_units(plan)) return;
        const std::int32_t into = attack::roll(d, 0, plan.message_buffers - 2);
        const auto merge = [&](std::int32_t& b) { b = b == plan.message_buffers - 1 ? into : b; };
        for (const std::size_t at : running_law::message_places(plan)) merge(plan.places[at]);
        for (message_call& m : plan.messages) merge(m.buffer);
        EXPECT_FALSE(laws::delivered(plan)) << name << ": buffer " << into;
        ++merged;
    });
    EXPECT_GT(merged, dose(300) / 3);
}

TEST(run_law, a_wait_that_is_dropped_or_comes_too_late_is_found) {
    int dropped = 0, late = 0;
    each_plan(34, dose(300), [&](const std::string& name, const run_plan& plan, attack::dice&) {
        for (std::size_t s = 0; s < plan.steps.size(); ++s) {
            if (plan.steps[s].waits.size == 0) continue;
            run_plan without = plan;
            --without.steps[s].waits.size;
            EXPECT_FALSE(laws::delivered(without)) << name << " step " << s;
            ++dropped;
            if (s + 1 == plan.steps.size() || plan.steps[s + 1].waits.size > 0) continue;
            run_plan later = plan;
            std::swap(later.steps[s].waits, later.steps[s + 1].waits);
            EXPECT_FALSE(laws::delivered(later)) << name << " step " << s;
            ++late;
        }
    });
    EXPECT_GT(dropped, 3 * dose(300));
    EXPECT_GT(late, dose(300) / 3);
}

TEST(run_law, it_holds_in_constant_evaluation) {
    static constexpr auto& table = fixed_lowered<bidirectional{.stages = 4, .micro_batches = 8}>;
    static_assert(laws::delivered(make_run_plan(table, 0)));
    static_assert(message_buffers(table, 0) == 2);
}

}  // namespace
}  // namespace chimera
