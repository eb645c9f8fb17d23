// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/device.hpp>
#include <executor/device/device_memory.hpp>

#include <cstddef>
#include <cstdint>

/// A device that computes nothing and keeps books: bytes that were asked of it, FLOPs of the products it was told to do.
namespace ledger {

using chimera::executor::adamw_step;
using chimera::executor::attention_shape;
using chimera::executor::embedding_shape;
using chimera::executor::linear_role;
using chimera::executor::linear_shape;
using chimera::executor::norm_gradients;
using chimera::executor::row_shape;

class device : public chimera::executor::host_side {
public:
    using real = float;
    using wide = float;
    using memory = chimera::executor::host_memory;
    using prepared_linear = linear_shape;
    using prepared_attention = attention_shape;

    std::size_t bytes = 0;
    double forward = 0, input_gradient = 0, weight_gradient = 0;
    int column_passes = 0;  ///< over matrices, for nothing but the sums of their columns

    memory allocate(std::size_t size) {
        bytes += size;
        return memory(size);
    }
    prepared_linear prepare(linear_shape s, linear_role) { return s; }
    prepared_attention prepare(attention_shape s) { return s; }

    void fill(real*, real, std::size_t) {}
    void copy(real*, const real*, std::size_t) {}
    void add(real*, const real*, std::size_t) {}
    void scale(real*, real, std::size_t) {}
    void mean_of(const wide*, std::size_t, double*) {}
    void sum_of_squares(const wide*, std::size_t, double*) {}
    void embedding_forward(const embedding_shape&, const std::int32_t*, const real*, const real*, real*) {}
    void embedding_backward(const embedding_shape&, const std::int32_t*, const real*, real*, real*, bool) {}
    void linear_forward(prepared_linear p, const real*, const real*, const real*, const real*, real*) {
        forward += work(p);
    }
    void linear_gelu_forward(prepared_linear p, const real*, const real*, const real*, real*, real*) {
        forward += work(p);
    }
    void linear_backward_input(prepared_linear p, const real*, const real*, real*) { input_gradient += work(p); }
    void linear_gelu_backward_input(prepared_linear p, const real*, const real*, const real*, real*, real*, real*,
                                    bool) {
        input_gradient += work(p);
    }
    bool sums_with_gelu(prepared_linear) const { return true; }
    void column_sums(const row_shape&, const real*, real*, bool) { ++column_passes; }
    void linear_backward_weight(prepared_linear p, const real*, const real*, real*, real* db, bool) {
        weight_gradient += work(p), column_passes += db != nullptr;
    }
    void gelu_backward(const real*, const real*, real*, std::size_t) {}
    void norm_forward(const row_shape&, const real*, const real*, const real*, real*, real*, real*) {}
    void norm_backward_input(const row_shape&, const real*, const real*, const real*, const real*, const real*,
                             const real*, real*) {}
    void norm_backward_parameters(const row_shape&, const real*, const real*, const real*, const real*, real*, real*,
                                  bool) {
        ++column_passes;
    }
    void norm_backward(const row_shape&, const real*, const real*, const real*, const real*, const real*, const real*,
                       real*, const norm_gradients<real>&) {}
    void attention_forward(const prepared_attention& p, const real*, real*, real*) { forward += work(p); }
    void attention_backward(const prepared_attention& p, const real*, const real*, const real*, const real*, real*) {
        input_gradient += 2 * work(p);
    }
    void cross_entropy(const row_shape&, const real*, const std::int32_t*, real*) {}
    void cross_entropy_and_gradient(const row_shape&, real*, const std::int32_t*, real*, real) {}
    void adamw(real*, wide*, const wide*, wide*, wide*, std::size_t, const adamw_step&) {}

private:
    static double work(const linear_shape& s) { return 2.0 * s.rows * s.inputs * s.outputs; }
    /// Two products of tokens × tokens a head, in full though half of them is masked.
    static double work(const attention_shape& s) { return 2 * 2.0 * s.rows() * s.tokens * s.heads * s.head_size(); }
};

static_assert(chimera::executor::Device<device>);

}  // namespace ledger
