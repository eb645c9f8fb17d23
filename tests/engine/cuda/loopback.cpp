// SPDX-License-Identifier: Apache-2.0
#include "on_gpu.hpp"

#include <executor/communicate/loopback/loopback.hpp>
#include <executor/engine/cuda/cuda_work_queue.hpp>

#include <array>
#include <cmath>
#include <deque>
#include <thread>

namespace {

using namespace chimera::executor;
using loopback_on_gpu = on_gpu::test;

float value(std::size_t member, std::size_t i, int turn) {
    return std::sin(static_cast<float>(member * 1000 + static_cast<std::size_t>(turn)) + static_cast<float>(i) * 0.7F);
}
std::vector<float> data_of(std::size_t member, std::size_t size, int turn) {
    std::vector<float> data(size);
    for (std::size_t i = 0; i < size; ++i) data[i] = value(member, i, turn);
    return data;
}
std::vector<float> summed(std::size_t members, std::size_t size, int turn) {
    std::vector<float> total = data_of(0, size, turn);
    for (std::size_t m = 1; m < members; ++m)
        for (std::size_t i = 0; i < size; ++i) total[i] += value(m, i, turn);
    return total;
}

struct rig {
    explicit rig(std::size_t workers) {
        for (std::size_t i = 0; i <= workers; ++i) streams.emplace_back();
        std::vector<stream*> all;
        for (std::size_t w = 0; w < workers; ++w) all.push_back(&streams[w]);
        world = std::make_unique<loopback_world>(all, streams.back());
    }
    template <typename Code>
    void on_each(Code code) {
        std::vector<std::thread> threads;
        for (std::size_t w = 0; w + 1 < streams.size(); ++w)
            threads.emplace_back([&, w] { code(world->at(static_cast<int>(w)), streams[w]); });
        for (auto& t : threads) t.join();
    }
    std::deque<cuda_stream> streams;
    std::unique_ptr<loopback_world> world;
};

TEST_F(loopback_on_gpu, adds_in_order_wherever_tensors_begin) {
    cuda_stream on;
    for (const std::size_t members : {1U, 2U, 3U, 5U, 64U})
        for (const std::size_t size : {1U, 3U, 4U, 1000U, 100003U})
            for (const std::size_t offset : {0U, 1U}) {
                std::deque<on_gpu::data<float>> all;
                std::vector<const float*> from;
                std::vector<float*> into;
                for (std::size_t m = 0; m < members; ++m) {
                    all.emplace_back(on, size + offset);
                    auto values = data_of(m, size, 0);
                    values.insert(values.begin(), offset, 7.0F);
                    all.back().set(values);
                    from.push_back(all.back().at(offset));
                    into.push_back(all.back().at(offset));
                }
                on.add(from, into, size);
                auto right = summed(members, size, 0);
                right.insert(right.begin(), offset, 7.0F);
                for (auto& one : all) ASSERT_EQ(one.get(), right) << members << " " << size << " " << offset;
            }
}

TEST_F(loopback_on_gpu, workers_exchange_what_they_overwrite_at_once) {
    rig r(2);
    r.world->at(0).prepare(2);
    r.on_each([](communicator& end, cuda_stream& on) {
        constexpr std::size_t size = 1 << 20;
        on_gpu::data<unsigned char> out(on, size), in(on, size);
        const int me = end.worker(), peer = 1 - me;
        for (int turn = 0; turn < 100; ++turn) {
            out.fill(2 * turn + me);
            const std::array group{transfer{out.bytes(), size, peer, me, true},
                                   transfer{in.bytes(), size, peer, peer, false}};
            end.start(group);
            out.fill(255);
            end.wait(peer);
            ASSERT_EQ(in.get(), std::vector<unsigned char>(size, static_cast<unsigned char>(2 * turn + peer)));
            in.fill(254);
        }
    });
}

TEST_F(loopback_on_gpu, reductions_have_the_bits_of_the_host) {
    constexpr std::size_t workers = 4, size = 100003;
    rig r(workers);
    r.on_each([&](communicator& end, cuda_stream& on) {
        const std::array<std::int32_t, workers> all{0, 1, 2, 3};
        const int group = end.join(0, all);
        const auto me = static_cast<std::size_t>(end.worker());
        on_gpu::data<float> a(on, size);
        for (int turn = 0; turn < 20; ++turn) {
            a.set(data_of(me, size, turn));
            end.start_all_reduce(group, a.span());
            end.wait_all_reduce(group);
            ASSERT_EQ(a.get(), summed(workers, size, turn));
            a.set(data_of(me, size, turn));
            end.reduce_scatter(group, a.span());
            end.all_gather(group, a.span());
            ASSERT_EQ(a.get(), summed(workers, size, turn));
        }
    });
}

TEST_F(loopback_on_gpu, a_work_queue_tells_times_in_the_order_of_the_work) {
    cuda_stream on;
    const auto work_queue = make_cuda_work_queue(0, on.handle());
    work_queue->prepare(3);
    std::byte* const memory = work_queue->allocate(std::size_t{64} << 20);
    const auto start = work_queue::clock::now();
    work_queue->begin(start);
    work_queue->stamp(0);
    for (int i = 0; i < 20; ++i) on.copy(memory, memory + (std::size_t{32} << 20), std::size_t{32} << 20);
    work_queue->stamp(1);
    work_queue->stamp(2);
    const std::array times{work_queue->wait(0), work_queue->wait(1), work_queue->wait(2)};
    work_queue->finish();
    const double all = std::chrono::duration<double>(work_queue::clock::now() - start).count();
    EXPECT_GE(times[0], 0);
    EXPECT_GT(times[1], times[0]);
    EXPECT_GE(times[2], times[1]);
    EXPECT_LE(times[2], all + 1e-4);
    work_queue->release(memory);
}

}  // namespace
