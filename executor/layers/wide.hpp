// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/bf16.hpp>
#include <executor/device/device.hpp>
#include <executor/layers/parameters.hpp>

#include <type_traits>

namespace chimera::executor {

/// True if weights are shorter than their gradients, so that the optimiser keeps a longer copy of them.
template <Device D>
inline constexpr bool has_master = !std::is_same_v<typename D::real, typename D::wide>;

/// Elements of `real` on whose multiples tensors start: 64 bytes or more on the host, 256 or more off it.
template <Device D>
inline constexpr std::size_t granule = (D::on_host ? 64 : 256) / sizeof(typename D::real);

/// Offset, in elements of `real`, of n elements of `wide`.
template <Device D>
std::size_t take_wide(layout& from, std::size_t n) {
    return from.take(n * sizeof(typename D::wide) / sizeof(typename D::real));
}

/// The elements of `wide` that start there.
template <Device D>
typename D::wide* wide_at(typename D::real* p) {
    return reinterpret_cast<typename D::wide*>(p);
}
template <Device D>
const typename D::wide* wide_at(const typename D::real* p) {
    return reinterpret_cast<const typename D::wide*>(p);
}

}  // namespace chimera::executor
