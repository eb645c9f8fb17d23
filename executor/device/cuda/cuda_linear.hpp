// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/product.hpp>

#include <memory>
#include <optional>

namespace chimera::executor::detail {

/// The products of one linear layer, each made when it is first asked for. GELU and the sums of a bias' gradient are
/// part of a product where cuBLASLt can and where measurements say that it pays, and kernels of their own elsewhere.
class linear_products {
public:
    linear_products(product_library& library, const linear_shape& s, number real)
        : library_(library), shape_(s), real_(real) {}

    const linear_shape& shape() const { return shape_; }
    /// Makes what a layer of that role needs.
    void prepare(linear_role role);
    product& get(const linear_variant& v);

    /// Returns true if GELU is part of the product. cuBLASLt wants rows of multiples of 8.
    bool fuses_gelu(bool keep);
    /// Returns true if GELU's backward is part of the product that gives its input's gradient.
    bool fuses_gelu_slope();
    /// Returns true if the bias' gradient comes with the weight's. False if every run must leave the same bits:
    /// cuBLASLt does not say in which order it sums.
    bool fuses_sums(bool add);

private:
    bool pays(const linear_variant& fused, const linear_variant& plain);
    std::optional<bool> measure(const linear_variant& fused, const linear_variant& plain);

    product_library& library_;
    linear_shape shape_;
    number real_;
    std::unique_ptr<product> made_[linear_product_count][2][2][2][2][2];
    std::optional<bool> fuses_gelu_[2], fuses_gelu_slope_, fuses_sums_[2];
};

}  // namespace chimera::executor::detail
