// SPDX-License-Identifier: Apache-2.0

// Algorithms that cuBLASLt offers and then refuses, choices made without room to measure in, and copies: with a GPU that can be told to.

#include <chimera/core/error.hpp>
#include <executor/device/cuda/cuda.hpp>
#include <executor/layers/batches.hpp>
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/device/lab.hpp"

#include <cublasLt.h>
#include <gmock/gmock.h>

#include <unistd.h>
#include <fstream>

namespace chimera::executor::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class cuda_candidates : public testing::Test {
protected:
    void SetUp() override { clear(); }
    void TearDown() override { clear(); }

    static fs::path folder(const std::string& name = "") {
        return fs::temp_directory_path() / ("chimera_candidates_" + std::to_string(getpid())) / name;
    }
    static cuda_options keeping(const char* name, bool deterministic = false) {
        return {.deterministic = deterministic, .cache = folder(name)};
    }
    static void clear() { fs::remove_all(folder()), fake::the() = {.taken = fake::the().taken}; }

    /// A biased layer's forward against the oracle; says which algorithm computed it, or -1 for none of cuBLASLt's.
    template <class D>
    static int computes(D& device) {
        fake::the().last = -1;
        conform(device, "linear", [](auto& l) {
            const auto prepared = l.device.prepare(linear_shape{17, 9, 24}, linear_role::biased);
            auto *x = l.numbers(17 * 9, 1), *w = l.numbers(9 * 24, 2), *b = l.numbers(24, 3), *y = l.empty(17 * 24);
            l.device.linear_forward(prepared, x, w, b, nullptr, y);
            l.give(y, 17 * 24, {30, 2});
        });
        return fake::the().last;
    }
    /// The three operations in which something may be part of a product.
    template <class D>
    static void computes_fused(D& device, linear_role role = linear_role::any) {
        conform(device, "fused", [&](auto& l) {
            const auto prepared = l.device.prepare(linear_shape{17, 24, 16}, role);
            auto *x = l.numbers(17 * 24, 1), *w = l.numbers(24 * 16, 2), *dy = l.numbers(17 * 16, 3);
            auto *y = l.empty(17 * 16), *dx = l.empty(17 * 24), *b = l.numbers(16, 4), *kept = l.empty(17 * 16);
            auto *dw = l.wides(24 * 16, 5), *db = l.wides(16, 6);
            l.device.linear_gelu_forward(prepared, x, w, b, kept, y);
            l.device.linear_gelu_backward_input(prepared, dy, w, x, dx, dx);
            l.device.linear_backward_weight(prepared, dy, x, dw, db, true);
            l.give(y, 17 * 16, {40, 3.5});
            l.give(kept, 17 * 16, {30, 2});
            l.give(dx, 17 * 24, {40, 2});
            l.give(dw, 24 * 16, {30, 0});
            l.give(db, 16, {30, 0});
        });
    }
    static std::size_t lines_of(const std::string& name) {
        std::size_t lines = 0;
        std::error_code none;
        for (const auto& file : fs::directory_iterator(folder(name), none)) {
            std::ifstream in(file.path());
            for (std::string line; std::getline(in, line);) ++lines;
        }
        return lines;
    }
};

TEST_F(cuda_candidates, what_does_not_start_is_not_chosen) {
    for (const bool deterministic : {false, true}) {
        fake::the().fastest = 0, fake::the().broken = 1;
        cuda_device<bf16> device(keeping(deterministic ? "a" : "b", deterministic));
        EXPECT_EQ(computes(device), 1);
        fake::the().broken = 3;
        cuda_device<bf16> other(keeping(deterministic ? "c" : "d", deterministic));
        EXPECT_EQ(computes(other), 2);
    }
}

TEST_F(cuda_candidates, where_none_starts_a_plain_kernel_computes_and_says_so) {
    for (const bool deterministic : {false, true}) {
        fake::the().broken = 7;
        cuda_device<bf16> device(keeping(deterministic ? "e" : "f", deterministic));
        testing::internal::CaptureStderr();
        EXPECT_EQ(computes(device), -1);
        computes_fused(device);
        const std::string said = testing::internal::GetCapturedStderr();
        if (!deterministic) {
            EXPECT_THAT(
                said,
                HasSubstr("chimera: note: no algorithm of cuBLASLt starts for a product [17, 9] x [9, 24] of bf16 into "
                          "bf16, with a bias: a plain kernel computes it, slowly (3.67e+03 multiply-adds)\n"));
            EXPECT_THAT(
                said,
                HasSubstr(
                    "[17, 24] x [24, 16] of bf16 into bf16, with a bias and GELU, whose input is kept: kernels of "
                    "their own do what goes with it\n"));
        } else {
            EXPECT_THAT(said, Not(HasSubstr("[17, 9] x [9, 24]"))) << "said twice";
        }
        EXPECT_EQ(lines_of(deterministic ? "e" : "f"), 0u) << "remembered";
    }
}

TEST_F(cuda_candidates, an_epilogue_that_is_offered_and_refused_is_not_fused) {
    for (const int broken : {int(CUBLASLT_EPILOGUE_GELU_AUX_BIAS), int(CUBLASLT_EPILOGUE_DGELU),
                             int(CUBLASLT_EPILOGUE_BGRADA), int(CUBLASLT_EPILOGUE_GELU_BIAS)})
        for (const bool deterministic : {false, true}) {
            fake::the().broken_epilogue = broken;
            const std::string name = std::to_string(broken) + (deterministic ? "d" : "");
            cuda_device<bf16> device(keeping(name.c_str(), deterministic));
            computes_fused(device);
        }
}

TEST_F(cuda_candidates, results_of_the_heuristic_that_are_not_valid_are_passed_over) {
    fake::the().fastest = 0, fake::the().invalid = 1;
    for (const bool deterministic : {false, true}) {
        cuda_device<float> device(keeping(deterministic ? "g" : "h", deterministic));
        EXPECT_EQ(computes(device), 1);
    }
    EXPECT_EQ(fake::the().unknown, 0);
}

TEST_F(cuda_candidates, workspaces_larger_than_what_is_given_are_passed_over) {
    fake::the().fastest = 0, fake::the().workspace[0] = (std::size_t{32} << 20) + 1;
    fake::the().workspace[1] = std::size_t{32} << 20;
    cuda_device<float> device(keeping("i", true));
    EXPECT_EQ(computes(device), 1);
}

TEST_F(cuda_candidates, what_was_remembered_is_taken_only_if_it_starts) {
    fake::the().fastest = 1;
    {
        cuda_device<float> device(keeping("j"));
        EXPECT_EQ(computes(device), 1);
    }
    fs::copy(folder("j"), folder("k"));
    fake::the().broken = 2, fake::the().fastest = 2;
    cuda_device<float> device(keeping("k"));
    EXPECT_EQ(computes(device), 2);
}

TEST_F(cuda_candidates, without_room_to_measure_all_devices_of_a_process_choose_the_same) {
    fake::the().fastest = 2;
    cuda_device<float> first(keeping("l")), second(keeping("l"));
    const auto shape = linear_shape{17, 9, 24};
    lab l(first);
    auto *x = l.numbers(17 * 9, 1), *w = l.numbers(9 * 24, 2), *y = l.empty(17 * 24);
    const std::size_t memory = fake::the().memory;
    const auto prepared = first.prepare(shape), other = second.prepare(shape);
    fake::the().memory = fake::the().taken;
    first.linear_forward(prepared, x, w, nullptr, nullptr, y);
    const int chosen = fake::the().last;
    EXPECT_EQ(chosen, 0);
    EXPECT_EQ(lines_of("l"), 0u) << "what was not measured was remembered";
    fake::the().memory = memory;
    second.linear_forward(other, x, w, nullptr, nullptr, y);
    EXPECT_EQ(fake::the().last, chosen);
}

TEST_F(cuda_candidates, without_room_nothing_is_fused_that_was_not_tried) {
    cuda_device<bf16> first(keeping("m")), second(keeping("m"));
    const auto shape = linear_shape{17, 24, 16};
    lab l(first);
    auto *x = l.numbers(17 * 24, 1), *w = l.numbers(24 * 16, 2), *b = l.numbers(16, 4), *y = l.empty(17 * 16);
    const std::size_t memory = fake::the().memory;
    const auto prepared = first.prepare(shape), other = second.prepare(shape);
    fake::the().memory = fake::the().taken;
    first.linear_gelu_forward(prepared, x, w, b, nullptr, y);
    EXPECT_EQ(fake::the().last_epilogue, CUBLASLT_EPILOGUE_BIAS);
    fake::the().memory = memory;
    second.linear_gelu_forward(other, x, w, b, nullptr, y);
    EXPECT_EQ(fake::the().last_epilogue, CUBLASLT_EPILOGUE_BIAS) << "two devices in different bits";
}

TEST_F(cuda_candidates, an_algorithm_refused_at_run_gives_place_to_the_next) {
    for (const bool deterministic : {false, true}) {
        fake::the().broken = 0, fake::the().fastest = 1;
        cuda_device<float> device(keeping(deterministic ? "n" : "o", deterministic));
        const int before = computes(device);
        EXPECT_EQ(before, deterministic ? 0 : 1);
        fake::the().broken = 1u << before;
        EXPECT_EQ(computes(device), deterministic ? 1 : 0);
        fake::the().broken = 7;
        EXPECT_EQ(computes(device), -1);
    }
}

TEST_F(cuda_candidates, operands_smaller_than_the_cache_are_not_measured_where_they_lie_in_it) {
    const std::size_t bytes = (17 * 9 * 4 + 255) / 256 * 256 + (9 * 24 * 4 + 255) / 256 * 256 + 2 * 1792;
    for (const std::size_t cache : {std::size_t{0}, bytes, 5 * bytes, 100 * bytes}) {
        fake::the().cache = static_cast<int>(cache), fake::the().operands.clear();
        cuda_device<float> device(keeping(std::to_string(cache).c_str()));
        device.prepare(linear_shape{17, 9, 24}, linear_role::any);
        lab l(device);
        auto *x = l.numbers(17 * 9, 1), *w = l.numbers(9 * 24, 2), *y = l.empty(17 * 24);
        device.linear_forward(device.prepare(linear_shape{17, 9, 24}), x, w, nullptr, nullptr, y);
        const std::size_t sets = fake::the().operands.size();
        EXPECT_LE(sets, 16u);
        EXPECT_GE((sets - 1) * bytes, std::min(cache, 15 * bytes)) << cache;
        if (cache == 0) {
            EXPECT_EQ(sets, 1u);
        }
    }
}

TEST_F(cuda_candidates, test_data_is_made_once_and_doubled_on_the_gpu) {
    cuda_device<bf16> device(keeping("p"));
    const std::size_t before = fake::the().from_host;
    fake::the().skip_timed = true;
    device.prepare(linear_shape{2000, 777, 600}, linear_role::bare);  // operands of 6 MB and more, four products
    EXPECT_LE(fake::the().from_host - before, std::size_t{4} * (1 << 19));
}

TEST_F(cuda_candidates, a_gpu_is_described_once) {
    find_gpus();
    fake::the().descriptions = 0;
    for (int i = 0; i < 3; ++i) cuda_device<float> device(keeping("q"));
    EXPECT_EQ(find_gpus().all.size(), 1u);
    EXPECT_EQ(fake::the().descriptions, 0);
}

TEST_F(cuda_candidates, no_bytes_are_copied_from_and_to_nowhere) {
    cuda_device<float> device(keeping("r"));
    EXPECT_NO_THROW(device.upload(nullptr, nullptr, 0));
    EXPECT_NO_THROW(device.download(nullptr, nullptr, 0));
    EXPECT_NO_THROW(device.copy<float>(nullptr, nullptr, 0));
    batches<cuda_device<float>> middle;  // of a stage without embedding and head
    const std::vector<std::int32_t> tokens(17);
    const unit_batch unit{tokens, tokens};
    EXPECT_NO_THROW(middle.set(device, {&unit, 1}, 17, false, false));
}

TEST_F(cuda_candidates, what_is_uploaded_may_change_once_upload_has_returned) {
    for (const int reads_host : {0, 1}) {  // 1: the GPU makes the copy later, out of the host's own memory
        fake::the().reads_host = reads_host;
        cuda_device<float> device(keeping("s"));
        const auto memory = device.allocate(17 * sizeof(float));
        std::vector<float> values(17, 3.F), found(17);
        device.upload(memory.data(), values.data(), 17 * sizeof(float));
        values.assign(17, -1.F);
        device.download(found.data(), memory.data(), 17 * sizeof(float));
        EXPECT_THAT(found, testing::Each(3.F)) << reads_host;
    }
}

}  // namespace
}  // namespace chimera::executor::test
