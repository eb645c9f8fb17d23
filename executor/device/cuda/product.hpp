// SPDX-License-Identifier: Apache-2.0
#pragma once

// For the sources of device cuda alone: needs the CUDA headers.

#include <executor/device/choices.hpp>
#include <executor/device/cuda/cuda_check.hpp>
#include <executor/device/cuda/form.hpp>
#include <executor/device/cuda/gpu.hpp>
#include <executor/device/cuda/plain_product.hpp>
#include <executor/device/cuda/time_products.hpp>

#include <string>
#include <vector>

namespace chimera::executor::detail {

/// The resources that all products of one device share. One stream, so one workspace.
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

/// One matrix product of fixed form, ready to run: descriptors, and the algorithm that was fastest on random data, or
/// the first of the heuristic's that starts, where results must not depend on measurements. Where there is no room to
/// try one in, the heuristic's first is taken, by all devices of the process.
class product {
public:
    product(product_library& library, const product_form& form);

    /// Returns true if cuBLASLt can compute it. Without an epilogue but a bias run() then works all the same, slowly.
    bool found() const { return found_; }
    /// Returns true if an algorithm has been started here, rather than only been offered by the heuristic.
    bool tried() const { return tried_; }

    /// result = left · right, with what the form adds. `from`: what is added to. `row`: the bias, or where right's sums
    /// go. `kept`: where GELU's input goes, or from where it comes, laid out like the result and not the same memory.
    void run(const void* left, const void* right, void* result, const void* from = nullptr, const void* row = nullptr,
             const void* kept = nullptr);

private:
    void describe();
    bool recall(const std::string& key);
    void choose();
    /// Adds to `others_` what the heuristic offers.
    void ask();
    void ask(cublasLtReductionScheme_t reductions);
    void keep(const std::string& key, void (choices::*how)(const std::string&, const choices::way&)) const;
    bool take_next();
    /// Takes the fastest that starts, or the first, and says whether there was one.
    bool measure(test_data& data);
    std::size_t test_bytes() const;
    bool start_on(const cublasLtMatmulAlgo_t& algorithm, std::byte* left);
    bool starts(const cublasLtMatmulAlgo_t& algorithm, test_data& data);
    void say_missing() const;
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
    std::vector<cublasLtMatmulAlgo_t> others_;  ///< in the heuristic's order
    bool found_ = false, tried_ = false;
};

}  // namespace chimera::executor::detail
