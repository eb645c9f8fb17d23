// SPDX-License-Identifier: Apache-2.0
// Every function of cuBLASLt gets the arguments that the program gives, and its answer comes back: beside a library that keeps them.
#include "tests/device/cuda/fake/recorder.hpp"

#include <cublasLt.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#define CHIMERA_TEXT(number) #number
#define CHIMERA_STRING(number) CHIMERA_TEXT(number)

namespace {

/// The last call of the library that the loader finds by cuBLASLt's name; nothing if it is NVIDIA's.
const chimera::fake::recorded_call* last_call() {
    void* const library = dlopen("libcublasLt.so." CHIMERA_STRING(CUBLAS_VER_MAJOR), RTLD_NOW);
    void* const found = library == nullptr ? nullptr : dlsym(library, "chimera_last_call");
    return found == nullptr ? nullptr : reinterpret_cast<const chimera::fake::recorded_call* (*)()>(found)();
}

template <class T>
T argument(std::size_t number) {
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<T>(number);
    else
        return static_cast<T>(number);
}

/// Calls with 1, 2, 3, … and looks for these there.
template <class Result, class... Arguments>
Result hand_on(const std::string& name, Result (*call)(Arguments...)) {
    const Result result = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return call(argument<Arguments>(I + 1)...);
    }
    (std::index_sequence_for<Arguments...>());
    std::vector<std::uint64_t> given(sizeof...(Arguments));
    std::iota(given.begin(), given.end(), 1);
    EXPECT_EQ(last_call()->name, name);
    EXPECT_EQ(last_call()->arguments, given) << name;
    return result;
}

#define EXPECT_HANDED_ON(name) EXPECT_EQ(hand_on(#name, &name), CUBLAS_STATUS_NOT_SUPPORTED)

TEST(cublaslt_arguments, are_handed_on_in_order) {
    ASSERT_NE(last_call(), nullptr) << "run by ctest, which names the folder of the library that records";
    EXPECT_EQ(hand_on("cublasLtGetVersion", &cublasLtGetVersion), 987654U);
    EXPECT_STREQ(hand_on("cublasLtGetStatusString", &cublasLtGetStatusString), "recorded");
    EXPECT_HANDED_ON(cublasLtCreate);
    EXPECT_HANDED_ON(cublasLtDestroy);
    EXPECT_HANDED_ON(cublasLtMatrixLayoutInit_internal);
    EXPECT_HANDED_ON(cublasLtMatrixLayoutSetAttribute);
    EXPECT_HANDED_ON(cublasLtMatmulDescInit_internal);
    EXPECT_HANDED_ON(cublasLtMatmulDescSetAttribute);
    EXPECT_HANDED_ON(cublasLtMatmulPreferenceInit_internal);
    EXPECT_HANDED_ON(cublasLtMatmulPreferenceSetAttribute);
    EXPECT_HANDED_ON(cublasLtMatmulAlgoGetHeuristic);
    EXPECT_HANDED_ON(cublasLtMatmulAlgoCheck);
    EXPECT_HANDED_ON(cublasLtMatmul);
}

}  // namespace
