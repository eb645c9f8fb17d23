// SPDX-License-Identifier: Apache-2.0
// NVIDIA's cuBLASLt as the program loads it: not before a first call, and one line where it is missing.
#include <executor/device/cuda/cublaslt.hpp>

#include <chimera/core/error.hpp>

#include <cublasLt.h>
#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <sstream>

namespace {

using namespace chimera::executor;

bool is_mapped(const char* library) {
    std::stringstream maps;
    maps << std::ifstream("/proc/self/maps").rdbuf();
    return maps.str().find(library) != std::string::npos;
}

TEST(cublaslt, is_mapped_by_the_first_call) {
    EXPECT_FALSE(is_mapped("libcublasLt"));
    EXPECT_TRUE(is_mapped("libc.so")) << "what is mapped cannot be told";
    EXPECT_EQ(cublasLtGetVersion() / 10000, std::size_t{CUBLAS_VER_MAJOR});
    EXPECT_TRUE(is_mapped("libcublasLt"));
}

TEST(cublaslt, describes_without_a_gpu_what_it_is_told) {
    cublasLtMatmulDescOpaque_t description{};
    ASSERT_EQ(cublasLtMatmulDescInit(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F), CUBLAS_STATUS_SUCCESS);
    const cublasOperation_t transposed = CUBLAS_OP_T;
    ASSERT_EQ(cublasLtMatmulDescSetAttribute(&description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(cublasLtMatmulDescSetAttribute(&description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, 1),
              CUBLAS_STATUS_INVALID_VALUE);
    cublasLtMatrixLayoutOpaque_t layout{};
    ASSERT_EQ(cublasLtMatrixLayoutInit(&layout, CUDA_R_16BF, 24, 40, 24), CUBLAS_STATUS_SUCCESS);
    const int batch = 3;
    EXPECT_EQ(cublasLtMatrixLayoutSetAttribute(&layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch),
              CUBLAS_STATUS_SUCCESS);
    cublasLtMatmulPreferenceOpaque_t preference{};
    ASSERT_EQ(cublasLtMatmulPreferenceInit(&preference), CUBLAS_STATUS_SUCCESS);
    const std::size_t space = 1 << 20;
    EXPECT_EQ(cublasLtMatmulPreferenceSetAttribute(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &space,
                                                   sizeof space),
              CUBLAS_STATUS_SUCCESS);
    EXPECT_THAT(cublasLtGetStatusString(CUBLAS_STATUS_INVALID_VALUE), testing::HasSubstr("value"));
}

TEST(cublaslt, says_in_one_line_that_it_is_missing) {
    try {
        detail::load_library(std::array{"libcublasLt.so.no", "/nowhere/libcublasLt.so"});
        FAIL() << "a library that is not there was loaded";
    } catch (const chimera::chimera_error& error) {
        EXPECT_THAT(error.what(),
                    testing::MatchesRegex("cuBLASLt cannot be loaded \\(libcublasLt.so.no: [^\n]*\\) "
                                          "install it, name its folder in LD_LIBRARY_PATH, or train on the CPU"));
    }
}

}  // namespace
