// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/model/layer.hpp>
#include <chimera/plan/hardware.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace chimera {

/// The seconds of a layer's products in each pass, and those that a selective recompute repeats.
struct pass_seconds {
    double forward = 0;          ///< of y = x w
    double input_gradient = 0;   ///< of the gradient of x
    double weight_gradient = 0;  ///< of the gradient of w
    double selective = 0;        ///< of products that a selective recompute repeats
};

namespace detail {

constexpr double ceiling(double x) {
    const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
    return whole < x ? whole + 1 : whole;
}

/// The sizes of a product as a slice runs it.
struct sliced_product {
    double rows = 0, inputs = 0, outputs = 0, copies = 1;
};

/// A part of a size that does not divide is padded, as trainers do, to a multiple of 16 bytes.
constexpr double part_of(double size, int slices, double aligned) {
    const double part = size / slices;
    return part == ceiling(part) ? part : ceiling(part / aligned) * aligned;
}

constexpr sliced_product sliced(const matrix_product& one, double samples, int slices, double aligned) {
    sliced_product out{static_cast<double>(one.rows), static_cast<double>(one.inputs),
                       static_cast<double>(one.outputs)};
    if (one.slice == product_slice::outputs) out.outputs = part_of(out.outputs, slices, aligned);
    if (one.slice == product_slice::inputs) out.inputs = part_of(out.inputs, slices, aligned);
    if (one.copies > 0) {
        out.copies = samples * one.copies / (one.slice == product_slice::copies ? slices : 1);
    } else {
        out.rows *= samples;
    }
    return out;
}

/// The speed of a tile of half the size relative to a whole one: it loads more operands for each output. (An
/// assumption: between the half of what is bound by loads and the one of what is not.)
inline constexpr double half_tile = 0.85;

/// The outputs that waves of tiles have room for, idle multiprocessors included.
constexpr double wave_outputs(double m, double n, double copies, const hardware& platform, double rows,
                              double columns) {
    const double tiles = ceiling(m / rows) * ceiling(n / columns) * copies;
    return ceiling(tiles / platform.multiprocessors) * platform.multiprocessors * rows * columns;
}

/// The numbers of a product: bytes of an operand's and of a result's, and the FLOP/s of large products of them.
struct product_numbers {
    double operand = 2, result = 2, flops = 0;
};

/// Returns the numbers of a product of a list; throws for operands of 8 bits where the device has no products of them.
constexpr product_numbers numbers_in(const matrix_product& one, const product_list& of, const hardware& platform) {
    const double bytes = of.bytes;
    if (!one.fp8) return {bytes, bytes, platform.flops};
    if (!(platform.fp8_flops > 0))
        refuse("the hardware has no products in 8 bits (fp8_flops is missing) leave them out, or give that number");
    return {1, bytes, platform.fp8_flops};
}

/// Products of m × k and k × n: waves of tiles of the size that takes least, each wave as long as a full one; or what
/// is read and written, if that takes longer.
constexpr double product_seconds(double m, double n, double k, double copies, const hardware& platform,
                                 const product_numbers& of) {
    double work = m * n * copies;
    if (platform.multiprocessors > 0)
        work =
            (std::min)({wave_outputs(m, n, copies, platform, platform.tile_rows, platform.tile_columns),
                        wave_outputs(m, n, copies, platform, platform.tile_rows / 2, platform.tile_columns) / half_tile,
                        wave_outputs(m, n, copies, platform, platform.tile_rows / 2, platform.tile_columns / 2) /
                            (half_tile * half_tile)});
    const double moved = of.operand * copies * (m * n + m * k + k * n) + (of.result - of.operand) * copies * m * n;
    return (std::max)(2 * work * k / of.flops, moved / platform.memory_bandwidth);
}

/// The seconds of a product y = x w, of the gradient of x and of that of w.
struct product_times {
    double forward = 0, input_gradient = 0, weight_gradient = 0;
};

/// Returns the seconds of one product of a list, and in 8 bits those of its casts: x in the forward and the gradient of
/// y in the backward are read once and written twice, by rows and by columns. (What scales them is found by the pass
/// that makes them. Casts of w, once an iteration, are left out.)
constexpr product_times times_of(const matrix_product& one, const product_list& of, const hardware& platform,
                                 double samples, int slices) {
    const product_numbers numbers = numbers_in(one, of, platform);
    const double aligned = (std::max)(1.0, 16 / numbers.operand);
    const sliced_product p = sliced(one, samples, slices, aligned);
    const auto odd = [&](double size) { return size / aligned != ceiling(size / aligned); };
    const double slow = one.copies == 0 && (odd(p.outputs) || odd(p.inputs)) ? platform.unaligned : 1;
    const auto seconds = [&](double m, double n, double k) {
        return slow * product_seconds(m, n, k, p.copies, platform, numbers);
    };
    product_times out{seconds(p.rows, p.outputs, p.inputs), one.first ? 0 : seconds(p.rows, p.inputs, p.outputs),
                      seconds(p.inputs, p.outputs, p.rows)};
    if (!one.fp8) return out;
    const auto cast = [&](double size) { return p.rows * size * (of.bytes + 2) / platform.memory_bandwidth; };
    out.forward += cast(p.inputs);
    (one.first ? out.weight_gradient : out.input_gradient) += cast(p.outputs);
    return out;
}

}  // namespace detail

/// Returns the seconds of a layer's products for a micro-batch, of one of `slices` tensor slices. Each product runs in
/// tiles, one a multiprocessor at a time; the last wave of tiles takes as long as a full one. It takes no less than its
/// operands' way through the memory. Rows of an odd number of bytes keep tensor cores from their fast loads ("NVIDIA
/// Deep Learning Performance: Matrix Multiplication Background", Tensor Core requirements: multiples of 16 bytes):
/// `unaligned` times as long. FLOPs without a product run at the rate of large products.
///
/// Linear products in 8 bits (layer.hpp, `fp8`) run at `fp8_flops`. Their operands are a byte each, rows are aligned to
/// 16 numbers, and results keep the layer's bytes. A cast of x or of y's gradient, rows × size numbers of `bytes`,
/// takes (bytes + 2) · rows · size / memory_bandwidth. Throws `chimera_error` where the hardware has no `fp8_flops`.
[[nodiscard]] constexpr pass_seconds product_seconds(const layer& part, const hardware& platform, double samples,
                                                     int slices) {
    const double each = samples / (platform.flops * slices);
    double forward = part.forward, input = part.input_gradient, weight = part.weight_gradient;
    double core = part.selective_forward;
    pass_seconds out;
    for (std::int32_t i = 0; i < part.products.count; ++i) {
        const matrix_product& one = part.products.all[static_cast<std::size_t>(i)];
        const auto [y, dx, dw] = detail::times_of(one, part.products, platform, samples, slices);
        const double flop = 2.0 * one.rows * one.inputs * one.outputs * (std::max)(1, one.copies);
        const bool both = one.copies > 0;  // operands are activations: both gradients are the input's
        out.forward += y;
        out.input_gradient += dx + (both ? dw : 0);
        out.weight_gradient += both ? 0 : dw;
        if (both) out.selective += y;
        forward -= flop;
        input -= (one.first ? 0 : flop) + (both ? flop : 0);
        weight -= both ? 0 : flop;
        core -= both ? flop : 0;
    }
    const auto rest = [&](double left, double of) { return left > 1e-9 * of ? left * each : 0; };
    out.forward += rest(forward, part.forward);
    out.input_gradient += rest(input, part.input_gradient);
    out.weight_gradient += rest(weight, part.weight_gradient);
    out.selective = part.selective_forward > 0 ? out.selective + rest(core, part.selective_forward) : 0;
    return out;
}

}  // namespace chimera
