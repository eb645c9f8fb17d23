// SPDX-License-Identifier: Apache-2.0

// What device cuda calls of cuBLASLt, from its documented meaning: column-major matrices, D = α op(A) op(B) + β C, then the
// epilogue. Refuses what the documentation forbids, and memory that no GPU could read.

#include <executor/device/bf16.hpp>
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/device/emulated/enqueue.hpp"

#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <numbers>
#include <set>
#include <vector>

namespace chimera::fake {
namespace {

struct matrix {
    cudaDataType type;
    std::int32_t batch;
    std::uint64_t rows, columns;
    std::int64_t ld, stride;
};
struct description {
    cublasOperation_t a, b;
    cublasLtEpilogue_t epilogue;
    const void* bias;
    void* aux;
    std::int64_t aux_ld;
};
struct wish {
    std::uint64_t workspace;
    std::uint32_t alignment[4];
    std::uint32_t reductions;
};
/// What an algorithm of the heuristic promises about pointers goes with it.
struct algorithm {
    std::uint64_t magic, number, alignment;
};
constexpr std::uint64_t magic = 0x616c676f;

template <class T, class Opaque>
T read(const Opaque* from) {
    static_assert(sizeof(T) <= sizeof(Opaque));
    T out;
    std::memcpy(&out, from, sizeof out);
    return out;
}
template <class T, class Opaque>
void write(Opaque* to, const T& value) {
    static_assert(sizeof(T) <= sizeof(Opaque));
    std::memcpy(to, &value, sizeof value);
}

std::size_t size(const matrix& m) { return m.type == CUDA_R_32F ? 4 : 2; }
double get(const matrix& m, const void* at, std::int64_t i) {
    if (m.type == CUDA_R_32F) return static_cast<const float*>(at)[i];
    return executor::to_float(static_cast<const executor::bf16*>(at)[i]);
}
double put(const matrix& m, void* at, std::int64_t i, double value) {
    if (m.type == CUDA_R_32F) return static_cast<float*>(at)[i] = static_cast<float>(value);
    const executor::bf16 rounded = executor::to_bf16(static_cast<float>(value));
    static_cast<executor::bf16*>(at)[i] = rounded;
    return executor::to_float(rounded);
}
std::int64_t index(const matrix& m, int batch, std::uint64_t row, std::uint64_t column) {
    return batch * m.stride + static_cast<std::int64_t>(column) * m.ld + static_cast<std::int64_t>(row);
}
bool readable(const matrix& m, const void* at, std::uint64_t alignment) {
    if (reinterpret_cast<std::uintptr_t>(at) % alignment != 0) return false;
    return in_device_memory(at,
                            static_cast<std::size_t>(index(m, m.batch - 1, m.rows - 1, m.columns - 1) + 1) * size(m));
}

bool has_row(const description& what) {
    return what.epilogue != CUBLASLT_EPILOGUE_DEFAULT && what.epilogue != CUBLASLT_EPILOGUE_DGELU;
}
/// Whether there is an auxiliary matrix, which has D's type unless told otherwise.
bool has_second(const description& what) {
    return what.epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS || what.epilogue == CUBLASLT_EPILOGUE_DGELU;
}
matrix second(const description& what, matrix d) {
    d.ld = what.aux_ld;
    return d;
}

/// Whether sizes fit each other and the epilogue's rules are kept.
bool allowed(const description& what, const matrix& a, const matrix& b, const matrix& d) {
    const auto m = what.a == CUBLAS_OP_N ? a.rows : a.columns, k = what.a == CUBLAS_OP_N ? a.columns : a.rows;
    const auto n = what.b == CUBLAS_OP_N ? b.columns : b.rows, inner = what.b == CUBLAS_OP_N ? b.rows : b.columns;
    if (m != d.rows || n != d.columns || k != inner || a.type != b.type) return false;
    for (const matrix& each : {a, b, d})
        if (each.ld < static_cast<std::int64_t>(each.rows) || each.batch != d.batch) return false;
    if (d.type == CUDA_R_16BF && a.type != CUDA_R_16BF) return false;
    if (has_second(what) && (what.aux_ld % 8 != 0 || what.aux_ld < static_cast<std::int64_t>(d.rows))) return false;
    return true;
}

/// What stands for the code of an algorithm: another one for each epilogue, for operands as they lie, and for their types.
const void* code_of(const description& what, const matrix& a, const matrix& d, std::uint64_t number) {
    static std::set<std::array<std::uint64_t, 6>> all;
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    return &*all.insert({what.epilogue, std::uint64_t(what.a), std::uint64_t(what.b), std::uint64_t(a.type),
                         std::uint64_t(d.type), number})
                 .first;
}

double gelu(double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))); }
double gelu_slope(double x) {
    const double t = std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x));
    return (1 + t) / 2 + x / 2 * (1 - t * t) * std::sqrt(2 / std::numbers::pi) * (1 + 3 * 0.044715 * x * x);
}

/// op(M) of one batch, column after column.
std::vector<double> unpacked(const matrix& m, const void* at, cublasOperation_t op, int batch) {
    const auto rows = op == CUBLAS_OP_N ? m.rows : m.columns, columns = op == CUBLAS_OP_N ? m.columns : m.rows;
    std::vector<double> out(rows * columns);
    for (std::uint64_t column = 0; column < columns; ++column)
        for (std::uint64_t row = 0; row < rows; ++row)
            out[column * rows + row] =
                get(m, at, op == CUBLAS_OP_N ? index(m, batch, row, column) : index(m, batch, column, row));
    return out;
}

/// Adds `factor` times the `count` values at `values` to those at `sums`.
void add(double* __restrict sums, const double* __restrict values, double factor, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) sums[i] += values[i] * factor;
}

/// Adds up in double, each sum in the order of the inner dimension: better than a GPU, never worse.
void multiply(const description& what, const matrix& a, const void* pa, const matrix& b, const void* pb, double beta,
              const matrix& d, const void* pc, void* pd) {
    const bool bias = (what.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0,
               curved = (what.epilogue & CUBLASLT_EPILOGUE_GELU) != 0;
    const auto depth = what.a == CUBLAS_OP_N ? a.columns : a.rows;
    std::vector<double> sums(d.rows);
    for (int batch = 0; batch < d.batch; ++batch) {
        const std::vector<double> left = unpacked(a, pa, what.a, batch), right = unpacked(b, pb, what.b, batch);
        for (std::uint64_t column = 0; column < d.columns; ++column) {
            std::ranges::fill(sums, 0.0);
            for (std::uint64_t k = 0; k < depth; ++k)
                add(sums.data(), left.data() + k * d.rows, right[column * depth + k], d.rows);
            for (std::uint64_t row = 0; row < d.rows; ++row) {
                double sum = sums[row];
                if (beta != 0) sum += beta * get(d, pc, index(d, batch, row, column));
                if (bias) sum += get(d, what.bias, static_cast<std::int64_t>(row));
                const matrix aux = second(what, d);
                const std::int64_t beside = index(aux, batch, row, column);
                if (what.epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS) sum = put(aux, what.aux, beside, sum);
                if (what.epilogue == CUBLASLT_EPILOGUE_DGELU) sum *= gelu_slope(get(aux, what.aux, beside));
                put(d, pd, index(d, batch, row, column), curved ? gelu(sum) : sum);
            }
        }
    }
    if (what.epilogue != CUBLASLT_EPILOGUE_BGRADA) return;
    const std::vector<double> left = unpacked(a, pa, what.a, 0);
    std::ranges::fill(sums, 0.0);
    for (std::uint64_t k = 0; k < depth; ++k) add(sums.data(), left.data() + k * d.rows, 1, d.rows);
    for (std::uint64_t row = 0; row < d.rows; ++row)
        put(d, const_cast<void*>(what.bias), static_cast<std::int64_t>(row), sums[row]);
}

}  // namespace
}  // namespace chimera::fake

using namespace chimera::fake;

extern "C" {

std::size_t cublasLtGetVersion() { return 130100; }
const char* cublasLtGetStatusString(cublasStatus_t status) {
    return status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : "CUBLAS_STATUS_OTHER";
}
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
    return *handle = reinterpret_cast<cublasLtHandle_t>(&the()), CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t) { return CUBLAS_STATUS_SUCCESS; }

cublasStatus_t cublasLtMatrixLayoutInit_internal(cublasLtMatrixLayout_t layout, std::size_t, cudaDataType type,
                                                 std::uint64_t rows, std::uint64_t columns, std::int64_t ld) {
    return write(layout, matrix{type, 1, rows, columns, ld, 0}), CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t which,
                                                const void* value, std::size_t bytes) {
    auto m = read<matrix>(layout);
    if (which == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT && bytes == 4)
        std::memcpy(&m.batch, value, 4);
    else if (which == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET && bytes == 8)
        std::memcpy(&m.stride, value, 8);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return write(layout, m), CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescInit_internal(cublasLtMatmulDesc_t desc, std::size_t, cublasComputeType_t compute,
                                               cudaDataType_t scale) {
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_INVALID_VALUE;
    return write(desc, description{CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, nullptr, nullptr, 0}),
           CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t desc, cublasLtMatmulDescAttributes_t which,
                                              const void* value, std::size_t bytes) {
    auto d = read<description>(desc);
    void* to = nullptr;
    std::size_t size = 8;
    switch (which) {
        case CUBLASLT_MATMUL_DESC_TRANSA:
            to = &d.a, size = 4;
            break;
        case CUBLASLT_MATMUL_DESC_TRANSB:
            to = &d.b, size = 4;
            break;
        case CUBLASLT_MATMUL_DESC_EPILOGUE:
            to = &d.epilogue, size = 4;
            break;
        case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
            to = &d.bias;
            break;
        case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
            to = &d.aux;
            break;
        case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
            to = &d.aux_ld;
            break;
        default:
            return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (bytes != size) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(to, value, size);
    return write(desc, d), CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceInit_internal(cublasLtMatmulPreference_t pref, std::size_t) {
    return write(pref, wish{0, {256, 256, 256, 256}, CUBLASLT_REDUCTION_SCHEME_MASK}), CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t pref,
                                                    cublasLtMatmulPreferenceAttributes_t which, const void* value,
                                                    std::size_t bytes) {
    auto w = read<wish>(pref);
    if (which == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES && bytes == 8)
        std::memcpy(&w.workspace, value, 8);
    else if (which == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK && bytes == 4)
        std::memcpy(&w.reductions, value, 4);
    else if (which >= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
             which <= CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES && bytes == 4)
        std::memcpy(&w.alignment[which - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, 4);
    else
        return CUBLAS_STATUS_INVALID_VALUE;
    return write(pref, w), CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t desc, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t pref, int most,
                                              cublasLtMatmulHeuristicResult_t* results, int* count) {
    ++the().heuristics;
    *count = 0;
    const auto what = read<description>(desc);
    if ((has_row(what) && !what.bias) || (has_second(what) && !what.aux)) return CUBLAS_STATUS_INVALID_VALUE;
    if (the().no_algorithms || !allowed(what, read<matrix>(a), read<matrix>(b), read<matrix>(d)))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    for (; *count < std::min(most, 3); ++*count) {
        results[*count] = {};
        const auto place = static_cast<std::size_t>(*count);
        results[*count].workspaceSize = the().workspace[place];
        if (the().invalid >> place & 1) {  // the rest of it means nothing
            results[*count].state = CUBLAS_STATUS_NOT_SUPPORTED;
            continue;
        }
        write(&results[*count].algo,
              algorithm{magic, static_cast<std::uint64_t>(*count), read<wish>(pref).alignment[0]});
    }
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                       const cublasLtMatmulAlgo_t* algo, cublasLtMatmulHeuristicResult_t* result) {
    *result = {};
    if (read<algorithm>(algo).magic == magic) result->workspaceSize = the().workspace[read<algorithm>(algo).number];
    return read<algorithm>(algo).magic == magic ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t desc, const void* alpha, const void* pa,
                              cublasLtMatrixLayout_t la, const void* pb, cublasLtMatrixLayout_t lb, const void* beta,
                              const void* pc, cublasLtMatrixLayout_t, void* pd, cublasLtMatrixLayout_t ld,
                              const cublasLtMatmulAlgo_t* algo, void* workspace, std::size_t bytes, cudaStream_t on) {
    const auto what = read<description>(desc);
    const auto a = read<matrix>(la), b = read<matrix>(lb), d = read<matrix>(ld);
    const auto by = read<algorithm>(algo);
    const float from = *static_cast<const float*>(beta);
    if (by.magic != magic) ++the().unknown;
    if (*static_cast<const float*>(alpha) != 1 || by.magic != magic || !in_device_memory(workspace, bytes))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (!allowed(what, a, b, d) || !readable(a, pa, by.alignment) || !readable(b, pb, by.alignment) ||
        !readable(d, pd, by.alignment) || (from != 0 && !readable(d, pc, by.alignment)))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (has_row(what) && !in_device_memory(what.bias, d.rows * size(d))) return CUBLAS_STATUS_INVALID_VALUE;
    if (has_second(what) && (what.aux == pd || !readable(second(what, d), what.aux, by.alignment)))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (the().broken >> by.number & 1 || what.epilogue == the().broken_epilogue) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (bytes < the().workspace[by.number]) return CUBLAS_STATUS_INVALID_VALUE;
    if (the().timing) the().operands.insert(pa);
    ++the().products, the().last = static_cast<int>(by.number);
    the().clock += static_cast<int>(by.number) == the().fastest ? 1 : 2;
    const bool fused = what.epilogue == CUBLASLT_EPILOGUE_BGRADA || what.epilogue == CUBLASLT_EPILOGUE_DGELU ||
                       (what.epilogue & CUBLASLT_EPILOGUE_GELU) != 0;
    if (fused) the().clock += the().fused_cost;
    the().last_epilogue = what.epilogue;
    if (chimera::emulated::launching) chimera::emulated::launching(on, code_of(what, a, d, by.number));
    const auto run = [=] { multiply(what, a, pa, b, pb, from, d, pc, pd); };
    if (chimera::emulated::enqueue)
        chimera::emulated::enqueue(on, run);
    else if (!the().timing || !the().skip_timed)
        run();
    return CUBLAS_STATUS_SUCCESS;
}
}
