// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/gpt2.hpp>

namespace chimera {

/// A vision transformer (Dosovitskiy et al., arXiv 2010.11929) with a class token and a linear classifier.
struct vit_sizes {
    std::int64_t layers = 12, heads = 12, channels = 768;  ///< blocks, heads of each, channels
    /// The pixels a side of an image and of a patch, colours, kinds of images.
    std::int64_t image = 224, patch = 16, colours = 3, classes = 1000;
    keeping how{{}, false};  ///< bytes that it keeps
};

/// Makes a vision transformer of these layers: embedding (patches, class token, positions), the blocks, head (final
/// norm, classifier of the class token).
[[nodiscard]] constexpr model vit(const vit_sizes& sizes = {}) {
    const std::int64_t h = sizes.channels;
    detail::check_size("layers", sizes.layers, 65536);
    detail::check_size("heads", sizes.heads, 65536);
    detail::check_size("channels", h, 1 << 20);
    detail::check_size("image", sizes.image, 65536);
    detail::check_size("patch", sizes.patch, sizes.image);
    detail::check_size("colours", sizes.colours, 65536);
    detail::check_size("classes", sizes.classes, 1 << 28);
    detail::check_heads(sizes.heads, h);
    if (sizes.image % sizes.patch != 0) refuse("patch does not divide image (patches tile it) choose a divisor");
    const std::int64_t patches = (sizes.image / sizes.patch) * (sizes.image / sizes.patch), tokens = patches + 1;
    const std::int64_t pixels = sizes.colours * sizes.patch * sizes.patch;
    detail::check_size("numbers of a patch", pixels, 1 << 28);
    const double size = sizes.how.bytes.activation, c = static_cast<double>(h), s = static_cast<double>(tokens);
    model made{"vit", {}, tokens, sizes.how.bytes};
    layer first{.name = "embedding", .kind = layer_kind::embedding, .parameters = h * (pixels + 1 + 1 + tokens)};
    detail::add_product(first, static_cast<double>(patches), static_cast<double>(pixels), c, true);
    detail::keep(first, 0, size * static_cast<double>(patches * pixels) + (sizes.how.dropout ? s * c : 0));
    first.output = size * s * c;
    made.layers.push_back(first);
    for (std::int64_t i = 0; i < sizes.layers; ++i)
        made.layers.push_back(detail::block("block.", i, sizes.how, tokens, sizes.heads, h));
    layer head{.name = "head", .kind = layer_kind::head, .parameters = (h + 1) * sizes.classes};
    detail::add_norm(head, sizes.how, s, h, 2);
    detail::add_product(head, 1, c, static_cast<double>(sizes.classes));
    detail::keep(head, 4 * static_cast<double>(sizes.classes), size * c);
    made.layers.push_back(head);
    return made;
}

/// The ViT-B/16: 12 layers, 768 channels, patches of 16 × 16 pixels.
inline constexpr vit_sizes vit_b_16{};
/// The ViT-L/16: 24 layers, 1,024 channels, patches of 16 × 16 pixels.
inline constexpr vit_sizes vit_l_16{.layers = 24, .heads = 16, .channels = 1024};

}  // namespace chimera
