// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/form.hpp>

#include <numeric>

namespace chimera::executor::detail {

product_form dense(product_form f) {
    if (f.left_step == 0) f.left_step = f.left_columns();
    if (f.right_step == 0) f.right_step = f.right_columns();
    if (f.result_step == 0) f.result_step = f.columns;
    return f;
}

column_form by_columns(const product_form& f) {
    return {.m = f.columns,
            .n = f.rows,
            .k = f.inner,
            .a_transposed = f.right_transposed,
            .b_transposed = f.left_transposed,
            .a_rows = f.right_columns(),
            .a_columns = f.right_rows(),
            .b_rows = f.left_columns(),
            .b_columns = f.left_rows(),
            .lda = f.right_step,
            .ldb = f.left_step,
            .ldd = f.result_step};
}

std::string text(const product_form& f) {
    const auto name = [](number n) { return n == number::float32 ? "f" : "b"; };
    std::string out = name(f.operands);
    out += name(f.results);
    for (const std::int64_t n :
         {f.rows, f.columns, f.inner, f.left_step, f.right_step, f.result_step, std::int64_t{f.batch}, f.left_stride,
          f.right_stride, f.result_stride, std::int64_t{f.alignment}, static_cast<std::int64_t>(f.after)})
        out += "_" + std::to_string(n);
    for (const bool b : {f.left_transposed, f.right_transposed, f.add}) out += b ? "y" : "n";
    return out;
}

std::string described(const product_form& f) {
    constexpr const char* with[] = {"",
                                    ", with a bias",
                                    ", with a bias and GELU",
                                    ", with a bias and GELU, whose input is kept",
                                    ", with the sums of columns",
                                    ", with GELU's slope"};
    const auto size = [](std::int64_t n) { return std::to_string(n); };
    const auto name = [](number n) { return n == number::float32 ? "fp32" : "bf16"; };
    std::string out = "a product [" + size(f.rows) + ", " + size(f.inner) + "] x [" + size(f.inner) + ", " +
                      size(f.columns) + "] of " + name(f.operands) + " into " + name(f.results);
    if (f.batch > 1) out += ", " + size(f.batch) + " times";
    return out + with[static_cast<int>(f.after)];
}

product_form form_of(const linear_shape& s, const linear_variant& v, number real) {
    const std::int64_t rows = s.rows, inputs = s.inputs, outputs = s.outputs;
    product_form f{.operands = real, .results = real};
    switch (v.what) {
        case linear_product::forward:
        case linear_product::gelu:
            f.rows = rows, f.columns = outputs, f.inner = inputs;
            f.right_transposed = s.transposed;
            f.add = v.residual;
            f.after = v.bias ? epilogue::bias : epilogue::none;
            if (v.what == linear_product::gelu) f.after = v.keep ? epilogue::gelu_keeping : epilogue::gelu;
            break;
        case linear_product::input:
        case linear_product::gelu_input:
            f.rows = rows, f.columns = inputs, f.inner = outputs;
            f.right_transposed = !s.transposed;
            f.after = v.what == linear_product::gelu_input ? epilogue::gelu_slope : epilogue::none;
            break;
        case linear_product::weight:
            f.rows = s.transposed ? outputs : inputs, f.columns = s.transposed ? inputs : outputs, f.inner = rows;
            f.left_transposed = true;
            f.results = number::float32;
            f.add = v.add;
            f.after = v.sums ? epilogue::right_sums : epilogue::none;
    }
    return dense(f);
}

product_form form_of(const attention_shape& s, attention_product what, number real) {
    const std::int64_t tokens = s.tokens, size = s.head_size(), whole = s.channels, square = tokens * tokens;
    const bool of_scores = what == attention_product::scores || what == attention_product::d_probabilities;
    product_form f{.batch = s.heads, .operands = real, .results = of_scores ? number::float32 : real};
    f.rows = tokens, f.columns = of_scores ? tokens : size, f.inner = of_scores ? size : tokens;
    f.alignment = static_cast<int>(
        std::gcd(std::int64_t{64}, std::gcd(std::gcd(size, whole), square) * std::int64_t(size_of(real))));
    if (of_scores) {  // queries · keysᵀ, dy · valuesᵀ
        f.right_transposed = true;
        f.left_step = what == attention_product::scores ? 3 * whole : whole, f.right_step = 3 * whole;
        f.left_stride = f.right_stride = size, f.result_stride = square;
    } else {  // a square of probabilities, or of gradients of scores, with columns of qkv or dy
        f.left_transposed = what == attention_product::d_values || what == attention_product::d_keys;
        f.left_stride = square, f.right_stride = f.result_stride = size;
        f.right_step = what == attention_product::d_values ? whole : 3 * whole;
        f.result_step = what == attention_product::values ? whole : 3 * whole;
    }
    return dense(f);
}

}  // namespace chimera::executor::detail
