// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/product.hpp>

#include <chimera/core/error.hpp>
#include <executor/device/cuda/say.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <span>

namespace chimera::executor::detail {

namespace {

constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // what the cuBLAS guide advises for Hopper
constexpr int most_candidates = 8;

cudaDataType_t type_of(number n) { return n == number::float32 ? CUDA_R_32F : CUDA_R_16BF; }

/// Returns true if a second matrix goes with it, which cuBLASLt calls auxiliary.
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

/// Returns true if another algorithm may work after this status.
bool is_refusal(cublasStatus_t status) {
    return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE ||
           status == CUBLAS_STATUS_ARCH_MISMATCH || status == CUBLAS_STATUS_INTERNAL_ERROR;
}

/// The request to the heuristic.
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

}  // namespace

product_library::product_library(int which, cudaStream_t on, bool same_always, choices& from)
    : gpu(which), stream(on), deterministic(same_always), known(&from) {
    check(cublasLtCreate(&handle), "starting cuBLASLt");
    workspace = device_memory(gpu, workspace_bytes);
}

product::product(product_library& library, const product_form& form) : library_(library), form_(dense(form)) {
    describe();
    choose();
    if (!found_) say_missing();
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
    return cublasLtMatmulAlgoCheck(library_.handle, &what_, &a_, &b_, &d_, &d_, &algorithm_, &result) ==
               CUBLAS_STATUS_SUCCESS &&
           result.workspaceSize <= workspace_bytes;
}

void product::ask(cublasLtReductionScheme_t reductions) {
    preference wish(form_, reductions);
    cublasLtMatmulHeuristicResult_t results[most_candidates]{};
    int count = 0;
    const auto status = cublasLtMatmulAlgoGetHeuristic(library_.handle, &what_, &a_, &b_, &d_, &d_, &wish.opaque,
                                                       most_candidates, results, &count);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE) return;
    check(status, "asking for algorithms");
    for (const auto& each : std::span(results, static_cast<std::size_t>(count)))
        if (each.state == CUBLAS_STATUS_SUCCESS && each.workspaceSize <= workspace_bytes) others_.push_back(each.algo);
}

void product::ask() {
    if (!library_.deterministic) return ask(CUBLASLT_REDUCTION_SCHEME_MASK);
    // One pass over the inner dimension; else parts that are added up in a fixed order.
    ask(CUBLASLT_REDUCTION_SCHEME_NONE);
    if (others_.empty()) ask(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
}

void product::choose() {
    const std::string key = (library_.deterministic ? "fixed_" : "") + text(form_);
    const std::lock_guard lock(library_.known->measuring());
    const bool known = recall(key);
    if (!known) ask();
    if (!known && others_.empty()) return;
    test_data data(library_.gpu, library_.stream, test_bytes());
    if (known && (!data || starts(algorithm_, data))) return void(found_ = tried_ = true);
    if (known) ask();
    if (data) {
        found_ = tried_ = measure(data);
    } else if (take_next()) {
        keep(key, &choices::keep_for_now);
    }
    if (tried_ && !library_.deterministic) keep(key, &choices::keep);
}

void product::keep(const std::string& key, void (choices::*how)(const std::string&, const choices::way&)) const {
    choices::way kept;
    std::memcpy(kept.data(), algorithm_.data, sizeof algorithm_.data);
    (library_.known->*how)(key, kept);
}

bool product::take_next() {
    found_ = !others_.empty();
    if (!found_) return false;
    algorithm_ = others_.front();
    others_.erase(others_.begin());
    return true;
}

bool product::measure(test_data& data) {
    const auto fastest = [&] {
        auto best = others_.end();
        float shortest = std::numeric_limits<float>::infinity();
        for (auto each = others_.begin(); each != others_.end(); ++each) {
            const float time = best_time(library_.stream, [&] { return start_on(*each, data.next()); });
            if (time < shortest) shortest = time, best = each;
        }
        return best;
    };
    const auto best = library_.deterministic || others_.size() == 1
                          ? std::ranges::find_if(others_, [&](const auto& each) { return starts(each, data); })
                          : fastest();
    if (best == others_.end()) return others_.clear(), false;
    algorithm_ = *best;
    others_.erase(best);
    return true;
}

namespace {

std::size_t aligned_bytes(std::size_t elements, number n) { return (elements * size_of(n) + 255) / 256 * 256; }

}  // namespace

std::size_t product::test_bytes() const {
    const std::size_t result = aligned_bytes(form_.result_extent(), form_.results);
    return aligned_bytes(form_.left_extent(), form_.operands) + aligned_bytes(form_.right_extent(), form_.operands) +
           (has_second(form_.after) ? 2 : 1) * result + aligned_bytes(std::size_t(form_.columns), number::float32);
}

bool product::start_on(const cublasLtMatmulAlgo_t& algorithm, std::byte* left) {
    std::byte *const right = left + aligned_bytes(form_.left_extent(), form_.operands),
                     *const to = right + aligned_bytes(form_.right_extent(), form_.operands),
                     *const kept = to + aligned_bytes(form_.result_extent(), form_.results),
                     *const row =
                         has_second(form_.after) ? kept + aligned_bytes(form_.result_extent(), form_.results) : kept;
    set_pointers(row, kept);
    if (start(algorithm, left, right, to, to) == CUBLAS_STATUS_SUCCESS) return true;
    cudaGetLastError();  // the next launch would find it
    return false;
}

bool product::starts(const cublasLtMatmulAlgo_t& algorithm, test_data& data) {
    if (!start_on(algorithm, data.next())) return false;
    check(cudaStreamSynchronize(library_.stream), "trying a matrix product");
    return true;
}

void product::say_missing() const {
    char work[32];
    std::snprintf(work, sizeof work, "%.3g",
                  double(form_.rows) * double(form_.columns) * double(form_.inner) * form_.batch);
    say_once("no algorithm of cuBLASLt starts for " + described(form_) +
             (form_.after > epilogue::bias
                  ? ": kernels of their own do what goes with it"
                  : ": a plain kernel computes it, slowly (" + std::string(work) + " multiply-adds)"));
}

cublasStatus_t product::start(const cublasLtMatmulAlgo_t& algorithm, const void* left, const void* right, void* result,
                              const void* from) {
    const float one = 1, from_factor = form_.add ? 1 : 0;
    return cublasLtMatmul(library_.handle, &what_, &one, right, &a_, left, &b_, &from_factor, form_.add ? from : result,
                          &d_, result, &d_, &algorithm, library_.workspace.data(), workspace_bytes, library_.stream);
}

void product::run(const void* left, const void* right, void* result, const void* from, const void* row,
                  const void* kept) {
    while (found_) {
        set_pointers(row, kept);
        const cublasStatus_t status = start(algorithm_, left, right, result, from);
        if (status == CUBLAS_STATUS_SUCCESS) return;
        if (!is_refusal(status)) fail(status, "a matrix product");
        cudaGetLastError();  // the next launch would find it
        if (!take_next()) say_missing();
    }
    if (form_.after > epilogue::bias)
        refuse("no algorithm of cuBLASLt starts for " + described(form_) + ", though one did when it was tried (" +
               text(form_) + ") report it");
    plain_product(library_.stream, form_, left, right, result, from, form_.after == epilogue::bias ? row : nullptr);
}

}  // namespace chimera::executor::detail
