// SPDX-License-Identifier: Apache-2.0

// Fused attention, where this program was built with it, against matrix products and the reference; on the host a stand-in for it.

#include <executor/device/cuda/fused_attention.hpp>
#include "tests/device/cuda/setups.hpp"

#ifdef CHIMERA_ON_HOST
#include "tests/device/cuda/fake/fake.hpp"
#else
#include <cuda_runtime_api.h>
#endif

#include <gmock/gmock.h>

namespace chimera::executor::test {
namespace {

using testing::HasSubstr;
using device = cuda_device<bf16>;

/// Gradients and results of one attention, as numbers and as bits.
struct outcome {
    std::vector<double> y, d_qkv;
    friend bool operator==(const outcome&, const outcome&) = default;
};

class fused : public testing::Test {
protected:
    void SetUp() override {
#ifdef CHIMERA_ON_HOST
        fake::the() = {.taken = fake::the().taken, .fused = {.built = true }};
#endif
        if (!gpu_is_there()) GTEST_SKIP() << "no GPU here";
        if (!detail::has_fused_attention()) GTEST_SKIP() << "built without cuDNN's frontend";
    }
    void TearDown() override {
#ifdef CHIMERA_ON_HOST
        fake::the() = {.taken = fake::the().taken};
#endif
    }
    static device made(bool fuse, bool deterministic) {
        return device(cuda_options{.deterministic = deterministic, .fused_attention = fuse, .cache = {}});
    }
    static std::size_t rows(const attention_shape& s) { return std::size_t(s.rows()) * std::size_t(s.channels); }

    /// `repeat` runs what it is given, or what becomes of it.
    template <class Run>
    static outcome run(device& on, const attention_shape& s, bool in_place, Run repeat) {
        lab l(on);
        const std::size_t n = rows(s);
        auto *qkv = l.numbers(3 * n, 1), *dy = l.numbers(n, 2), *y = l.empty(n);
        auto* d_qkv = in_place ? qkv : l.empty(3 * n);
        auto* log_sum = l.empty_wide(std::size_t(s.sequences) * std::size_t(s.heads) * std::size_t(s.tokens));
        const auto prepared = on.prepare(s);
        repeat([&] {
            on.attention_forward(prepared, qkv, y, log_sum);
            on.attention_backward(prepared, qkv, y, dy, log_sum, d_qkv);
        });
        l.give(y, n, {});
        l.give(d_qkv, 3 * n, {});
        return {l.found[0].values, l.found[1].values};
    }
    static outcome run(device& on, const attention_shape& s, bool in_place = false) {
        return run(on, s, in_place, [](auto what) { what(); });
    }
};

#ifdef CHIMERA_ON_HOST
const attention_shape shapes[] = {{2, 17, 3, 3 * 64}, {1, 37, 2, 2 * 128}, {3, 5, 1, 40}};
#else
const attention_shape shapes[] = {{2, 1024, 12, 12 * 64}, {1, 4096, 2, 2 * 64}, {2, 1024, 3, 3 * 128},
                                  {1, 4096, 4, 4 * 128},  {3, 1023, 5, 5 * 64}, {2, 37, 3, 3 * 40}};
#endif

std::string name(const attention_shape& s) {
    return std::to_string(s.sequences) + " of " + std::to_string(s.tokens) + ", heads of " +
           std::to_string(s.head_size());
}

TEST_F(fused, is_what_shapes_of_models_get) {
    for (const bool deterministic : {false, true})
        for (const attention_shape& s : shapes) {
            device on = made(true, deterministic);
            const auto prepared = on.prepare(s);
            EXPECT_TRUE(on.is_fused(prepared)) << name(s) << ": " << on.attention_way(prepared);
#ifndef CHIMERA_ON_HOST
            EXPECT_THAT(on.attention_way(prepared), testing::StartsWith("cuDNN ")) << name(s);
#endif
        }
}

// Each of the two rounds what it stores by 2⁻⁸ of it at most: y from probabilities that are rounded, d_qkv from rounded gradients of
// scores besides. Sums are of up to as many terms as there are tokens.
TEST_F(fused, equals_matrix_products) {
    for (const bool deterministic : {false, true})
        for (const attention_shape& s : shapes) {
            device by_cudnn = made(true, deterministic), by_products = made(false, deterministic);
            const outcome a = run(by_cudnn, s), b = run(by_products, s);
            const double sums = s.tokens * 0x1p-24;
            expect_near<double, double>(a.y, b.y, sums + 4 * 0x1p-8, name(s) + " y");
            expect_near<double, double>(a.d_qkv, b.d_qkv, sums + 16 * 0x1p-8, name(s) + " d_qkv");
        }
}

TEST_F(fused, equals_the_reference_and_may_overwrite_its_input) {
    for (const bool in_place : {false, true}) {
        device on = made(true, false);
        conform(on, in_place ? "in place" : "apart", [&](auto& l) {
            auto *qkv = l.numbers(2 * 37 * 3 * 128, 1), *dy = l.numbers(2 * 37 * 128, 2), *y = l.empty(2 * 37 * 128);
            auto* d_qkv = in_place ? qkv : l.empty(2 * 37 * 3 * 128);
            auto* log_sum = l.empty_wide(2 * 2 * 37);
            const auto prepared = l.device.prepare(attention_shape{2, 37, 2, 128});
            l.device.attention_forward(prepared, qkv, y, log_sum);
            l.device.attention_backward(prepared, qkv, y, dy, log_sum, d_qkv);
            l.give(y, 2 * 37 * 128, {50, 2});
            l.give(log_sum, 2 * 2 * 37, {50, 0});
            l.give(d_qkv, 2 * 37 * 3 * 128, {50, 8});
        });
    }
}

TEST_F(fused, leaves_the_same_bits_twice_where_that_is_asked_for) {
    for (const attention_shape& s : shapes) {
        device on = made(true, true);
        ASSERT_TRUE(on.is_fused(on.prepare(s))) << on.attention_way(on.prepare(s));
        const outcome first = run(on, s);
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(run(on, s) == first) << name(s);
        EXPECT_TRUE(run(on, s, true) == first) << name(s) << " in place";
        device other = made(true, true);
        EXPECT_TRUE(run(other, s) == first) << name(s) << " on another device";
    }
}

#ifdef CHIMERA_ON_HOST

TEST_F(fused,
       the_stand_in_leaves_other_bits_where_the_same_are_not_asked_for) {  // else the test above would show nothing
    device on = made(true, false);
    const outcome first = run(on, shapes[0]);
    EXPECT_FALSE(run(on, shapes[0]) == first);
}

TEST_F(fused, says_why_it_is_not_used_and_once) {
    fake::the().fused.refuses = "a shape of the moon";
    testing::internal::CaptureStderr();
    for (int i = 0; i < 3; ++i) {
        device on = made(true, i == 0);
        const auto prepared = on.prepare(shapes[0]);
        EXPECT_FALSE(on.is_fused(prepared));
        EXPECT_EQ(on.attention_way(prepared), "matrix products (a shape of the moon)");
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "chimera: note: attention of 3 heads of 64 over 17 tokens goes by matrix products, slowly (a shape of "
              "the moon)\n");
}

TEST_F(fused, is_silent_where_it_was_not_built_or_not_wanted) {
    testing::internal::CaptureStderr();
    device off = made(false, false);
    EXPECT_EQ(off.attention_way(off.prepare(shapes[0])), "matrix products (fused attention is turned off)");
    cuda_device<float> wide(cuda_options{.cache = {}});
    EXPECT_EQ(wide.attention_way(wide.prepare(shapes[0])), "matrix products (in fp32)");
    fake::the().fused.built = false;
    device without = made(true, false);
    EXPECT_EQ(without.attention_way(without.prepare(shapes[0])), "matrix products (it was not built)");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(fused, is_asked_to_be_deterministic_where_the_device_is) {
    for (const bool deterministic : {true, false}) {
        device on = made(true, deterministic);
        on.prepare(shapes[0]);
        EXPECT_EQ(fake::the().fused.deterministic, deterministic);
    }
}

TEST_F(fused, gives_way_to_products_where_its_workspace_is_too_large) {
    fake::the().fused.workspace = std::size_t{1} << 30;  // products of this shape need less
    device enough = made(true, true);
    EXPECT_TRUE(enough.is_fused(enough.prepare(shapes[0])));
    ++fake::the().fused.workspace;
    device less = made(true, true);
    EXPECT_EQ(less.attention_way(less.prepare(shapes[0])), "matrix products (its workspace is too large)");
}

TEST_F(fused, gives_way_to_products_where_it_is_refused_when_run) {
    for (const bool before_forward : {true, false}) {
        device on = made(true, true), by_products = made(false, true);
        const auto refuse = [] { fake::the().fused.refuses_to_run = "not today"; };
        fake::the().fused.refuses_to_run.clear();
        const auto prepared = on.prepare(shapes[1]);
        if (before_forward) refuse();
        lab l(on);
        const std::size_t n = rows(shapes[1]);
        auto *qkv = l.numbers(3 * n, 1), *dy = l.numbers(n, 2), *y = l.empty(n);
        auto* log_sum = l.empty_wide(2 * 37);
        on.attention_forward(prepared, qkv, y, log_sum);
        refuse();
        on.attention_backward(prepared, qkv, y, dy, log_sum, qkv);
        EXPECT_EQ(on.attention_way(prepared), "matrix products (not today)");
        l.give(qkv, 3 * n, {});
        const outcome expected = run(by_products, shapes[1]);
        expect_near<double, double>(l.found[0].values, expected.d_qkv, before_forward ? 0 : 16 * 0x1p-8, "d_qkv");
    }
}

#else

TEST_F(fused, runs_inside_a_graph) {
    for (const bool deterministic : {false, true}) {
        device on = made(true, deterministic);
        const attention_shape& s = shapes[0];
        const outcome plain = run(on, s);
        const auto stream = static_cast<cudaStream_t>(on.stream());
        const outcome recorded = run(on, s, false, [&](auto what) {
            on.finish();
            cudaGraph_t graph = nullptr;
            cudaGraphExec_t runnable = nullptr;
            ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
            what();
            ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
            ASSERT_EQ(cudaGraphInstantiate(&runnable, graph, 0), cudaSuccess);
            for (int i = 0; i < 2; ++i) ASSERT_EQ(cudaGraphLaunch(runnable, stream), cudaSuccess);
            on.finish();
            cudaGraphExecDestroy(runnable), cudaGraphDestroy(graph);
        });
        EXPECT_EQ(recorded.y, plain.y);
        if (deterministic)
            EXPECT_EQ(recorded.d_qkv, plain.d_qkv);
        else
            expect_near<double, double>(recorded.d_qkv, plain.d_qkv, s.tokens * 0x1p-24 + 0x1p-8, "d_qkv");
    }
}

#endif

}  // namespace
}  // namespace chimera::executor::test
