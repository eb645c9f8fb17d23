// SPDX-License-Identifier: Apache-2.0

// Every function of cuBLASLt that this program calls, handed on to the library, which the first call loads. Linked, it would be mapped
// at every start, for longer than a plan or a picture takes, and nothing would run where it is missing.

#include <executor/device/cuda/cublaslt.hpp>

#include <chimera/core/error.hpp>

#include <cublasLt.h>
#include <dlfcn.h>

#include <string>

#define CHIMERA_TEXT_OF(number) #number
#define CHIMERA_CUBLASLT_NAME(major) "libcublasLt.so." CHIMERA_TEXT_OF(major)

namespace chimera::executor::detail {

void* load_library(std::span<const char* const> names) {
    std::string why;
    for (const char* name : names) {
        if (void* const found = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return found;
        if (why.empty()) why = dlerror();
    }
    refuse("cuBLASLt cannot be loaded (" + why +
           ") install it, name its folder in LD_LIBRARY_PATH, or train on the CPU");
}

namespace {

/// The library of the version compiled for: the loader's, or that of the folder where it was then.
void* library() {
    static constexpr const char* names[] = {CHIMERA_CUBLASLT_NAME(CUBLAS_VER_MAJOR),
                                            CHIMERA_CUBLASLT_FOLDER "/" CHIMERA_CUBLASLT_NAME(CUBLAS_VER_MAJOR)};
    static void* const loaded = load_library(names);
    return loaded;
}

template <class F>
F* entry(const char* name) {
    if (void* const found = dlsym(library(), name)) return reinterpret_cast<F*>(found);
    refuse(std::string("cuBLASLt is another one than this program was built with (it has no ") + name +
           ") install the version that it was built with");
}

}  // namespace
}  // namespace chimera::executor::detail

#define CHIMERA_HAND_ON(result, name, parameters, arguments)                                  \
    result CUBLASWINAPI name parameters {                                                     \
        static auto* const there = chimera::executor::detail::entry<decltype(::name)>(#name); \
        return there arguments;                                                               \
    }

extern "C" {

CHIMERA_HAND_ON(size_t, cublasLtGetVersion, (), ())
CHIMERA_HAND_ON(const char*, cublasLtGetStatusString, (cublasStatus_t status), (status))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtCreate, (cublasLtHandle_t * handle), (handle))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtDestroy, (cublasLtHandle_t handle), (handle))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatrixLayoutInit_internal,
                (cublasLtMatrixLayout_t layout, size_t size, cudaDataType type, uint64_t rows, uint64_t columns,
                 int64_t ld),
                (layout, size, type, rows, columns, ld))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatrixLayoutSetAttribute,
                (cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t which, const void* value, size_t bytes),
                (layout, which, value, bytes))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatmulDescInit_internal,
                (cublasLtMatmulDesc_t description, size_t size, cublasComputeType_t compute, cudaDataType_t scale),
                (description, size, compute, scale))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatmulDescSetAttribute,
                (cublasLtMatmulDesc_t description, cublasLtMatmulDescAttributes_t which, const void* value,
                 size_t bytes),
                (description, which, value, bytes))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatmulPreferenceInit_internal,
                (cublasLtMatmulPreference_t preference, size_t size), (preference, size))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatmulPreferenceSetAttribute,
                (cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t which, const void* value,
                 size_t bytes),
                (preference, which, value, bytes))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatmulAlgoGetHeuristic,
                (cublasLtHandle_t handle, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                 cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                 cublasLtMatmulPreference_t preference, int wanted, cublasLtMatmulHeuristicResult_t results[],
                 int* found),
                (handle, description, a, b, c, d, preference, wanted, results, found))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatmulAlgoCheck,
                (cublasLtHandle_t handle, cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                 cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                 const cublasLtMatmulAlgo_t* algorithm, cublasLtMatmulHeuristicResult_t* result),
                (handle, description, a, b, c, d, algorithm, result))
CHIMERA_HAND_ON(cublasStatus_t, cublasLtMatmul,
                (cublasLtHandle_t handle, cublasLtMatmulDesc_t description, const void* alpha, const void* a,
                 cublasLtMatrixLayout_t layout_a, const void* b, cublasLtMatrixLayout_t layout_b, const void* beta,
                 const void* c, cublasLtMatrixLayout_t layout_c, void* d, cublasLtMatrixLayout_t layout_d,
                 const cublasLtMatmulAlgo_t* algorithm, void* space, size_t bytes, cudaStream_t stream),
                (handle, description, alpha, a, layout_a, b, layout_b, beta, c, layout_c, d, layout_d, algorithm, space,
                 bytes, stream))

}  // extern "C"
