// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cpu/team.hpp>
#include <executor/device/shapes.hpp>

#include <dnnl.hpp>

#include <unordered_map>
#include <vector>

namespace chimera::executor::detail {

/// A matrix product: result [rows, columns] = left [rows, inner] · right [inner, columns], and what is added to it.
struct product_form {
    long rows = 0, columns = 0, inner = 0;
    bool left_transposed = false, right_transposed = false;
    bool bias = false, residual = false, gelu = false, accumulate = false;
    dnnl::memory::data_type operands = dnnl::memory::data_type::f32, result = operands;  ///< sums are fp32 always
};

/// Part of a product: these rows and columns of the result, and of the sums in it these terms.
struct product_part {
    long row = 0, rows = 0, column = 0, columns = 0, term = 0, terms = 0;
};

/// The parts of a product: for each thread the parts that it computes, in order. Depends on the form and on `threads`
/// alone, so that results do too.
std::vector<std::vector<product_part>> cut(const product_form& f, int threads);

/// The addresses of a product's operands; bias and residual if its form has them.
struct operands {
    const void *left, *right;
    void* result;
    const void *bias = nullptr, *residual = nullptr;
};

/// One part, ready to run: a oneDNN primitive with its argument descriptors.
class part_product {
public:
    part_product(const dnnl::engine& engine, const product_form& whole, const product_part& part);

    std::size_t scratch_bytes() const { return scratch_bytes_; }

    /// The operands are the whole product's. `scratch` is 64-byte aligned and at least scratch_bytes() long.
    void run(const operands& with, void* scratch) const;

private:
    void argument(int key, const dnnl::memory::desc& d, long offset = 0);
    void set(int key, const void* whole) const;

    dnnl::stream stream_;
    dnnl::matmul primitive_;
    mutable std::unordered_map<int, dnnl::memory> arguments_;
    std::unordered_map<int, std::size_t> offsets_;  ///< of the part's operands in the whole's, in bytes
    std::size_t scratch_bytes_ = 0;
};

/// One matrix product of fixed shape, ready to be run by a team.
class matrix_product {
public:
    matrix_product() = default;
    matrix_product(const dnnl::engine& engine, const product_form& form, int threads);

    std::size_t scratch_bytes() const;  ///< of all threads together

    /// `scratch` is 64-byte aligned and at least scratch_bytes() long.
    void run(team& by, const operands& with, std::byte* scratch) const;

private:
    std::vector<std::vector<part_product>> of_;  ///< of each thread
    std::size_t scratch_bytes_ = 0;              ///< of one thread
};

/// All products of one linear layer. Bias and residual are part of the primitive, as is GELU where its input is not
/// kept.
struct linear_primitives {
    linear_shape shape;
    matrix_product forward[2][2], gelu;  ///< [with bias][with residual]
    matrix_product input, weight[2];     ///< [adding]

    /// `real`: of all but the weight's gradient, which is fp32.
    linear_primitives(const dnnl::engine& engine, const linear_shape& s, dnnl::memory::data_type real, int threads);
    std::size_t scratch_bytes() const;
};

/// Tells OpenMP, if oneDNN was built on it, to use one thread when called from this one.
void use_one_thread();

}  // namespace chimera::executor::detail
