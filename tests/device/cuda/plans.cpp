// SPDX-License-Identifier: Apache-2.0

// How device cuda chooses algorithms, and what it says when CUDA refuses: with a GPU that can be told to.

#include <chimera/core/error.hpp>
#include <executor/device/cuda/cuda.hpp>
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/device/emulated/enqueue.hpp"
#include "tests/device/lab.hpp"

#include <cublasLt.h>
#include <gmock/gmock.h>

#include <unistd.h>
#include <fstream>

namespace chimera::executor::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class cuda_plans : public testing::Test {
protected:
    void SetUp() override { fs::remove_all(folder()), fake::the() = {.taken = fake::the().taken}; }
    void TearDown() override { fs::remove_all(folder()), fake::the() = {.taken = fake::the().taken}; }

    static fs::path folder(const std::string& name = "") {
        return fs::temp_directory_path() / ("chimera_plans_" + std::to_string(getpid())) / name;
    }
    /// Makes plans as a layer does, and says which algorithm then runs.
    static int chosen(const cuda_options& options) {
        cuda_device<float> device(options);
        const auto prepared = device.prepare(linear_shape{16, 8, 24}, linear_role::biased);
        lab l(device);
        auto *x = l.numbers(128, 1), *w = l.numbers(192, 2), *b = l.numbers(24, 3), *y = l.empty(384);
        const int asked = fake::the().heuristics;
        device.linear_forward(prepared, x, w, b, nullptr, y);
        EXPECT_EQ(fake::the().heuristics, asked) << "planned while running";
        return fake::the().last;
    }
    static std::string refusal(const std::function<void()>& f) {
        try {
            f();
        } catch (const chimera_error& e) {
            return e.what();
        }
        return "nothing was refused";
    }
};

TEST_F(cuda_plans, the_fastest_is_taken_and_remembered) {
    fake::the().fastest = 1;
    EXPECT_EQ(chosen({.cache = folder("a")}), 1);
    ASSERT_EQ(std::distance(fs::directory_iterator(folder("a")), {}), 1);
    fs::copy(folder("a"), folder("b"));
    fake::the().heuristics = 0;
    EXPECT_EQ(chosen({.cache = folder("b")}), 1);
    EXPECT_EQ(fake::the().heuristics, 0);
}

TEST_F(cuda_plans, what_was_remembered_wrongly_is_measured_again) {
    fs::create_directories(folder("c"));
    EXPECT_EQ(chosen({.cache = folder("d")}), 2);
    const fs::path name = fs::directory_iterator(folder("d"))->path().filename();
    std::string key, product;
    {  // a valid line with an algorithm that cuBLASLt does not know
        std::ifstream in(folder("d") / name);
        std::string line;
        choices wrong(folder("c") / name);
        std::getline(in, line);
        while (std::getline(in, line)) {
            key = line.substr(line.find(' ') + 1);
            key = key.substr(0, key.find(' '));
            if (!key.starts_with("fuse_")) wrong.keep(product = key, {1, 2, 3});
        }
    }
    EXPECT_EQ(chosen({.cache = folder("c")}), 2);
    EXPECT_EQ(choices(folder("c") / name).find(product), choices(folder("d") / name).find(product));
    EXPECT_FALSE(product.empty());
}

TEST_F(cuda_plans, what_is_fused_is_what_pays) {
    for (const bool pays : {true, false}) {
        fake::the().fused_cost = pays ? 0 : 0.1;
        cuda_device<bf16> device(cuda_options{.cache = folder(pays ? "f" : "g")});
        const auto prepared = device.prepare(linear_shape{9, 24, 16}, linear_role::gelu);
        const int asked = fake::the().heuristics;
        for (const bool keep : {false, true})
            conform(device, "GELU", [&](auto& l) {
                auto *x = l.numbers(9 * 24, 1), *w = l.numbers(24 * 16, 2), *b = l.numbers(16, 4);
                auto *y = l.empty(9 * 16), *kept = l.empty(9 * 16);
                l.device.linear_gelu_forward(l.device.prepare(linear_shape{9, 24, 16}), x, w, b, keep ? kept : nullptr,
                                             y);
                l.give(y, 9 * 16, {40, 2.5});
                if (keep) l.give(kept, 9 * 16, {30, 1});
            });
        EXPECT_EQ(fake::the().last_epilogue, pays ? CUBLASLT_EPILOGUE_GELU_AUX_BIAS : CUBLASLT_EPILOGUE_BIAS);
        for (const bool add : {false, true})
            conform(device, "sums", [&](auto& l) {
                auto *x = l.numbers(9 * 24, 1), *dy = l.numbers(9 * 16, 2);
                auto *dw = l.wides(24 * 16, 5), *db = l.wides(16, 6);
                l.device.linear_backward_weight(l.device.prepare(linear_shape{9, 24, 16}), dy, x, dw, db, add);
                l.give(dw, 24 * 16, {30, 0});
                l.give(db, 16, {30, 0});
            });
        EXPECT_EQ(fake::the().last_epilogue, pays ? CUBLASLT_EPILOGUE_BGRADA : CUBLASLT_EPILOGUE_DEFAULT);
        EXPECT_EQ(fake::the().heuristics, asked) << "planned while running";
        EXPECT_NE(prepared, nullptr);
        const auto after = device.prepare(linear_shape{9, 16, 24}, linear_role::residual_after_gelu);
        const int asked_after = fake::the().heuristics;
        for (const bool in_place : {false, true})
            conform(device, "GELU's backward", [&](auto& l) {
                auto *dy = l.numbers(9 * 24, 1), *w = l.numbers(24 * 16, 2), *before = l.numbers(9 * 16, 3);
                auto *room = l.empty(9 * 16), *dx = in_place ? before : room;
                l.device.linear_gelu_backward_input(l.device.prepare(linear_shape{9, 16, 24}), dy, w, before, dx, room);
                l.give(dx, 9 * 16, {40, pays ? 1. : 2.});  // the product is not stored before its slope is known
            });
        EXPECT_EQ(fake::the().last_epilogue, pays ? CUBLASLT_EPILOGUE_DGELU : CUBLASLT_EPILOGUE_DEFAULT);
        EXPECT_EQ(fake::the().heuristics, asked_after) << "planned while running";
        EXPECT_NE(after, nullptr);
    }
}

TEST_F(cuda_plans, deterministic_ones_are_not_measured) {
    fake::the().fastest = 1;
    EXPECT_EQ(chosen({.deterministic = true, .cache = folder("e")}), 0);
    EXPECT_TRUE(fake::the().operands.empty()) << "one was timed";
    EXPECT_FALSE(fs::exists(folder("e")));
}

// Without any algorithm of cuBLASLt all is computed by definition.
TEST_F(cuda_plans, products_that_cublaslt_cannot_do_are_done_all_the_same) {
    fake::the().no_algorithms = true;
    cuda_device<bf16> device(cuda_options{.cache = {}});
    const attention_shape s{2, 17, 3, 48};
    conform(device, "attention", [&](auto& l) {
        auto *qkv = l.numbers(34 * 144, 1), *dy = l.numbers(34 * 48, 2);
        auto *y = l.empty(34 * 48), *d_qkv = l.empty(34 * 144);
        auto* log_sum = l.empty_wide(6 * 17);
        const auto prepared = l.device.prepare(s);
        l.device.attention_forward(prepared, qkv, y, log_sum);
        l.device.attention_backward(prepared, qkv, y, dy, log_sum, d_qkv);
        l.give(y, 34 * 48, {50, 2});
        l.give(d_qkv, 34 * 144, {50, 8});
    });
    for (const bool transposed : {false, true})
        conform(device, "linear", [&](auto& l) {
            const auto prepared = l.device.prepare(linear_shape{9, 24, 16, transposed});
            auto *x = l.numbers(9 * 24, 1), *w = l.numbers(24 * 16, 2), *dy = l.numbers(9 * 16, 3);
            auto *y = l.empty(9 * 16), *dx = l.empty(9 * 24), *b = l.numbers(16, 4), *kept = l.empty(9 * 16);
            auto *dw = l.wides(24 * 16, 5), *db = l.wides(16, 6);
            l.device.linear_forward(prepared, x, w, b, dy, y);
            l.give(y, 9 * 16, {30, 2});
            l.device.linear_gelu_forward(prepared, x, w, b, kept, y);
            l.device.linear_gelu_backward_input(prepared, dy, w, x, dx, dx);
            l.give(dx, 9 * 24, {40, 2});
            l.device.linear_backward_input(prepared, dy, w, dx);
            l.device.linear_backward_weight(prepared, dy, x, dw, db, true);
            l.give(y, 9 * 16, {30, 3.5});
            l.give(kept, 9 * 16, {30, 2});
            l.give(dx, 9 * 24, {30, 1});
            l.give(dw, 24 * 16, {30, 0});
            l.give(db, 16, {30, 0});
        });
}

TEST_F(cuda_plans, refusals_say_what_why_and_what_to_do) {
    const auto one_line = Not(HasSubstr("\n"));
    EXPECT_THAT(refusal([] { cuda_device<float>(cuda_options{.gpu = 1}); }),
                AllOf(one_line, HasSubstr("there is no GPU 1 (GPUs 0 to 0 are visible) name one of them")));
    fake::the().count_error = cudaErrorInsufficientDriver;
    EXPECT_THAT(refusal([] { cuda_device<float>(); }), AllOf(one_line, HasSubstr("driver version is insufficient")));
    EXPECT_TRUE(find_gpus().all.empty());
    fake::the().count_error = cudaSuccess;
    fake::the().memory = fake::the().taken + (std::size_t{100} << 20);
    EXPECT_THAT(
        refusal([] {
            cuda_device<float> device(cuda_options{.cache = {}});
            device.allocate(std::size_t{200} << 20);
        }),
        AllOf(one_line, HasSubstr("GPU 0 is out of memory (200 MiB were asked for, 68 MiB of 100 MiB are free)"),
              HasSubstr("recompute")));
}

/// As a launch does on a GPU for which there is no kernel.
TEST_F(cuda_plans, a_gpu_that_the_program_was_not_built_for_is_named_with_its_capability) {
    emulated::enqueue = [](void*, std::function<void()>) { gpu::launch_failed(cudaErrorNoKernelImageForDevice); };
    fake::the().capability = 121;
    const std::string newer = refusal([] { cuda_device<float>(); });
    fake::the().capability = 75;
    const std::string older = refusal([] { cuda_device<float>(); });
    emulated::enqueue = nullptr;
    EXPECT_EQ(
        newer,
        "no kernel of this program runs on GPU 0, a host / in disguise (its compute capability is 12.1, the program "
        "was built for 80, 90) build it with -DCMAKE_CUDA_ARCHITECTURES=121");
    EXPECT_EQ(
        older,
        "no kernel of this program runs on GPU 0, a host / in disguise (its compute capability is 7.5, the program was "
        "built for 80, 90) use a GPU of 8.0 or more, or train on the CPU");
}

TEST_F(cuda_plans, memory_moves_and_is_given_back) {
    const std::size_t before = fake::the().taken;
    {
        device_memory a(0, 100), b;
        std::byte* const at = a.data();
        EXPECT_EQ(static_cast<int>(at[99]), 0);
        b = std::move(a);
        EXPECT_EQ(b.data(), at);
        EXPECT_EQ(a.data(), nullptr);
        b = device_memory(0, 50);
        EXPECT_EQ(fake::the().taken, before + 50);
    }
    EXPECT_EQ(fake::the().taken, before);
}

}  // namespace
}  // namespace chimera::executor::test
