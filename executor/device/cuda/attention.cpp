// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/attention.hpp>

#include <executor/device/cuda/say.hpp>

#include <algorithm>

namespace chimera::executor::detail {

namespace {

/// A deterministic backward keeps a square of bf16 for each head of each sequence: 0.8 GB for GPT-2 124M's 32 sequences
/// of 1024.
constexpr std::size_t always_allowed = std::size_t{1} << 30;

}  // namespace

attention_products::attention_products(product_library& library, const attention_shape& s, number real, bool fuse)
    : library_(library), stream_(library.stream), shape_(s), real_(real) {
    if (real != number::bfloat16)
        why_not_ = "in fp32";
    else if (!fuse)
        why_not_ = "fused attention is turned off";
    else {
        const fused_wish wish{library.deterministic, std::max(always_allowed, products_bytes())};
        auto offer = make_fused_attention(s, wish, stream_);
        fused_ = std::move(offer.made);
        if (!fused_) unfuse(offer.why_not);
    }
    if (!fused_) prepare();
}

std::string attention_products::way() const { return fused_ ? fused_->name() : "matrix products (" + why_not_ + ")"; }

void attention_products::prepare() {
    for (int i = 0; i < attention_product_count; ++i)
        made_[static_cast<std::size_t>(i)].emplace(library_, form_of(shape_, attention_product(i), real_));
}

void attention_products::unfuse(const std::string& why) {
    why_not_ = why;
    if (has_fused_attention())
        say_once("attention of " + std::to_string(shape_.heads) + " heads of " + std::to_string(shape_.head_size()) +
                 " over " + std::to_string(shape_.tokens) + " tokens goes by matrix products, slowly (" + why + ")");
}

bool attention_products::fused_did(const std::string& refused) {
    if (refused.empty()) return true;
    fused_.reset();
    unfuse(refused);
    prepare();
    return false;
}

}  // namespace chimera::executor::detail
