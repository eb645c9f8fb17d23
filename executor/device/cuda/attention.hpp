// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/cuda/fused_attention.hpp>
#include <executor/device/cuda/kernels/kernels.hpp>
#include <executor/device/cuda/product.hpp>

#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>

namespace chimera::executor::detail {

/// Attention: fused where that is wanted and can be, else by matrix products, one sequence after the other: scores of
/// all its heads, softmax in place, products with the values. These need memory for the squares of one sequence; the
/// backward computes the probabilities again.
class attention_products {
public:
    attention_products(product_library& library, const attention_shape& s, number real, bool fuse);

    bool is_fused() const { return fused_ != nullptr; }
    /// Names what computes it: "cuDNN 9.19.0" or "matrix products (why)".
    std::string way() const;
    std::size_t scratch_bytes() const { return fused_ ? fused_->scratch_bytes() : products_bytes(); }

    /// `room` gives scratch memory: bytes → its beginning.
    template <class Real, class Room>
    void forward(const Real* qkv, Real* y, float* log_sum, Room room);
    template <class Real, class Room>
    void backward(const Real* qkv, const Real* y, const Real* dy, const float* log_sum, Real* d_qkv, Room room);

private:
    static std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }
    std::size_t of_rows(int count, int columns) const { return row_shape{count, columns}.size(); }
    std::size_t squares() const { return of_rows(shape_.heads, shape_.tokens) * std::size_t(shape_.tokens); }
    std::size_t scores_bytes() const { return aligned(squares() * sizeof(float)); }
    /// Probabilities take the place of scores where they are as long.
    std::size_t result_bytes() const { return real_ == number::float32 ? 0 : aligned(squares() * size_of(real_)); }
    std::size_t rows_bytes() const { return aligned(of_rows(shape_.tokens, 3 * shape_.channels) * size_of(real_)); }
    std::size_t dots_bytes() const { return aligned(of_rows(shape_.sequences * shape_.heads, shape_.tokens) * 4); }
    float factor() const { return 1 / std::sqrt(static_cast<float>(shape_.head_size())); }
    std::size_t products_bytes() const { return 2 * (scores_bytes() + result_bytes()) + rows_bytes() + dots_bytes(); }
    void prepare();
    void unfuse(const std::string& why);
    /// Returns true if fused attention was queued. After a refusal matrix products take its place for good.
    bool fused_did(const std::string& refused);
    product& get(attention_product what) { return *made_[static_cast<std::size_t>(what)]; }

    product_library& library_;
    cudaStream_t stream_;
    attention_shape shape_;
    number real_;
    std::unique_ptr<fused_attention> fused_;
    std::string why_not_;
    std::array<std::optional<product>, attention_product_count> made_;
};

template <class Real, class Room>
void attention_products::forward(const Real* qkv, Real* y, float* log_sum, Room room) {
    if (fused_ && fused_did(fused_->forward(qkv, y, log_sum, room(scratch_bytes())))) return;
    const attention_shape& s = shape_;
    std::byte* const scratch = room(scratch_bytes());
    auto* const scores = reinterpret_cast<float*>(scratch);
    auto* const p = reinterpret_cast<Real*>(scratch + (result_bytes() ? scores_bytes() : 0));
    for (int b = 0; b < s.sequences; ++b) {
        const Real* const queries = qkv + of_rows(b * s.tokens, 3 * s.channels);
        get(attention_product::scores).run(queries, queries + s.channels, scores);
        gpu::softmax_forward(stream_, s.heads, s.tokens, factor(), scores, p, log_sum + of_rows(b * s.heads, s.tokens));
        get(attention_product::values).run(p, queries + 2 * s.channels, y + of_rows(b * s.tokens, s.channels));
    }
}

template <class Real, class Room>
void attention_products::backward(const Real* qkv, const Real* y, const Real* dy, const float* log_sum, Real* d_qkv,
                                  Room room) {
    if (fused_ && fused_did(fused_->backward(qkv, y, dy, log_sum, d_qkv, room(scratch_bytes())))) return;
    const attention_shape& s = shape_;
    std::byte* const scratch = room(scratch_bytes());
    const std::size_t rest = result_bytes() ? scores_bytes() : 0, each = scores_bytes() + result_bytes();
    auto* const scores = reinterpret_cast<float*>(scratch);
    auto* const p = reinterpret_cast<Real*>(scratch + rest);
    auto* const dp = reinterpret_cast<float*>(scratch + each);
    auto* const d_scores = reinterpret_cast<Real*>(scratch + each + rest);
    auto* const rows = reinterpret_cast<Real*>(scratch + 2 * each);  // d_qkv may be qkv
    auto* const dots = reinterpret_cast<float*>(scratch + 2 * each + rows_bytes());
    gpu::row_dots(stream_, s, dy, y, dots);
    for (int b = 0; b < s.sequences; ++b) {
        const Real *const queries = qkv + of_rows(b * s.tokens, 3 * s.channels), *const keys = queries + s.channels;
        const Real* const gradient = dy + of_rows(b * s.tokens, s.channels);
        const std::size_t first = of_rows(b * s.heads, s.tokens);
        get(attention_product::scores).run(queries, keys, scores);
        gpu::softmax_recompute(stream_, s.heads, s.tokens, factor(), scores, log_sum + first, p);
        get(attention_product::d_values).run(p, gradient, rows + 2 * s.channels);
        get(attention_product::d_probabilities).run(gradient, keys + s.channels, dp);
        gpu::softmax_backward(stream_, s.heads, s.tokens, factor(), p, dots + first, dp, d_scores);
        get(attention_product::d_queries).run(d_scores, keys, rows);
        get(attention_product::d_keys).run(d_scores, queries, rows + s.channels);
        check(cudaMemcpyAsync(d_qkv + of_rows(b * s.tokens, 3 * s.channels), rows,
                              of_rows(s.tokens, 3 * s.channels) * sizeof(Real), cudaMemcpyDeviceToDevice, stream_),
              "copying");
    }
}

}  // namespace chimera::executor::detail
