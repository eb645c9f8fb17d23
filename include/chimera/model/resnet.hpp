// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/transformer.hpp>

#include <array>

namespace chimera {

/// The residual network for images of 32 × 32 of He et al. (arXiv 1512.03385, section 4.2): 6n + 2 layers with weights,
/// three groups of n blocks over 16, 32 and 64 channels, shortcuts without parameters, batch norm, convolutions without
/// bias.
struct resnet_sizes {
    /// The layers with weights, kinds of images, pixels a side, colours, channels of the first group.
    std::int64_t depth = 20, classes = 10, image = 32, colours = 3, channels = 16;
    precision bytes = single_precision;  ///< bytes of an element
};

namespace detail {

/// A 3 × 3 convolution and its batch norm, onto `side`² pixels. Keeps the norm's input beside its own.
constexpr void add_convolution(layer& to, double size, std::int64_t inputs, std::int64_t outputs, std::int64_t from,
                               std::int64_t side, bool first = false) {
    const auto pixels = static_cast<double>(side * side);
    to.parameters += 9 * inputs * outputs + 2 * outputs;
    add_product(to, pixels, static_cast<double>(9 * inputs), static_cast<double>(outputs), first);
    keep(to, size * (static_cast<double>(inputs * from * from) + pixels * static_cast<double>(outputs)), 0);
}

}  // namespace detail

/// Makes a residual network of these layers: stem, the blocks (two convolutions each), head (mean over the pixels,
/// classifier). Each keeps its own input, from which the ReLU before it computes its gradient too.
[[nodiscard]] constexpr model resnet(const resnet_sizes& sizes = {}) {
    detail::check_size("depth", sizes.depth, 65536);
    detail::check_size("classes", sizes.classes, 1 << 28);
    detail::check_size("image", sizes.image, 65536);
    detail::check_size("colours", sizes.colours, 65536);
    detail::check_size("channels", sizes.channels, 65536);
    if (sizes.depth < 8 || (sizes.depth - 2) % 6 != 0)
        refuse("depth is not 6n + 2 (three groups of n blocks of two layers) use 20, 32, 44, 56 or 110");
    if (sizes.image % 4 != 0) refuse("image is no multiple of 4 (it is halved twice) choose another");
    const double size = sizes.bytes.activation;
    model made{"resnet", {}, 0, sizes.bytes};
    const auto finish = [&](layer& l, std::int64_t channels, std::int64_t side) {
        l.output = size * static_cast<double>(channels * side * side);
        made.layers.push_back(l);
    };
    layer stem{.name = "stem", .kind = layer_kind::convolution};
    detail::add_convolution(stem, size, sizes.colours, sizes.channels, sizes.image, sizes.image, true);
    finish(stem, sizes.channels, sizes.image);
    std::int64_t channels = sizes.channels, side = sizes.image, count = 0;
    for (int group = 0; group < 3; ++group)
        for (std::int64_t i = 0; i < (sizes.depth - 2) / 6; ++i) {
            const bool halves = group > 0 && i == 0;
            const std::int64_t inputs = channels, from = side;
            if (halves) channels *= 2, side /= 2;
            layer block{.name = detail::numbered("block.", count++), .kind = layer_kind::convolution};
            detail::add_convolution(block, size, inputs, channels, from, side);
            detail::add_convolution(block, size, channels, channels, side, side);
            finish(block, channels, side);
        }
    layer head{.name = "head", .kind = layer_kind::head, .parameters = (channels + 1) * sizes.classes};
    const auto c = static_cast<double>(channels), k = static_cast<double>(sizes.classes);
    detail::add_product(head, 1, c, k);
    detail::keep(head, size * (c * static_cast<double>(side * side) + c) + 4 * k, 0);
    made.layers.push_back(head);
    return made;
}

/// The network of 20 layers.
inline constexpr resnet_sizes resnet_20{};

}  // namespace chimera
