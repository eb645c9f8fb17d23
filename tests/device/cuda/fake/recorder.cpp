// SPDX-License-Identifier: Apache-2.0
// A library in cuBLASLt's place that keeps what its functions were called with.
#include "tests/device/cuda/fake/recorder.hpp"

#include <cublasLt.h>

namespace {

chimera::fake::recorded_call last;

template <class T>
std::uint64_t number(T value) {
    if constexpr (std::is_pointer_v<T>)
        return reinterpret_cast<std::uint64_t>(value);
    else
        return static_cast<std::uint64_t>(value);
}

template <class... Arguments>
cublasStatus_t record(const char* name, Arguments... arguments) {
    last = {name, {number(arguments)...}};
    return CUBLAS_STATUS_NOT_SUPPORTED;
}

}  // namespace

extern "C" {

const chimera::fake::recorded_call* chimera_last_call() { return &last; }

size_t cublasLtGetVersion() { return record("cublasLtGetVersion"), 987654; }
const char* cublasLtGetStatusString(cublasStatus_t a) { return record("cublasLtGetStatusString", a), "recorded"; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* a) { return record("cublasLtCreate", a); }
cublasStatus_t cublasLtDestroy(cublasLtHandle_t a) { return record("cublasLtDestroy", a); }
cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t a, size_t b, cudaDataType c, uint64_t d,
                                                 uint64_t e, int64_t f) {
    return record("cublasLtMatrixLayoutInit_internal", a, b, c, d, e, f);
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t a, cublasLtMatrixLayoutAttribute_t b,
                                                const void* c, size_t d) {
    return record("cublasLtMatrixLayoutSetAttribute", a, b, c, d);
}
cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t a, size_t b, cublasComputeType_t c,
                                               cudaDataType_t d) {
    return record("cublasLtMatmulDescInit_internal", a, b, c, d);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t a, cublasLtMatmulDescAttributes_t b, const void* c,
                                              size_t d) {
    return record("cublasLtMatmulDescSetAttribute", a, b, c, d);
}
cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t a, size_t b) {
    return record("cublasLtMatmulPreferenceInit_internal", a, b);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t a,
                                                    cublasLtMatmulPreferenceAttributes_t b, const void* c, size_t d) {
    return record("cublasLtMatmulPreferenceSetAttribute", a, b, c, d);
}
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t a, cublasLtMatmulDesc_t b, cublasLtMatrixLayout_t c,
                                              cublasLtMatrixLayout_t d, cublasLtMatrixLayout_t e,
                                              cublasLtMatrixLayout_t f, cublasLtMatmulPreference_t g, int h,
                                              cublasLtMatmulHeuristicResult_t i[], int* j) {
    return record("cublasLtMatmulAlgoGetHeuristic", a, b, c, d, e, f, g, h, i, j);
}
cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t a, cublasLtMatmulDesc_t b, cublasLtMatrixLayout_t c,
                                       cublasLtMatrixLayout_t d, cublasLtMatrixLayout_t e, cublasLtMatrixLayout_t f,
                                       const cublasLtMatmulAlgo_t* g, cublasLtMatmulHeuristicResult_t* h) {
    return record("cublasLtMatmulAlgoCheck", a, b, c, d, e, f, g, h);
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t a, cublasLtMatmulDesc_t b, const void* c, const void* d,
                              cublasLtMatrixLayout_t e, const void* f, cublasLtMatrixLayout_t g, const void* h,
                              const void* i, cublasLtMatrixLayout_t j, void* k, cublasLtMatrixLayout_t l,
                              const cublasLtMatmulAlgo_t* m, void* n, size_t o, cudaStream_t p) {
    return record("cublasLtMatmul", a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
}

}  // extern "C"
