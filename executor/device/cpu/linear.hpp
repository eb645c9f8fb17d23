// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor/device/shapes.hpp"

#include <dnnl.hpp>

#include <unordered_map>

namespace chimera::executor::detail {

/// One matrix product of fixed shape, ready to run: a oneDNN primitive with its argument descriptors.
class matrix_product {
public:
    struct form {
        long rows, columns, inner;
        bool left_transposed = false, right_transposed = false;
        bool bias = false, residual = false, gelu = false, accumulate = false;
    };

    matrix_product() = default;
    matrix_product(const dnnl::engine& engine, const form& f);

    std::size_t scratch_bytes() const { return scratch_bytes_; }

    /// result = left · right, with what the form adds. `scratch` is 64-byte aligned and at least scratch_bytes() long.
    void run(const dnnl::stream& stream, const float* left, const float* right, float* result, void* scratch,
             const float* bias = nullptr, const float* residual = nullptr) const;

private:
    dnnl::matmul primitive_;
    mutable std::unordered_map<int, dnnl::memory> arguments_;
    std::size_t scratch_bytes_ = 0;
};

/// All products of one linear layer. Bias and residual are part of the primitive, as is GELU where its input is not kept.
struct linear_primitives {
    linear_shape shape;
    matrix_product forward[2][2], gelu;  ///< [with bias][with residual]
    matrix_product input, weight[2];     ///< [adding]

    linear_primitives(const dnnl::engine& engine, const linear_shape& s);
    std::size_t scratch_bytes() const;
};

/// Tells OpenMP, if oneDNN was built on it, to use one thread when called from this one.
void use_one_thread();

}  // namespace chimera::executor::detail
