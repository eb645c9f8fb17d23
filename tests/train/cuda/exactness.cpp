// SPDX-License-Identifier: Apache-2.0
// Pipelines on one GPU, joined by loopback, against plain loops of one worker there: the same bits, also where several workers hold
// a stage and add up their gradients.
#include "tests/train/exactness.hpp"

#include <executor/device/cuda/gpu.hpp>
#include <executor/gpu/gpu_backend.hpp>

#include <chimera/core/spec.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

namespace {

using namespace exactness;

class loopback : public testing::TestWithParam<bool> {
protected:
    void SetUp() override {
        if (const gpus_found found = find_gpus(); found.all.empty()) GTEST_SKIP() << "no GPU: " << found.why;
        on_ = make_gpu_backend({.workers = 1, .bf16 = GetParam(), .deterministic = true});
    }
    backend& on() { return *on_; }

private:
    std::unique_ptr<backend> on_;
};

#ifdef CHIMERA_ON_HOST  // where kernels are emulated, the precisions share the families
bool meets(int turn, bool bf16) { return (turn % 2 == 1) == bf16; }
/// Of the jobs with the fewest workers, from two to four, that with half the most micro-batches; none: there is no such job.
const sweep::job* job_of(const std::vector<sweep::job>& all) {
    const auto workers = [](const sweep::job& j) { return j.schedule.head.workers; };
    const auto first = std::ranges::find_if(all, [&](const sweep::job& j) { return workers(j) > 1; });
    if (first == all.end() || workers(*first) > 4) return nullptr;
    const auto last =
        std::find_if(first, all.end(), [&](const sweep::job& j) { return workers(j) != workers(*first); });
    return &first[(last - first) / 2];
}
#else
bool meets(int, bool) { return true; }
/// The largest of up to four workers, else the smallest.
const sweep::job* job_of(const std::vector<sweep::job>& all) {
    const sweep::job* best = &all.front();
    for (const sweep::job& j : all)
        if (j.schedule.head.workers <= 4) best = &j;
    return best;
}
#endif

TEST_P(loopback, every_family_trains_like_one_worker) {
    int turn = 0;
    for (const sweep::variant& v : sweep::variants(true)) {
        const auto all = sweep::jobs(v);
        const sweep::job* const j = job_of(all);
        if (!j || !meets(turn++, GetParam())) continue;
        const int choice = turn % sweep::choices;
        const program p = sweep::program_of(*j, choice);
        oracle plain(on());
        EXPECT_TRUE(plain.agrees(p, run(p, on()))) << sweep::name_of(*j, choice);
    }
    EXPECT_GE(turn, 40);
}

TEST_P(loopback, another_grouping_gives_other_bits) {  // otherwise the comparison would show nothing
    const program p = lower(generate(bidirectional{.stages = 2, .micro_batches = 5}));
    const program q = lower(generate(one_f_one_b{.stages = 2, .micro_batches = 5}));
    const result shared = run(p, on()), alone = run(q, on());
    EXPECT_FALSE(shared.at({0, 0}) == alone.at({0, 0}));
}

INSTANTIATE_TEST_SUITE_P(exactness, loopback, testing::Bool(),
                         [](const auto& of) { return std::string(of.param ? "bf16" : "fp32"); });

}  // namespace
