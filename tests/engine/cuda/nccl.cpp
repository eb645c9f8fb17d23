// SPDX-License-Identifier: Apache-2.0
#include "on_gpu.hpp"

#include <executor/communicate/nccl/nccl.hpp>

#include <gmock/gmock.h>

#include <array>
#include <thread>

namespace {

using namespace chimera::executor;

class nccl : public on_gpu::test {};

/// Runs `code(end, stream)` on a thread and a GPU for each rank.
template <typename Code>
void on_each(int ranks, double timeout, const std::vector<members>& groups, Code code) {
    const blob id = make_nccl_id();
    std::vector<std::thread> threads;
    for (int r = 0; r < ranks; ++r)
        threads.emplace_back([&, r] {
            cuda_stream on(r);
            const auto end = make_nccl(id, {r, ranks, r, on.handle(), groups, timeout, 4});
            code(*end, on);
            cudaStreamSynchronize(static_cast<cudaStream_t>(on.handle()));
        });
    for (auto& t : threads) t.join();
}

/// Each rank sends to the next and receives from the one before, and adds up small whole numbers, which are exact in any order.
void exercise(communicator& end, cuda_stream& on) {
    constexpr std::size_t size = 100003;
    const int me = end.worker(), ranks = end.workers(), next = (me + 1) % ranks, before = (me + ranks - 1) % ranks;
    end.prepare(ranks);
    const std::array sent{traffic{next, size, 4}};
    end.reserve(sent);
    std::vector<std::int32_t> all;
    for (int r = 0; r < ranks; ++r) all.push_back(r);
    const int group = end.join(0, all);
    on_gpu::data<unsigned char> out(on, size), in(on, size);
    on_gpu::data<float> a(on, size);
    for (int turn = 0; turn < 20; ++turn) {
        out.fill(turn * ranks + me);
        const std::array both{transfer{out.bytes(), size, next, me, true},
                              transfer{in.bytes(), size, before, before, false}};
        end.start(both);
        out.fill(255);
        end.wait(before);
        ASSERT_EQ(in.get(), std::vector<unsigned char>(size, static_cast<unsigned char>(turn * ranks + before)));

        std::vector<float> mine(size), total(size), scattered(size);
        for (std::size_t i = 0; i < size; ++i)
            for (int r = 0; r < ranks; ++r) {
                const auto part = static_cast<float>((i + static_cast<std::size_t>(r * 7 + turn)) % 1000);
                total[i] += part;
                if (r == me) mine[i] = part;
            }
        a.set(mine);
        end.start_all_reduce(group, a.span());
        end.wait_all_reduce(group);
        ASSERT_EQ(a.get(), total);
        a.set(mine);
        end.reduce_scatter(group, a.span());
        end.all_gather(group, a.span());
        ASSERT_EQ(a.get(), total);
        std::array<double, 2> values{me + 0.5, 1};
        end.sum(values);
        EXPECT_EQ(values[0], ranks * (ranks - 1) / 2 + 0.5 * ranks);
        EXPECT_EQ(values[1], ranks);
    }
    end.check();
}

TEST_F(nccl, one_rank_sends_to_itself) {
    on_each(1, 60, {}, [](communicator& end, cuda_stream& on) { exercise(end, on); });
}

TEST_F(nccl, ranks_as_threads_of_one_process) {
    need(2);
    if (IsSkipped()) return;
    const int ranks = static_cast<int>(find_gpus().all.size());
    members all;
    for (int r = 0; r < ranks; ++r) all.push_back(r);
    on_each(ranks, 60, {all, {0, 1}}, [](communicator& end, cuda_stream& on) { exercise(end, on); });
}

TEST_F(nccl, a_rank_that_does_not_come_is_told_within_the_time) {
    cuda_stream on;
    try {
        make_nccl(make_nccl_id(), {0, 2, 0, on.handle(), {}, 2, 4});
        FAIL();
    } catch (const chimera::chimera_error& e) {
        EXPECT_THAT(e.what(), testing::HasSubstr("rank 0 of 2: joining the other ranks did not end within 2 s"));
    }
}

TEST_F(nccl, after_an_abort_every_call_throws) {
    on_each(1, 60, {}, [](communicator& end, cuda_stream&) {
        end.prepare(1);
        end.abort();
        EXPECT_THROW(end.check(), aborted);
        std::array<double, 1> values{};
        EXPECT_THROW(end.sum(values), aborted);
        EXPECT_THROW(end.wait(0), aborted);
        EXPECT_THROW(end.start({}), aborted);
    });
}

}  // namespace
