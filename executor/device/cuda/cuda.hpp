// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/device/choices.hpp>
#include <executor/device/cuda/gpu.hpp>
#include <executor/device/cuda/kernels/kernels.hpp>
#include <executor/device/device.hpp>

#include <concepts>
#include <filesystem>
#include <memory>
#include <string>

namespace chimera::executor {

namespace detail {
struct cuda_state;
class linear_products;
class attention_products;
}  // namespace detail

struct cuda_options {
    int gpu = 0;
    void* stream = nullptr;  ///< a cudaStream_t of that GPU, which must outlive the device; null: it makes its own
    /// Results depend on arguments alone, not on which algorithm was fastest when measured or in which order parts of a
    /// sum came: the same bits on every run.
    bool deterministic = false;
    /// Fused attention in bf16, where it was built; else by matrix products. Its backward leaves other bits each time,
    /// unless the device is deterministic.
    bool fused_attention = true;
    std::filesystem::path cache = cache_folder();  ///< for the fastest algorithms found; empty: nothing is kept
};

/// One stream of one GPU: matrix products by cuBLASLt, the rest in the kernels of executor/device/cuda/kernels. Real is
/// float (products in fp32, not TF32) or bf16, which is accumulated in fp32.
///
/// An operation's result depends on its arguments alone, bit for bit, but for what is said of `deterministic`.
///
/// Calls queue and return. One object belongs to one thread at a time; each call makes its GPU the thread's current
/// one. Prepared products live as long as the device and are measured when they are made. Memory is taken in allocate,
/// prepare, and where an operation needs more scratch than any before it: not after the first iteration. What CUDA
/// refuses throws chimera_error.
template <class Real>
class cuda_device {
public:
    using real = Real;
    using wide = float;
    using memory = device_memory;
    using prepared_linear = detail::linear_products*;
    using prepared_attention = detail::attention_products*;
    using step_numbers = gpu::adamw_numbers;
    static constexpr bool on_host = false;

    /// Throws chimera_error where there is no such GPU, or none that this program was built for.
    explicit cuda_device(const cuda_options& options = {});
    ~cuda_device();
    cuda_device(cuda_device&&) noexcept;
    cuda_device& operator=(cuda_device&&) noexcept;

    int gpu() const;
    void* stream() const;               ///< a cudaStream_t
    std::size_t scratch_bytes() const;  ///< bytes of workspace and scratch so far
    bool is_fused(prepared_attention prepared) const;
    std::string attention_way(prepared_attention prepared) const;  ///< "cuDNN 9.19.0" or "matrix products (why)"

    memory allocate(std::size_t bytes) { return memory(gpu(), bytes); }
    prepared_linear prepare(linear_shape shape, linear_role role = linear_role::any);
    prepared_attention prepare(attention_shape shape);

    void upload(void* to, const void* from_host, std::size_t bytes);
    void download(void* to_host, const void* from, std::size_t bytes);
    void finish();
    void settle();

    template <class T>
    void fill(T* y, wide value, std::size_t n) {
        gpu::fill(queue(), y, value, n);
    }
    template <class T>
    void copy(T* y, const T* x, std::size_t n) {
        copy_bytes(y, x, n * sizeof(T));
    }
    template <class T>
    void add(T* y, const T* x, std::size_t n) {
        gpu::add(queue(), y, x, n);
    }
    template <class T>
    void scale(T* y, wide factor, std::size_t n) {
        gpu::scale(queue(), y, factor, n);
    }
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
    bool sums_with_gelu(prepared_linear prepared) const;
    void linear_backward_weight(prepared_linear prepared, const real* dy, const real* x, wide* dw, wide* db, bool add);
    void column_sums(const row_shape& shape, const real* dy, wide* sums, bool add);
    void gelu_backward(const real* x, const real* dy, real* dx, std::size_t n) {
        gpu::gelu_backward(queue(), x, dy, dx, n);
    }

    void norm_forward(const row_shape& shape, const real* x, const real* scale, const real* shift, real* y, wide* mean,
                      wide* inverse) {
        gpu::norm_forward(queue(), shape, x, scale, shift, y, mean, inverse);
    }
    void norm_backward_input(const row_shape& shape, const real* dy, const real* x, const real* scale, const wide* mean,
                             const wide* inverse, const real* residual, real* dx) {
        gpu::norm_backward_input(queue(), shape, dy, x, scale, mean, inverse, residual, dx);
    }
    void norm_backward_parameters(const row_shape& shape, const real* dy, const real* x, const wide* mean,
                                  const wide* inverse, wide* d_scale, wide* d_shift, bool add);
    void norm_backward(const row_shape& shape, const real* dy, const real* x, const real* scale, const wide* mean,
                       const wide* inverse, const real* residual, real* dx, const norm_gradients<wide>& to);

    void attention_forward(prepared_attention prepared, const real* qkv, real* y, wide* log_sum);
    void attention_backward(prepared_attention prepared, const real* qkv, const real* y, const real* dy,
                            const wide* log_sum, real* d_qkv);

    void cross_entropy(const row_shape& shape, const real* logits, const std::int32_t* targets, wide* losses);
    void cross_entropy_and_gradient(const row_shape& shape, real* logits, const std::int32_t* targets, wide* losses,
                                    wide factor);

    static step_numbers numbers(const adamw_step& step) { return gpu::numbers(step); }
    void adamw(real* values, wide* master, const wide* gradients, wide* m, wide* v, std::size_t n,
               const adamw_step& step);
    void adamw(real* values, wide* master, const wide* gradients, wide* m, wide* v, std::size_t n,
               const step_numbers* on_device);
    void clip(const norm_limit& by, step_numbers* on_device, int count);

private:
    void* queue();  ///< the stream, its GPU made the current one
    void copy_bytes(void* y, const void* x, std::size_t bytes);

    std::unique_ptr<detail::cuda_state> state_;
};

extern template class cuda_device<float>;
extern template class cuda_device<bf16>;

static_assert(Device<cuda_device<float>>);
static_assert(Device<cuda_device<bf16>>);

}  // namespace chimera::executor
