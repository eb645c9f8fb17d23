// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cuda/product.hpp"

#include "chimera/core/error.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace chimera::executor::detail {

namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what the cuBLAS guide advises for Hopper
constexpr int most_candidates = 8;

cudaDataType_t type_of(number n) { return n == number::float32 ? CUDA_R_32F : CUDA_R_16BF; }

/// Whether a second matrix goes with it, in cuBLASLt's words auxiliary.
bool has_second(epilogue e) { return e == epilogue::gelu_keeping || e == epilogue::gelu_slope; }
bool has_row(epilogue e) { return e != epilogue::none && e != epilogue::gelu_slope; }

cublasLtEpilogue_t epilogue_of(epilogue e) {
    switch (e) {
        case epilogue::bias:
            return CUBLASLT_EPILOGUE_BIAS;
        case epilogue::gelu:
            return CUBLASLT_EPILOGUE_GELU_BIAS;
        case epilogue::gelu_keeping:
            return CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
        case epilogue::right_sums:
            return CUBLASLT_EPILOGUE_BGRADA;  // right is A
        case epilogue::gelu_slope:
            return CUBLASLT_EPILOGUE_DGELU;
        default:
            return CUBLASLT_EPILOGUE_DEFAULT;
    }
}

template <class T>
void set(cublasLtMatmulDescOpaque_t& of, cublasLtMatmulDescAttributes_t which, const T& value) {
    check(cublasLtMatmulDescSetAttribute(&of, which, &value, sizeof value), "describing a matrix product");
}
template <class T>
void set(cublasLtMatrixLayoutOpaque_t& of, cublasLtMatrixLayoutAttribute_t which, const T& value) {
    check(cublasLtMatrixLayoutSetAttribute(&of, which, &value, sizeof value), "describing a matrix");
}

void lay_out(cublasLtMatrixLayoutOpaque_t& matrix, number type, std::int64_t rows, std::int64_t columns,
             std::int64_t step, int batch, std::int64_t stride) {
    check(cublasLtMatrixLayoutInit(&matrix, type_of(type), static_cast<std::uint64_t>(rows),
                                   static_cast<std::uint64_t>(columns), step),
          "describing a matrix");
    if (batch == 1) return;
    set(matrix, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, std::int32_t{batch});
    set(matrix, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride);
}

/// How the heuristic is asked.
struct preference {
    cublasLtMatmulPreferenceOpaque_t opaque{};

    preference(const product_form& form, cublasLtReductionScheme_t reductions) {
        check(cublasLtMatmulPreferenceInit(&opaque), "asking for algorithms");
        set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
        for (const auto side : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                                CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
            set(side, static_cast<std::uint32_t>(form.alignment));
        set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, static_cast<std::uint32_t>(reductions));
    }
    template <class T>
    void set(cublasLtMatmulPreferenceAttributes_t which, const T& value) {
        check(cublasLtMatmulPreferenceSetAttribute(&opaque, which, &value, sizeof value), "asking for algorithms");
    }
};

struct timer {
    cudaEvent_t begin{}, end{};
    timer() {
        check(cudaEventCreate(&begin), "making an event");
        check(cudaEventCreate(&end), "making an event");
    }
    ~timer() { cudaEventDestroy(begin), cudaEventDestroy(end); }
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
};

}  // namespace

device_memory random_memory(int gpu, std::size_t bytes) {
    device_memory memory(gpu, bytes);
    std::minstd_rand bits(1);
    std::vector<std::uint16_t> block(std::size_t{1} << 18);
    for (auto& word : block) {  // ±(0.5 to 1) as bfloat16, and as the upper halves of floats
        const auto fraction = static_cast<std::uint16_t>(bits() >> 12 & 0x7f);
        word = static_cast<std::uint16_t>(0x3f00u | fraction | (bits() >> 12 & 1) << 15);
    }
    for (std::size_t at = 0; at < memory.size(); at += 2 * block.size())
        check(cudaMemcpy(memory.data() + at, block.data(), std::min(2 * block.size(), memory.size() - at),
                         cudaMemcpyHostToDevice),
              "filling test data");
    return memory;
}

float best_time(cudaStream_t stream, const std::function<bool()>& start) {
    constexpr int rounds = 3, runs = 5;
    const timer t;
    float best = std::numeric_limits<float>::infinity();
    for (int round = 0; round <= rounds; ++round) {  // the first warms up
        bool started = true;
        check(cudaEventRecord(t.begin, stream), "timing");
        for (int i = 0; i < runs && started; ++i) started = start();
        check(cudaEventRecord(t.end, stream), "timing");
        check(cudaEventSynchronize(t.end), "timing");
        if (!started) return std::numeric_limits<float>::infinity();
        float time = 0;
        check(cudaEventElapsedTime(&time, t.begin, t.end), "timing");
        if (round > 0) best = std::min(best, time / runs);
    }
    return best;
}

product_library::product_library(int which, cudaStream_t on, bool same_always, choices& from)
    : gpu(which), stream(on), deterministic(same_always), known(&from) {
    check(cublasLtCreate(&handle), "starting cuBLASLt");
    workspace = device_memory(gpu, workspace_bytes);
}

product::product(product_library& library, const product_form& form) : library_(library), form_(dense(form)) {
    describe();
    const std::string key = text(form_);
    if (library.deterministic || !recall(key)) choose(key);
}

void product::describe() {
    const column_form c = by_columns(form_);
    check(cublasLtMatmulDescInit(&what_, CUBLAS_COMPUTE_32F, CUDA_R_32F), "describing a matrix product");
    set(what_, CUBLASLT_MATMUL_DESC_TRANSA, c.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(what_, CUBLASLT_MATMUL_DESC_TRANSB, c.b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(what_, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(form_.after));
    if (has_second(form_.after)) set(what_, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, c.ldd);
    lay_out(a_, form_.operands, c.a_rows, c.a_columns, c.lda, form_.batch, form_.right_stride);
    lay_out(b_, form_.operands, c.b_rows, c.b_columns, c.ldb, form_.batch, form_.left_stride);
    lay_out(d_, form_.results, c.m, c.n, c.ldd, form_.batch, form_.result_stride);
    // The heuristic infers alignment from the epilogue's pointers, so they are set before it is asked.
    set_pointers(library_.workspace.data(), library_.workspace.data());
}

void product::set_pointers(const void* row, const void* kept) {
    if (has_row(form_.after) && row != row_) set(what_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, row_ = row);
    if (has_second(form_.after) && kept != kept_) set(what_, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, kept_ = kept);
}

bool product::recall(const std::string& key) {
    const auto known = library_.known->find(key);
    if (!known) return false;
    static_assert(sizeof(choices::way) == sizeof algorithm_.data);
    std::memcpy(algorithm_.data, known->data(), sizeof algorithm_.data);
    cublasLtMatmulHeuristicResult_t result{};
    found_ = cublasLtMatmulAlgoCheck(library_.handle, &what_, &a_, &b_, &d_, &d_, &algorithm_, &result) ==
                 CUBLAS_STATUS_SUCCESS &&
             result.workspaceSize <= workspace_bytes;
    return found_;
}

int product::ask(cublasLtReductionScheme_t reductions, std::span<cublasLtMatmulHeuristicResult_t> candidates) {
    preference wish(form_, reductions);
    int count = 0;
    const auto status = cublasLtMatmulAlgoGetHeuristic(library_.handle, &what_, &a_, &b_, &d_, &d_, &wish.opaque,
                                                       static_cast<int>(candidates.size()), candidates.data(), &count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE) return 0;
    check(status, "asking for algorithms");
    return count;
}

void product::choose(const std::string& key) {
    cublasLtMatmulHeuristicResult_t candidates[most_candidates]{};
    int count = 0;
    if (library_.deterministic) {  // one pass over the inner dimension; else parts that are added up in a fixed order
        count = ask(CUBLASLT_REDUCTION_SCHEME_NONE, candidates);
        if (count == 0) count = ask(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, candidates);
    } else {
        count = ask(CUBLASLT_REDUCTION_SCHEME_MASK, candidates);
    }
    if (count == 0) return;
    found_ = true;
    algorithm_ = candidates[0].algo;
    if (library_.deterministic || count == 1) return;

    const std::lock_guard lock(library_.known->measuring());
    if (recall(key)) return;  // another thread has measured it meanwhile
    found_ = true, algorithm_ = candidates[0].algo;
    const std::span offered(candidates, static_cast<std::size_t>(count));
    if (measure(offered) == offered.size()) return;
    choices::way kept;
    std::memcpy(kept.data(), algorithm_.data, sizeof algorithm_.data);
    library_.known->keep(key, kept);
}

std::size_t product::measure(std::span<const cublasLtMatmulHeuristicResult_t> candidates) {
    const auto bytes = [](std::size_t elements, number n) { return (elements * size_of(n) + 255) / 256 * 256; };
    const std::size_t left = bytes(form_.left_extent(), form_.operands),
                      right = bytes(form_.right_extent(), form_.operands),
                      result = bytes(form_.result_extent(), form_.results), kept = has_second(form_.after) ? result : 0,
                      row = bytes(std::size_t(form_.columns), number::float32);
    device_memory data;
    try {
        data = random_memory(library_.gpu, left + right + result + kept + row);
    } catch (const error&) {
        return candidates.size();  // no room to measure in
    }
    std::byte *const at = data.data(), *const to = at + left + right;
    set_pointers(to + result + kept, to + result);
    std::size_t best = candidates.size();
    float shortest = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const float time = best_time(
            library_.stream, [&] { return start(candidates[i].algo, at, at + left, to, to) == CUBLAS_STATUS_SUCCESS; });
        if (time < shortest) shortest = time, best = i, algorithm_ = candidates[i].algo;
    }
    return best;
}

cublasStatus_t product::start(const cublasLtMatmulAlgo_t& algorithm, const void* left, const void* right, void* result,
                              const void* from) {
    const float one = 1, from_factor = form_.add ? 1 : 0;
    return cublasLtMatmul(library_.handle, &what_, &one, right, &a_, left, &b_, &from_factor, form_.add ? from : result,
                          &d_, result, &d_, &algorithm, library_.workspace.data(), workspace_bytes, library_.stream);
}

void product::run(const void* left, const void* right, void* result, const void* from, const void* row,
                  const void* kept) {
    if (!found_) {
        if (form_.after > epilogue::bias)
            refuse("cuBLASLt has no algorithm for a product (" + text(form_) + ") report it");
        return plain_product(library_.stream, form_, left, right, result, from,
                             form_.after == epilogue::bias ? row : nullptr);
    }
    set_pointers(row, kept);
    check(start(algorithm_, left, right, result, from), "a matrix product");
}

}  // namespace chimera::executor::detail
