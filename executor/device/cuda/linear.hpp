// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor/device/cuda/product.hpp"

#include <memory>

namespace chimera::executor::detail {

/// The products of one linear layer, each made when it is first asked for. GELU and the sums of a bias' gradient are part of a
/// product where cuBLASLt can, and kernels of their own where it cannot.
class linear_products {
public:
    linear_products(product_library& library, const linear_shape& s, number real)
        : library_(library), shape_(s), real_(real) {}

    const linear_shape& shape() const { return shape_; }
    /// Makes what a layer of that role needs.
    void prepare(linear_role role);
    product& get(const linear_variant& v);

    /// Whether GELU can be part of the product: cuBLASLt wants rows of multiples of 8.
    bool fuses_gelu(bool keep) {
        return shape_.outputs % 8 == 0 && get({linear_product::gelu, true, false, keep}).found();
    }
    /// Whether the bias' gradient can be part of the weight's. Not where results must be the same on every run: nobody
    /// says in which order it is summed.
    bool fuses_sums(bool add) {
        return !library_.deterministic && !shape_.transposed &&
               get({.what = linear_product::weight, .add = add, .sums = true}).found();
    }

private:
    product_library& library_;
    linear_shape shape_;
    number real_;
    std::unique_ptr<product> made_[4][2][2][2][2][2];
};

inline product& linear_products::get(const linear_variant& v) {
    auto& made = made_[static_cast<int>(v.what)][v.bias][v.residual][v.keep][v.add][v.sums];
    if (!made) made = std::make_unique<product>(library_, form_of(shape_, v, real_));
    return *made;
}

inline void linear_products::prepare(linear_role role) {
    const auto is = [&](linear_role r) { return role == r; };
    if (is(linear_role::any)) return;
    const bool bias = !is(linear_role::bare);
    if (is(linear_role::gelu) && fuses_gelu(true))
        fuses_gelu(false);
    else
        get({.what = linear_product::forward, .bias = bias, .residual = is(linear_role::residual)});
    get({.what = linear_product::input});
    for (const bool add : {false, true})
        if (!bias || !fuses_sums(add)) get({.what = linear_product::weight, .add = add});
}

}  // namespace chimera::executor::detail
