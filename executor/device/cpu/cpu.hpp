// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/device/bf16.hpp>
#include <executor/device/device.hpp>
#include <executor/device/device_memory.hpp>
#include <executor/device/pieces.hpp>

#include <memory>

namespace chimera::executor {

namespace detail {
struct linear_primitives;
struct cpu_state;
struct kernels;
}  // namespace detail

/// Returns true if this machine multiplies in bf16; otherwise cpu_device_in<bf16> is not to be made.
bool cpu_has_bf16();

/// One or more processor cores: matrix products by oneDNN, the rest in vectorised loops. Real is float, or bf16, whose
/// sums are fp32 and whose results are rounded when they are stored.
///
/// One object belongs to one worker thread; objects share nothing that changes, so any number may run at once. With
/// more than one thread it starts helpers, which end with it. How work is cut depends on its shape and on the number of
/// threads alone, so results do too. Threads that compute are told to use one OpenMP thread. Prepared
/// products live as long as the device. Scratch memory grows only in `prepare`.
template <class Real>
class cpu_device_in : public host_side {
public:
    using real = Real;
    using wide = float;
    using memory = host_memory;
    using prepared_linear = const detail::linear_primitives*;
    using prepared_attention = attention_shape;

    explicit cpu_device_in(int threads = 1);
    explicit cpu_device_in(const detail::kernels& loops, int threads = 1);  ///< with the loops of one instruction set
    ~cpu_device_in();
    cpu_device_in(cpu_device_in&&) noexcept;
    cpu_device_in& operator=(cpu_device_in&&) noexcept;

    /// The instruction set of the loops: baseline, avx2 or avx512.
    const char* instruction_set() const;

    /// Bytes of scratch memory for what was prepared so far.
    std::size_t scratch_bytes() const;

    memory allocate(std::size_t bytes) { return memory(bytes); }
    prepared_linear prepare(linear_shape shape, linear_role role = linear_role::any);
    prepared_attention prepare(attention_shape shape);

    template <class T>
    void fill(T* y, wide value, std::size_t n);
    template <class T>
    void copy(T* y, const T* x, std::size_t n);
    template <class T>
    void add(T* y, const T* x, std::size_t n);
    template <class T>
    void scale(T* y, wide factor, std::size_t n);
    void mean_of(const wide* x, std::size_t n, double* y);
    void sum_of_squares(const wide* x, std::size_t n, double* y);

    void embedding_forward(const embedding_shape& shape, const std::int32_t* tokens, const real* token_table,
                           const real* position_table, real* y);
    void embedding_backward(const embedding_shape& shape, const std::int32_t* tokens, const real* dy,
                            wide* d_token_table, wide* d_position_table, bool add);

    void linear_forward(prepared_linear prepared, const real* x, const real* w, const real* bias, const real* residual,
                        real* y);
    void linear_gelu_forward(prepared_linear prepared, const real* x, const real* w, const real* bias, real* before,
                             real* y);
    void linear_backward_input(prepared_linear prepared, const real* dy, const real* w, real* dx);
    void linear_gelu_backward_input(prepared_linear prepared, const real* dy, const real* w, const real* before,
                                    real* dx, real* room, wide* sums = nullptr, bool add = false);
    bool sums_with_gelu(prepared_linear) const { return false; }
    void linear_backward_weight(prepared_linear prepared, const real* dy, const real* x, wide* dw, wide* db, bool add);
    void column_sums(const row_shape& shape, const real* dy, wide* sums, bool add);
    void gelu_backward(const real* x, const real* dy, real* dx, std::size_t n);

    void norm_forward(const row_shape& shape, const real* x, const real* scale, const real* shift, real* y, wide* mean,
                      wide* inverse);
    void norm_backward_input(const row_shape& shape, const real* dy, const real* x, const real* scale, const wide* mean,
                             const wide* inverse, const real* residual, real* dx);
    void norm_backward_parameters(const row_shape& shape, const real* dy, const real* x, const wide* mean,
                                  const wide* inverse, wide* d_scale, wide* d_shift, bool add);
    void norm_backward(const row_shape& shape, const real* dy, const real* x, const real* scale, const wide* mean,
                       const wide* inverse, const real* residual, real* dx, const norm_gradients<wide>& to) {
        norm_backward_in_pieces(*this, shape, dy, x, scale, mean, inverse, residual, dx, to);
    }

    void attention_forward(const prepared_attention& prepared, const real* qkv, real* y, wide* log_sum);
    void attention_backward(const prepared_attention& prepared, const real* qkv, const real* y, const real* dy,
                            const wide* log_sum, real* d_qkv);

    void cross_entropy(const row_shape& shape, const real* logits, const std::int32_t* targets, wide* losses);
    void cross_entropy_and_gradient(const row_shape& shape, real* logits, const std::int32_t* targets, wide* losses,
                                    wide factor);

    /// In fp32 `master` is not used: the weights are as long as their gradients.
    void adamw(real* values, wide* master, const wide* gradients, wide* m, wide* v, std::size_t n,
               const adamw_step& step);

private:
    std::unique_ptr<detail::cpu_state> state_;
};

using cpu_device = cpu_device_in<float>;

extern template class cpu_device_in<float>;
extern template class cpu_device_in<bf16>;

static_assert(Device<cpu_device>);
static_assert(Device<cpu_device_in<bf16>>);

}  // namespace chimera::executor
