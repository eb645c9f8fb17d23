// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/device/bf16.hpp>
#include <executor/device/shapes.hpp>

#include <cstddef>
#include <cstdint>

/// Queue the hand-written kernels on a stream. `Real` (weights, activations, their gradients) is float or bf16;
/// gradients of parameters, statistics and moments are float; long sums are double. Pointers are to device memory,
/// shapes not empty; a workspace need not be initialised, and may be used again by what follows on the stream.
/// Operations mean what executor/device/device.hpp says.
///
/// Results are the same bits whenever arguments are the same: no floating-point atomics, no order left to the hardware,
/// no grid that depends on the card. A launch that CUDA refuses throws chimera_error.
///
/// Heads need no splitting or merging: in qkv [rows, 3 · channels], a head's queries are a matrix with leading
/// dimension 3 · channels, and the next head's lie `head size` further on, which strided-batched products take as they
/// are.
namespace chimera::executor::gpu {

using stream_handle = void*;  ///< a cudaStream_t; null is the default stream

/// Throws chimera_error: what a cudaError_t of a launch means and what helps.
[[noreturn]] void launch_failed(int error);

// Element by element. Outputs may be inputs.

template <class Real>
void fill(stream_handle stream, Real* y, float value, std::size_t n);
template <class To, class From>  // any two of float, bf16; of one type: a copy
void cast(stream_handle stream, To* y, const From* x, std::size_t n);
template <class Real>  // y += x
void add(stream_handle stream, Real* y, const Real* x, std::size_t n);
template <class Real>  // y *= factor
void scale(stream_handle stream, Real* y, float factor, std::size_t n);
template <class Real>  // tanh form
void gelu_forward(stream_handle stream, const Real* x, Real* y, std::size_t n);
template <class Real>
void gelu_backward(stream_handle stream, const Real* x, const Real* dy, Real* dx, std::size_t n);

/// y [rows, columns] = silu(gate) · up, where x [rows, 2 · columns] holds a row's gates, then its ups (Shazeer 2020). y
/// is not x.
template <class Real>
void swiglu_forward(stream_handle stream, const row_shape& shape, const Real* x, Real* y);
template <class Real>  // dx may be x
void swiglu_backward(stream_handle stream, const row_shape& shape, const Real* x, const Real* dy, Real* dx);

/// Rotary positions (Su et al. 2021). Element i of a head is paired with element i + head size / 2; `table`
/// [tokens, head size / 2, 2] holds cosine and sine of token · base^(-2 i / head size).
void rotary_table(stream_handle stream, int tokens, int head_size, double base, float* table);
template <class Real>  // rotates queries and keys in place; head size even
void rotary_forward(stream_handle stream, const attention_shape& shape, const float* table, Real* qkv);
template <class Real>
void rotary_backward(stream_handle stream, const attention_shape& shape, const float* table, Real* d_qkv);

// Rows.

template <class Real>
void norm_forward(stream_handle stream, const row_shape& shape, const Real* x, const Real* scale, const Real* shift,
                  Real* y, float* mean, float* inverse);
template <class Real>  // dx may be dy, x or residual; residual may be null
void norm_backward_input(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                         const float* mean, const float* inverse, const Real* residual, Real* dx);
template <class Real>
void norm_backward_parameters(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x,
                              const float* mean, const float* inverse, float* d_scale, float* d_shift, bool add,
                              void* workspace);
/// Both at once, and the sums of residual and dx where `to` has places for them: the same bits as norm_backward_input,
/// norm_backward_parameters and column_sums, which read the tensors again.
template <class Real>
void norm_backward(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                   const float* mean, const float* inverse, const Real* residual, Real* dx,
                   const norm_gradients<float>& to, void* workspace);

/// y = x · inverse · scale, inverse = 1/√(mean of x² + norm_epsilon), one a row (Zhang & Sennrich 2019).
template <class Real>
void rms_forward(stream_handle stream, const row_shape& shape, const Real* x, const Real* scale, Real* y,
                 float* inverse);
template <class Real>  // dx may be dy, x or residual; residual may be null
void rms_backward_input(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x, const Real* scale,
                        const float* inverse, const Real* residual, Real* dx);
template <class Real>
void rms_backward_parameters(stream_handle stream, const row_shape& shape, const Real* dy, const Real* x,
                             const float* inverse, float* d_scale, bool add, void* workspace);

/// Gradient of a bias: sums [columns] (+)= sums of dy's columns.
template <class Real>
void column_sums(stream_handle stream, const row_shape& shape, const Real* dy, float* sums, bool add, void* workspace);

/// gelu_backward, and sums (+)= column_sums of dx in passing. `sums` may be null: dx is the same bits.
template <class Real>
void gelu_backward(stream_handle stream, const row_shape& shape, const Real* x, const Real* dy, Real* dx, float* sums,
                   bool add, void* workspace);

/// Bytes of workspace: one sum for column_sums, gelu_backward and rms_backward_parameters, two for
/// norm_backward_parameters, four for norm_backward.
std::size_t columns_workspace(const row_shape& shape, int sums = 4);

// Attention by matrix products: one product gives `scores`, these make probabilities and gradients of them. Each of
// `matrices` (sequence and head) is [tokens, tokens], a query a row. Above the diagonal nothing is read and zeros are
// written. Score and Real: float and float, bf16 and bf16 (then output may be input), or float scores and bf16 results.

template <class Score, class Real>  // p = softmax(factor · scores), log_sum [matrices, tokens]
void softmax_forward(stream_handle stream, int matrices, int tokens, float factor, const Score* scores, Real* p,
                     float* log_sum);
template <class Score, class Real>  // p again, of log_sum
void softmax_recompute(stream_handle stream, int matrices, int tokens, float factor, const Score* scores,
                       const float* log_sum, Real* p);
template <class Score, class Real>  // d_scores = p · (dp - dots) · factor; d_scores may be dp
void softmax_backward(stream_handle stream, int matrices, int tokens, float factor, const Real* p, const float* dots,
                      const Score* dp, Real* d_scores);
template <class Real>  // dots [sequences, heads, tokens] = Σ dy · y over a head
void row_dots(stream_handle stream, const attention_shape& shape, const Real* dy, const Real* y, float* dots);

// Ends of the model. Chunks of rows: move logits, targets and losses on by as many rows.

template <class Real>
void cross_entropy(stream_handle stream, const row_shape& shape, const Real* logits, const std::int32_t* targets,
                   float* losses);
template <class Real>
void cross_entropy_and_gradient(stream_handle stream, const row_shape& shape, Real* logits, const std::int32_t* targets,
                                float* losses, float factor);
template <class Real>  // position_table may be null
void embedding_forward(stream_handle stream, const embedding_shape& shape, const std::int32_t* tokens,
                       const Real* token_table, const Real* position_table, Real* y);
template <class Real>  // d_position_table may be null
void embedding_backward(stream_handle stream, const embedding_shape& shape, const std::int32_t* tokens, const Real* dy,
                        float* d_token_table, float* d_position_table, bool add, void* workspace);
std::size_t embedding_workspace(const embedding_shape& shape);  ///< bytes, for the backward

// Sums, into device memory.

template <class Real>  // result (+)= Σ x²
void sum_of_squares(stream_handle stream, const Real* x, std::size_t n, double* result, bool add, void* workspace);
void mean(stream_handle stream, const float* x, std::size_t n, double* result, void* workspace);
std::size_t sum_workspace(std::size_t n);  ///< bytes, for both

// The optimiser.

/// The numbers of an AdamW step. In device memory it may change between replays of a recorded graph.
struct adamw_numbers {
    float learning_rate = 0, epsilon = 0, weight_decay = 0, gradient_scale = 1;
    float beta_1 = 0, beta_2 = 0, rest_1 = 1, rest_2 = 1;  ///< β and 1 - β, each rounded from double
    float correction_1 = 1, correction_2 = 1;              ///< 1 / (1 - βⁱ) after i steps
};
adamw_numbers numbers(const adamw_step& step);

/// Updates `master`, m and v, and rounds master into `values`. Where master is null, values are their own master (float
/// only).
template <class Real>
void adamw(stream_handle stream, Real* values, const float* gradients, float* master, float* m, float* v, std::size_t n,
           const adamw_step& step);
template <class Real>  // numbers read on the device when the kernel runs
void adamw(stream_handle stream, Real* values, const float* gradients, float* master, float* m, float* v, std::size_t n,
           const adamw_numbers* on_device);

/// Sets what all gradients of so many steps are multiplied by. Sums, norm and factor are in double.
void clip(stream_handle stream, const norm_limit& by, adamw_numbers* numbers, int count);

}  // namespace chimera::executor::gpu
