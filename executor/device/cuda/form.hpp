// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/device/shapes.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace chimera::executor::detail {

enum class number : std::uint8_t { float32, bfloat16 };

constexpr std::size_t size_of(number n) { return n == number::float32 ? 4 : 2; }

/// The last operation on a product before it is stored. `gelu` keeps what it was applied to where asked; `gelu_slope`
/// multiplies by GELU's slope at what was kept.
enum class epilogue : std::uint8_t { none, bias, gelu, gelu_keeping, right_sums, gelu_slope };

/// One matrix product in row-major terms: result [rows, columns] = left [rows, inner] · right [inner, columns].
///
/// A transposed operand is stored the other way round. Steps are elements from one stored row to the next, strides
/// those from one matrix of a batch to the next. `right_sums`, as an epilogue, gives the sums of right's columns
/// besides.
struct product_form {
    std::int64_t rows = 0, columns = 0, inner = 0;
    bool left_transposed = false, right_transposed = false;
    std::int64_t left_step = 0, right_step = 0, result_step = 0;  ///< 0: dense
    int batch = 1;
    std::int64_t left_stride = 0, right_stride = 0, result_stride = 0;
    number operands = number::float32, results = number::float32;
    epilogue after = epilogue::none;
    bool add = false;    ///< to a matrix that lies as the result does, and may be it
    int alignment = 64;  ///< bytes, of every pointer

    friend auto operator<=>(const product_form&, const product_form&) = default;

    std::int64_t left_rows() const { return left_transposed ? inner : rows; }
    std::int64_t left_columns() const { return left_transposed ? rows : inner; }
    std::int64_t right_rows() const { return right_transposed ? columns : inner; }
    std::int64_t right_columns() const { return right_transposed ? inner : columns; }

    /// Elements from the first to the last that it touches.
    std::size_t left_extent() const { return extent(left_rows(), left_columns(), left_step, left_stride); }
    std::size_t right_extent() const { return extent(right_rows(), right_columns(), right_step, right_stride); }
    std::size_t result_extent() const { return extent(rows, columns, result_step, result_stride); }

private:
    std::size_t extent(std::int64_t stored_rows, std::int64_t stored_columns, std::int64_t step,
                       std::int64_t stride) const {
        return static_cast<std::size_t>((batch - 1) * stride + (stored_rows - 1) * step + stored_columns);
    }
};

/// The form with its steps filled in.
product_form dense(product_form f);

/// The product as BLAS sees it, column by column: a row-major matrix is the transpose of a column-major one, so
/// resultᵀ [m, n] = rightᵀ · leftᵀ, with right as its first operand A and left as its second, B.
struct column_form {
    std::int64_t m = 0, n = 0, k = 0;
    bool a_transposed = false, b_transposed = false;
    std::int64_t a_rows = 0, a_columns = 0, b_rows = 0, b_columns = 0;  ///< as stored
    std::int64_t lda = 0, ldb = 0, ldd = 0;
};
column_form by_columns(const product_form& f);

/// One word that names the form and nothing else: the key under which a choice is kept.
std::string text(const product_form& f);

/// Describes a form in words, without steps and strides: "a product [34, 48] x [48, 144] of bf16 into fp32, 3 times,
/// with GELU".
std::string described(const product_form& f);

/// The products of a linear layer. `gelu_input`: the gradient of its input, through the GELU before it. `keep`: GELU's
/// input is kept. `sums`: the bias' gradient comes with the weight's.
enum class linear_product : std::uint8_t { forward, gelu, input, gelu_input, weight };
inline constexpr int linear_product_count = 5;
struct linear_variant {
    linear_product what = linear_product::forward;
    bool bias = false, residual = false, keep = false, add = false, sums = false;
};
product_form form_of(const linear_shape& s, const linear_variant& v, number real);

/// The products of attention, for all heads of one sequence. Scores and their gradient are [heads, tokens, tokens].
enum class attention_product : std::uint8_t { scores, values, d_probabilities, d_values, d_queries, d_keys };
inline constexpr int attention_product_count = 6;
product_form form_of(const attention_shape& s, attention_product what, number real);

}  // namespace chimera::executor::detail
