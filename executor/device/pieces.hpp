// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/shapes.hpp>

namespace chimera::executor {

/// A device's norm_backward by its other operations, for devices that gain nothing by one pass. dx may be an input:
/// what is summed of those comes first.
template <class D, class Real, class Wide>
void norm_backward_in_pieces(D& device, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                             const Wide* mean, const Wide* inverse, const Real* residual, Real* dx,
                             const norm_gradients<Wide>& to) {
    device.norm_backward_parameters(shape, dy, x, mean, inverse, to.scale, to.shift, to.add);
    if (to.residual) device.column_sums(shape, residual, to.residual, to.add);
    device.norm_backward_input(shape, dy, x, scale, mean, inverse, residual, dx);
    if (to.dx) device.column_sums(shape, dx, to.dx, to.add);
}

}  // namespace chimera::executor
