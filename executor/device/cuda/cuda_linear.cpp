// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/cuda_linear.hpp>

#include <chimera/core/error.hpp>
#include <executor/device/cuda/kernels/kernels.hpp>

namespace chimera::executor::detail {

product& linear_products::get(const linear_variant& v) {
    auto& made = made_[static_cast<int>(v.what)][v.bias][v.residual][v.keep][v.add][v.sums];
    if (!made) made = std::make_unique<product>(library_, form_of(shape_, v, real_));
    return *made;
}

void linear_products::prepare(linear_role role) {
    const auto is = [&](linear_role r) { return role == r; };
    if (is(linear_role::any)) return;
    const bool bias = !is(linear_role::bare);
    if (is(linear_role::gelu)) {
        const bool kept = fuses_gelu(true), dropped = fuses_gelu(false);
        if (!kept || !dropped) get({.what = linear_product::forward, .bias = true});
    } else {
        const bool residual = is(linear_role::residual) || is(linear_role::residual_after_gelu);
        get({.what = linear_product::forward, .bias = bias, .residual = residual});
    }
    if (!is(linear_role::residual_after_gelu) || !fuses_gelu_slope()) get({.what = linear_product::input});
    const bool summed =
        bias && (is(linear_role::biased) || is(linear_role::gelu));  // others' biases: on the way of a norm
    for (const bool add : {false, true})
        if (!summed || !fuses_sums(add) || is(linear_role::gelu)) get({.what = linear_product::weight, .add = add});
}

bool linear_products::fuses_gelu(bool keep) {
    auto& known = fuses_gelu_[keep];
    if (!known)
        known = shape_.outputs % 8 == 0 && pays({.what = linear_product::gelu, .bias = true, .keep = keep},
                                                {.what = linear_product::forward, .bias = true});
    return *known;
}

bool linear_products::fuses_gelu_slope() {
    if (!fuses_gelu_slope_)
        fuses_gelu_slope_ =
            shape_.inputs % 8 == 0 && pays({.what = linear_product::gelu_input}, {.what = linear_product::input});
    return *fuses_gelu_slope_;
}

bool linear_products::fuses_sums(bool add) {
    auto& known = fuses_sums_[add];
    if (!known)
        known = !library_.deterministic && !shape_.transposed &&
                pays({.what = linear_product::weight, .add = add, .sums = true},
                     {.what = linear_product::weight, .add = add});
    return *known;
}

bool linear_products::pays(const linear_variant& fused, const linear_variant& plain) {
    const bool tried = get(fused).tried(), found = get(fused).found(), alone = get(plain).found();
    if (!found) return false;
    choices& known = *library_.known;
    const std::string key = (library_.deterministic ? "fixed_fuse_" : "fuse_") + text(form_of(shape_, fused, real_));
    const std::lock_guard lock(known.measuring());
    if (const auto kept = known.find(key)) return (*kept)[0] == 1;
    std::optional<bool> better;
    if (!tried)
        known.keep_for_now(key, {0});  // it may be refused when it is run, and nothing could take its place
    else if (library_.deterministic || !alone)
        better = true;
    else if (better = measure(fused, plain); better)
        known.keep(key, {*better ? 1u : 0u});
    else
        known.keep_for_now(key, {1});
    return better.value_or(tried);
}

namespace {

/// The tensors of one run of a timed product.
struct timed_tensors {
    std::byte *x = nullptr, *w = nullptr, *y = nullptr, *kept = nullptr, *bias = nullptr, *rest = nullptr;
};

/// Runs the kernel that the plain product needs besides: sums of columns, or GELU's forward or backward.
template <class Real>
void run_kernel(auto stream, const linear_variant& fused, const row_shape& gradient, std::size_t elements,
                const timed_tensors& at) {
    auto *const to = reinterpret_cast<Real*>(at.y), *const aside = reinterpret_cast<Real*>(at.kept);
    auto* const bias = reinterpret_cast<float*>(at.bias);
    if (fused.sums)
        gpu::column_sums(stream, gradient, reinterpret_cast<const Real*>(at.w), bias, fused.add, at.rest);
    else if (fused.what == linear_product::gelu_input)
        gpu::gelu_backward(stream, gradient, aside, to, to, bias, true, at.rest);
    else
        gpu::gelu_forward(stream, fused.keep ? aside : to, to, elements);
}

}  // namespace

/// Times both ways on random data, the plain one with the kernel that it needs besides. Null if there is no room for
/// that.
std::optional<bool> linear_products::measure(const linear_variant& fused, const linear_variant& plain) {
    const product_form f = form_of(shape_, fused, real_);
    const auto bytes = [](std::size_t elements) { return (elements * sizeof(float) + 255) / 256 * 256; };
    const std::size_t left = bytes(f.left_extent()), right = bytes(f.right_extent()), result = bytes(f.result_extent()),
                      row = bytes(static_cast<std::size_t>(f.columns));
    const row_shape gradient{shape_.rows, fused.sums ? shape_.outputs : shape_.inputs};
    test_data data(library_.gpu, library_.stream,
                   left + right + 2 * result + row + gpu::columns_workspace(gradient, 1));
    if (!data) return std::nullopt;
    const auto next = [&] {
        std::byte* const x = data.next();
        std::byte *const y = x + left + right, *const bias = y + 2 * result;
        return timed_tensors{x, x + left, y, y + result, bias, bias + row};
    };
    product &with = get(fused), &without = get(plain);
    // GELU's kernel sums the bias' gradient in passing; without it a pass of its own is needed.
    const auto sums = [&](auto real, const timed_tensors& at) {
        gpu::column_sums(library_.stream, gradient, reinterpret_cast<const decltype(real)*>(at.y),
                         reinterpret_cast<float*>(at.bias), true, at.rest);
    };
    const float together = best_time(library_.stream, [&] {
        const timed_tensors at = next();
        with.run(at.x, at.w, at.y, at.y, at.bias, at.kept);
        if (fused.what == linear_product::gelu_input) real_ == number::float32 ? sums(float{}, at) : sums(bf16{}, at);
        return true;
    });
    const float apart = best_time(library_.stream, [&] {
        const timed_tensors at = next();
        without.run(at.x, at.w, fused.keep ? at.kept : at.y, at.y, at.bias);
        real_ == number::float32 ? run_kernel<float>(library_.stream, fused, gradient, f.result_extent(), at)
                                 : run_kernel<bf16>(library_.stream, fused, gradient, f.result_extent(), at);
        return true;
    });
    return together <= apart;
}

}  // namespace chimera::executor::detail
