// SPDX-License-Identifier: Apache-2.0
#include "by_hand.hpp"
#include "toy.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>

#include <gmock/gmock.h>

#include <pthread.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace {

using namespace chimera;
using namespace chimera::executor;
using testing::HasSubstr;
using clock = std::chrono::steady_clock;

constexpr double limit = 0.5;  // seconds the watchdog waits
constexpr double soon = 30;    // for reports that must not wait for it, on however busy a machine

/// An end that loses one message: the send returns and nothing arrives.
class lossy final : public communicator {
public:
    lossy(communicator& inner, int lost) : inner_(inner), lost_(lost) {}
    int worker() const override { return inner_.worker(); }
    int workers() const override { return inner_.workers(); }
    void prepare(int messages) override { inner_.prepare(messages); }
    void use_gate(core_semaphore* gate) override { inner_.use_gate(gate); }
    void start(std::span<const transfer> group) override {
        for (const transfer& t : group)
            if (t.sends && t.message == lost_) return;
        inner_.start(group);
    }
    bool poll(int message) override { return inner_.poll(message); }
    void wait(int message) override { inner_.wait(message); }
    int join(int key, std::span<const std::int32_t> members) override { return inner_.join(key, members); }
    void start_all_reduce(int group, std::span<float> data) override { inner_.start_all_reduce(group, data); }
    void wait_all_reduce(int group) override { inner_.wait_all_reduce(group); }
    void reduce_scatter(int group, std::span<float> data) override { inner_.reduce_scatter(group, data); }
    void all_gather(int group, std::span<float> data) override { inner_.all_gather(group, data); }
    void sum(std::span<double> values) override { inner_.sum(values); }
    void abort() noexcept override { inner_.abort(); }

private:
    communicator& inner_;
    int lost_;
};

/// How a run of `p` ended: its report, how long it took, what the flight recorder says.
struct ending {
    std::string report, recorder;
    double seconds = 0;
    bool stuck = false;
};

struct faulty_run {
    std::function<void(int unit)> first, second;  // what the stages do at the start of a pass
    int lost = -1;                                // a message of worker 0
    local_mode mode = local_mode::eager;
    double watchdog = limit;

    ending of(const program& p) const {
        toy::stage a(0, 2, first), b(1, 2, second);
        local_world world(2, mode);
        lossy end(world.at(0), lost);
        const std::vector<communicator*> ends{&end, &world.at(1)};
        const auto file =
            std::filesystem::temp_directory_path() /
            ("chimera-recorder-" + std::to_string(std::hash<std::thread::id>()(std::this_thread::get_id())) +
             std::to_string(clock::now().time_since_epoch().count()));
        engine e(p, [&](int, int s) { return s == 0 ? &a : &b; }, ends,
                 {.watchdog_seconds = watchdog, .recorder_file = file.string()});
        ending result;
        const auto start = clock::now();
        try {
            for (int i = 0; i < 3; ++i) e.run_iteration();
        } catch (const run_failed& failure) {
            result.report = failure.what();
        }
        result.seconds = std::chrono::duration<double>(clock::now() - start).count();
        result.stuck = e.stuck();
        std::stringstream text;
        text << std::ifstream(file).rdbuf();
        result.recorder = text.str();
        std::filesystem::remove(file);
        return result;
    }
};

TEST(hang, a_stage_that_throws_is_named) {
    faulty_run run;
    run.watchdog = 2 * soon;
    run.second = [](int unit) {
        if (unit == 1) throw std::runtime_error("no more memory");
    };
    const ending end = run.of(by_hand::two_workers());
    EXPECT_THAT(end.report,
                HasSubstr("worker 1, instruction 5, forward (stage 1, unit 1, peer -) failed (no more memory)"));
    EXPECT_LT(end.seconds, soon);
    EXPECT_FALSE(end.stuck);
    EXPECT_THAT(end.recorder, HasSubstr("worker 1, now: failed"));
    EXPECT_THAT(end.recorder, HasSubstr("unfinished worker 1, instruction 5, forward (stage 1, unit 1, peer -)\n"));
    EXPECT_THAT(end.recorder, HasSubstr("worker 0, instruction 2, forward (stage 0, unit 1, peer -)\n"));
}

TEST(hang, a_worker_whose_thread_ends_is_named) {
    faulty_run run;
    run.watchdog = 2 * soon;
    run.first = [](int unit) {
        if (unit == 1) pthread_exit(nullptr);
    };
    const ending end = run.of(by_hand::two_workers());
    EXPECT_THAT(end.report,
                HasSubstr("worker 0, instruction 2, forward (stage 0, unit 1, peer -) failed (its thread was ended)"));
    EXPECT_LT(end.seconds, soon);
    EXPECT_FALSE(end.stuck);
}

TEST(hang, a_stage_that_stalls_is_named_not_those_who_wait_for_it) {
    faulty_run run;
    run.second = [](int unit) {
        if (unit == 0) std::this_thread::sleep_for(std::chrono::duration<double>(2 * limit));
    };
    const ending end = run.of(by_hand::two_workers());
    EXPECT_THAT(end.report, HasSubstr("worker 1, instruction 1, forward (stage 1, unit 0, peer 0) made no progress"));
    EXPECT_THAT(end.report, HasSubstr("stuck in compute"));
    EXPECT_GE(end.seconds, limit);
    EXPECT_LT(end.seconds, limit + 5);
    EXPECT_FALSE(end.stuck);  // it came back within the grace
}

TEST(hang, a_lost_message_is_named_at_its_receive) {
    faulty_run run;
    run.lost = 1;  // the last that worker 0 sends
    const ending end = run.of(by_hand::two_workers(-1));
    EXPECT_THAT(end.report,
                HasSubstr("worker 1, instruction 4, recv_activation (stage 1, unit 1, peer 0) made no progress"));
    EXPECT_THAT(end.report, HasSubstr("never comes"));
    EXPECT_GE(end.seconds, limit);
    EXPECT_LT(end.seconds, limit + 5);
}

TEST(hang, a_lost_message_with_another_behind_it_is_noticed_at_once) {
    faulty_run run;
    run.watchdog = 2 * soon;
    run.lost = 0;
    const ending end = run.of(by_hand::two_workers(-1));
    EXPECT_THAT(end.report, HasSubstr("worker 1, instruction 0, recv_activation (stage 1, unit 0, peer 0) failed"));
    EXPECT_LT(end.seconds, soon);
}

TEST(hang, a_send_that_is_missing_in_the_program_is_refused_before_it_runs) {
    program p = by_hand::two_workers(-1);
    ASSERT_EQ(p.instructions[18].op, action::send_gradient);
    p.instructions.erase(p.instructions.begin() + 18);
    p.offsets[2] -= 1;
    try {
        faulty_run().of(p);
        FAIL();
    } catch (const chimera_error& e) {
        EXPECT_THAT(e.what(), HasSubstr("worker 1, instruction 6, backward (stage 1, unit 1, peer -) cannot run"));
    }
}

TEST(hang, a_deadlock_is_called_one) {
    faulty_run run;
    run.mode = local_mode::rendezvous;
    const ending end = run.of(by_hand::two_workers(-1));
    EXPECT_THAT(end.report, HasSubstr("deadlock: worker"));
    EXPECT_THAT(end.report, testing::AnyOf(HasSubstr("send_activation (stage 1, unit 1, peer 1)"),
                                           HasSubstr("send_gradient (stage 0, unit 0, peer 0)")));
    EXPECT_LT(end.seconds, limit + 5);
    run.mode = local_mode::eager;
    EXPECT_EQ(run.of(by_hand::two_workers(-1)).report, "");
}

TEST(hang, two_sides_that_disagree_are_told) {
    program p = by_hand::two_workers(-1);
    p.instructions[11].message = 1;
    p.instructions[15].message = 0;
    faulty_run run;
    EXPECT_THAT(run.of(p).report, HasSubstr("do not agree on one order"));
}

TEST(hang, a_failed_run_stays_failed) {
    const program p = by_hand::two_workers();
    toy::stage a(0, 2, [](int) { throw std::runtime_error("once"); }), b(1, 2);
    local_world world(2);
    engine e(
        p, [&](int, int s) { return s == 0 ? &a : &b; }, world.ends());
    EXPECT_THROW(e.run_iteration(), run_failed);
    EXPECT_THROW(e.run_iteration(), run_failed);
    EXPECT_THROW(world.at(0).sum({}), aborted);
}

/// A worker blocked for ever in compute: the process ends all the same, with the report.
void run_with_a_blocked_stage() {
    const program p = by_hand::two_workers();
    toy::stage a(0, 2), b(1, 2, [](int unit) {
        if (unit != 1) return;
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    });
    local_world world(2);
    engine e(p, [&](int, int s) { return s == 0 ? &a : &b; }, world.ends(), {.watchdog_seconds = limit});
    try {
        e.run_iteration();
    } catch (const run_failed&) {
        if (!e.stuck()) std::_Exit(9);
    }
}

TEST(hang_death, a_worker_blocked_for_ever_does_not_keep_the_process) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto start = clock::now();
    EXPECT_EXIT(run_with_a_blocked_stage(), testing::ExitedWithCode(hang_exit_status),
                "worker 1, instruction 5, forward .stage 1, unit 1, peer 0. made no progress.*stuck in compute");
    EXPECT_LT(clock::now() - start, std::chrono::duration<double>(limit + 5));
}

}  // namespace
