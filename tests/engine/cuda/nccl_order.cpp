// SPDX-License-Identifier: Apache-2.0
// How communicators of NCCL begin and end, and what may not happen between, on a host that stands in for GPUs and punishes as they do.
#include "tests/engine/cuda/fake/fake.hpp"

#include <executor/communicate/cuda/cuda_stream.hpp>
#include <executor/communicate/nccl/nccl.hpp>
#include <executor/device/cuda/gpu.hpp>

#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>

namespace {

using namespace chimera::executor;

using code = std::function<void(communicator&, cuda_stream&)>;

/// Runs each rank's code on a thread and a GPU of its own.
void on_each(const std::vector<code>& ranks, double timeout = 20) {
    const blob id = make_nccl_id();
    const int size = static_cast<int>(ranks.size());
    members all;
    for (int r = 0; r < size; ++r) all.push_back(r);
    std::vector<std::thread> threads;
    for (int r = 0; r < size; ++r)
        threads.emplace_back([&, r] {
            cuda_stream on(r);
            const auto end = make_nccl(id, {r, size, r, on.handle(), {all, {0, 1}}, timeout, 4});
            end->prepare(8);
            ranks[static_cast<std::size_t>(r)](*end, on);
        });
    for (auto& t : threads) t.join();
}

class nccl_order : public testing::Test {
protected:
    void SetUp() override {
        fake::start_machine(fake::pace::random, 7);
        fake::forget_hazards();
    }
    void TearDown() override {
        fake::buffer_messages(0);
        EXPECT_EQ(fake::hazards(), "");
        EXPECT_EQ(fake::aborts(), 0);
    }
};

/// Words of 13 bytes in a GPU's memory.
struct word {
    explicit word(int gpu, const char* text = "") : memory(gpu, size) { std::strcpy(at(), text); }
    char* at() const { return reinterpret_cast<char*>(memory.data()); }
    transfer to(int peer) const { return {memory.data(), size, peer, 0, true}; }
    transfer from(int peer) const { return {memory.data(), size, peer, 0, false}; }
    static constexpr std::size_t size = 13;
    device_memory memory;
};

void later() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

void reserve(communicator& end, int peer) { end.reserve(std::array{traffic{peer, word::size, 2}}); }

TEST_F(nccl_order, what_is_under_way_when_a_rank_ends_is_delivered) {
    fake::buffer_messages(64);
    const word sent(0, "last words"), got(1);
    on_each({[&](communicator& end, cuda_stream& on) {
                 reserve(end, 1);
                 end.start(std::array{sent.to(1)});
                 fake::stream_of(on.handle()).finish();
             },
             [&](communicator& end, cuda_stream& on) {
                 later();  // the other one is at its end
                 end.start(std::array{got.from(0)});
                 end.wait(0);
                 fake::stream_of(on.handle()).finish();
                 EXPECT_STREQ(got.at(), "last words");
             }});
}

/// Rank 1 joins in when it has had its message, which rank 0 sends after it has joined in.
TEST_F(nccl_order, the_first_call_of_a_collective_waits_for_nobody) {
    const word sent(0, "go"), got(1);
    const device_memory first(0, 2 * sizeof(float)), second(1, 2 * sizeof(float));
    const auto add_up = [](communicator& end, const device_memory& x) {
        const std::array<std::int32_t, 2> both{0, 1};
        const int group = end.join(0, both);
        return std::pair{group, std::span(reinterpret_cast<float*>(x.data()), 2)};
    };
    on_each({[&](communicator& end, cuda_stream& on) {
                 const auto [group, data] = add_up(end, first);
                 data[0] = 1;
                 reserve(end, 1);
                 end.start_all_reduce(group, data);
                 end.start(std::array{sent.to(1)});
                 end.wait_all_reduce(group);
                 fake::stream_of(on.handle()).finish();
                 EXPECT_EQ(data[0], 3);
             },
             [&](communicator& end, cuda_stream& on) {
                 const auto [group, data] = add_up(end, second);
                 data[0] = 2;
                 end.start(std::array{got.from(0)});
                 end.wait(0);
                 fake::stream_of(on.handle()).finish();
                 end.start_all_reduce(group, data);
                 end.wait_all_reduce(group);
                 fake::stream_of(on.handle()).finish();
                 EXPECT_EQ(data[0], 3);
             }},
            5);
}

TEST_F(nccl_order, sums_of_many_numbers_take_no_memory_beside_a_message) {
    const word sent(0, "now"), got(1);
    const auto sum_up = [](communicator& end) {
        std::vector<double> values(1001);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) + end.worker();
        end.sum(values);
        for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], 2 * static_cast<double>(i) + 1);
    };
    on_each({[&](communicator& end, cuda_stream& on) {
                 reserve(end, 1);
                 sum_up(end);
                 end.start(std::array{sent.to(1)});
                 fake::stream_of(on.handle()).finish();
             },
             [&](communicator& end, cuda_stream& on) {
                 end.start(std::array{got.from(0)});
                 sum_up(end);
                 end.wait(0);
                 fake::stream_of(on.handle()).finish();
                 EXPECT_STREQ(got.at(), "now");
             }});
}

TEST_F(nccl_order, more_messages_at_once_than_there_is_memory_for_are_refused) {
    const word sent(0);
    on_each({[&](communicator& end, cuda_stream&) {
        try {
            end.start(std::array{sent.to(0), sent.from(0)});
            ADD_FAILURE();
        } catch (const chimera::chimera_error& e) {
            EXPECT_THAT(e.what(), testing::HasSubstr("more messages of 13 bytes at once than the 0 there is memory"));
        }
    }});
}

TEST_F(nccl_order, an_older_library_than_the_program_was_built_with_is_refused) {
    const int built = fake::nccl_version;
    fake::nccl_version = 21805;
    try {
        make_nccl_id();
        ADD_FAILURE();
    } catch (const chimera::chimera_error& e) {
        EXPECT_THAT(e.what(), testing::StartsWith("NCCL 2.18 is loaded (the program was built for 2."));
    }
    fake::nccl_version = built;
}

/// Of the stand-in: what all other tests trust in.
TEST(nccl_hazards, are_seen_while_a_receive_waits) {
    fake::start_machine(fake::pace::random, 7);
    fake::forget_hazards();
    fake::forget_code();
    const word sent(0, "at last"), got(1);
    static const char known = 0, unknown = 0;
    const auto refused = [] { return fake::hazards().size(); };
    on_each({[&](communicator& end, cuda_stream& on) {
                 reserve(end, 1);
                 std::array<double, 1> hello{};
                 end.sum(hello);
                 later();
                 end.start(std::array{sent.to(1)});
                 fake::stream_of(on.handle()).finish();
             },
             [&](communicator& end, cuda_stream& on) {
                 fake::load(on.handle(), &known);
                 end.start(std::array{got.from(0)});
                 EXPECT_NO_THROW(fake::load(on.handle(), &known));
                 EXPECT_EQ(refused(), 0U);
                 EXPECT_THROW(fake::load(on.handle(), &unknown), std::logic_error);
                 EXPECT_THAT(fake::hazards(), testing::HasSubstr("first time while a call of NCCL on GPU 1 waits"));
                 const auto before = refused();
                 EXPECT_THROW(device_memory(1, 100), chimera::chimera_error);
                 EXPECT_GT(refused(), before);
                 EXPECT_NO_THROW(device_memory(2, 100));
                 std::array<double, 1> hello{};
                 end.sum(hello);
                 end.wait(0);
                 fake::stream_of(on.handle()).finish();
                 EXPECT_STREQ(got.at(), "at last");
                 const auto then = refused();
                 EXPECT_NO_THROW(device_memory(1, 100));
                 EXPECT_EQ(refused(), then);
             }});
}

}  // namespace
