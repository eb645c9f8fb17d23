// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the sources of device cuda alone: needs the CUDA headers.

#include "executor/device/choices.hpp"
#include "executor/device/cuda/check.hpp"
#include "executor/device/cuda/form.hpp"
#include "executor/device/cuda/gpu.hpp"
#include "executor/device/cuda/plain_product.hpp"

#include <functional>
#include <span>

namespace chimera::executor::detail {

/// What all products of one device share. One stream, so one workspace.
struct product_library {
    int gpu = 0;
    cudaStream_t stream = nullptr;
    bool deterministic = false;
    cublasLtHandle_t handle = nullptr;
    device_memory workspace;
    choices* known = nullptr;

    product_library(int which, cudaStream_t on, bool same_always, choices& from);
    ~product_library() { cublasLtDestroy(handle); }
    product_library(const product_library&) = delete;
    product_library& operator=(const product_library&) = delete;
};

/// Memory of random numbers to measure with, as zeros make a GPU faster than it is.
device_memory random_memory(int gpu, std::size_t bytes);

/// Milliseconds that what `start` queues takes, the best of a few; infinite where it says that it did not start.
float best_time(cudaStream_t stream, const std::function<bool()>& start);

/// One matrix product of fixed form, ready to run: descriptors, and the algorithm that was fastest on random data, or the one
/// that the heuristic puts first, where results must not depend on measurements.
class product {
public:
    product(product_library& library, const product_form& form);

    /// Whether cuBLASLt can compute it. Without an epilogue but a bias run() then works all the same, slowly.
    bool found() const { return found_; }

    /// result = left · right, with what the form adds. `from`: what is added to. `row`: the bias, or where right's sums go.
    /// `kept`: where GELU's input goes, or from where it comes, laid out like the result and not the same memory.
    void run(const void* left, const void* right, void* result, const void* from = nullptr, const void* row = nullptr,
             const void* kept = nullptr);

private:
    void describe();
    bool recall(const std::string& key);
    void choose(const std::string& key);
    /// How many algorithms the heuristic offers.
    int ask(cublasLtReductionScheme_t reductions, std::span<cublasLtMatmulHeuristicResult_t> candidates);
    /// Takes the fastest, and says which; their number, if none could be measured.
    std::size_t measure(std::span<const cublasLtMatmulHeuristicResult_t> candidates);
    void set_pointers(const void* row, const void* kept);
    cublasStatus_t start(const cublasLtMatmulAlgo_t& algorithm, const void* left, const void* right, void* result,
                         const void* from);

    product_library& library_;
    product_form form_;
    cublasLtMatmulDescOpaque_t what_{};
    cublasLtMatrixLayoutOpaque_t a_{}, b_{}, d_{};
    cublasLtMatmulAlgo_t algorithm_{};
    const void* row_ = nullptr;
    const void* kept_ = nullptr;
    bool found_ = false;
};

}  // namespace chimera::executor::detail
