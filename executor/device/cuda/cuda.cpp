// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/cuda.hpp>

#include <executor/device/cuda/cuda_state.hpp>

#include <utility>

namespace chimera::executor {

namespace detail {

namespace {

std::size_t count(int rows, int columns) { return row_shape{rows, columns}.size(); }
std::size_t row_bytes(int columns) { return static_cast<std::size_t>(columns) * sizeof(float); }

template <class Real>
constexpr number number_of = std::is_same_v<Real, float> ? number::float32 : number::bfloat16;

}  // namespace

}  // namespace detail

using detail::check;
using detail::linear_product;

template <class Real>
cuda_device<Real>::cuda_device(const cuda_options& options) : state_(std::make_unique<detail::cuda_state>(options)) {}
template <class Real>
cuda_device<Real>::~cuda_device() = default;
template <class Real>
cuda_device<Real>::cuda_device(cuda_device&&) noexcept = default;
template <class Real>
auto cuda_device<Real>::operator=(cuda_device&&) noexcept -> cuda_device& = default;

template <class Real>
int cuda_device<Real>::gpu() const {
    return state_->gpu;
}

template <class Real>
void* cuda_device<Real>::stream() const {
    return state_->stream;
}

template <class Real>
std::size_t cuda_device<Real>::scratch_bytes() const {
    std::size_t bytes = state_->library.workspace.size() + state_->scratch.size();
    for (const device_memory& old : state_->outgrown) bytes += old.size();
    return bytes;
}

template <class Real>
bool cuda_device<Real>::is_fused(prepared_attention prepared) const {
    return prepared->is_fused();
}

template <class Real>
std::string cuda_device<Real>::attention_way(prepared_attention prepared) const {
    return prepared->way();
}

template <class Real>
void* cuda_device<Real>::queue() {
    check(cudaSetDevice(state_->gpu), "choosing a GPU");
    return state_->stream;
}

template <class Real>
auto cuda_device<Real>::prepare(linear_shape shape, linear_role role) -> prepared_linear {
    queue();
    auto& made = state_->linear.try_emplace(shape, state_->library, shape, detail::number_of<Real>).first->second;
    made.prepare(role);
    state_->room(gpu::columns_workspace({shape.rows, shape.outputs}, 1) + detail::row_bytes(shape.outputs), false);
    if (role == linear_role::residual_after_gelu)
        state_->room(gpu::columns_workspace({shape.rows, shape.inputs}, 1), false);
    return &made;
}

template <class Real>
auto cuda_device<Real>::prepare(attention_shape shape) -> prepared_attention {
    queue();
    auto& made = state_->attention.try_emplace(shape, state_->library, shape, detail::number_of<Real>, state_->fuse)
                     .first->second;
    state_->room(made.scratch_bytes(), false);
    return &made;
}

template <class Real>
void cuda_device<Real>::upload(void* to, const void* from_host, std::size_t bytes) {
    if (bytes == 0) return;  // pointers may be null
    queue();
    check(cudaMemcpyAsync(to, from_host, bytes, cudaMemcpyHostToDevice, state_->stream), "copying to a GPU");
    if (state_->reads_host) finish();  // else a copy that CUDA made before it returned is what is read
}

template <class Real>
void cuda_device<Real>::download(void* to_host, const void* from, std::size_t bytes) {
    queue();
    if (bytes > 0)
        check(cudaMemcpyAsync(to_host, from, bytes, cudaMemcpyDeviceToHost, state_->stream), "copying from a GPU");
    finish();
}

template <class Real>
void cuda_device<Real>::finish() {
    queue();
    check(cudaStreamSynchronize(state_->stream), "what was queued on a GPU");
}

template <class Real>
void cuda_device<Real>::settle() {
    finish();
    state_->outgrown.clear();
}

template <class Real>
void cuda_device<Real>::copy_bytes(void* y, const void* x, std::size_t bytes) {
    if (bytes == 0) return;
    queue();
    check(cudaMemcpyAsync(y, x, bytes, cudaMemcpyDeviceToDevice, state_->stream), "copying");
}

template <class Real>
void cuda_device<Real>::mean_of(const wide* x, std::size_t n, double* y) {
    gpu::mean(queue(), x, n, y, state_->room(gpu::sum_workspace(n)));
}

template <class Real>
void cuda_device<Real>::sum_of_squares(const wide* x, std::size_t n, double* y) {
    gpu::sum_of_squares(queue(), x, n, y, false, state_->room(gpu::sum_workspace(n)));
}

template <class Real>
void cuda_device<Real>::embedding_forward(const embedding_shape& shape, const std::int32_t* tokens,
                                          const real* token_table, const real* position_table, real* y) {
    gpu::embedding_forward(queue(), shape, tokens, token_table, position_table, y);
}

template <class Real>
void cuda_device<Real>::embedding_backward(const embedding_shape& shape, const std::int32_t* tokens, const real* dy,
                                           wide* d_token_table, wide* d_position_table, bool add) {
    gpu::embedding_backward(queue(), shape, tokens, dy, d_token_table, d_position_table, add,
                            state_->room(gpu::embedding_workspace(shape)));
}

template <class Real>
void cuda_device<Real>::linear_forward(prepared_linear prepared, const real* x, const real* w, const real* bias,
                                       const real* residual, real* y) {
    queue();
    prepared->get({.what = linear_product::forward, .bias = bias != nullptr, .residual = residual != nullptr})
        .run(x, w, y, residual, bias);
}

template <class Real>
void cuda_device<Real>::linear_gelu_forward(prepared_linear prepared, const real* x, const real* w, const real* bias,
                                            real* before, real* y) {
    queue();
    const bool keep = before != nullptr;
    if (bias && prepared->fuses_gelu(keep))
        return prepared->get({linear_product::gelu, true, false, keep}).run(x, w, y, nullptr, bias, before);
    real* const inner = keep ? before : y;
    linear_forward(prepared, x, w, bias, nullptr, inner);
    gpu::gelu_forward(queue(), inner, y, detail::count(prepared->shape().rows, prepared->shape().outputs));
}

template <class Real>
void cuda_device<Real>::linear_backward_input(prepared_linear prepared, const real* dy, const real* w, real* dx) {
    queue();
    prepared->get({.what = linear_product::input}).run(dy, w, dx);
}

// cuBLASLt does not say that its second matrix may be the result: so in place it is not, for the price of a copy.
template <class Real>
void cuda_device<Real>::linear_gelu_backward_input(prepared_linear prepared, const real* dy, const real* w,
                                                   const real* before, real* dx, real* room, wide* sums, bool add) {
    const row_shape gradient{prepared->shape().rows, prepared->shape().inputs};
    if (prepared->fuses_gelu_slope()) {
        queue();
        real* const to = dx == before ? room : dx;
        prepared->get({.what = linear_product::gelu_input}).run(dy, w, to, nullptr, nullptr, before);
        if (to != dx) copy(dx, to, gradient.size());
        if (sums) column_sums(gradient, dx, sums, add);
    } else {
        linear_backward_input(prepared, dy, w, room);
        gpu::gelu_backward(queue(), gradient, before, room, dx, sums, add,
                           state_->room(gpu::columns_workspace(gradient, 1)));
    }
}

template <class Real>
bool cuda_device<Real>::sums_with_gelu(prepared_linear prepared) const {
    return !prepared->fuses_gelu_slope();
}

template <class Real>
void cuda_device<Real>::column_sums(const row_shape& shape, const real* dy, wide* sums, bool add) {
    gpu::column_sums(queue(), shape, dy, sums, add, state_->room(gpu::columns_workspace(shape, 1)));
}

template <class Real>
void cuda_device<Real>::linear_backward_weight(prepared_linear prepared, const real* dy, const real* x, wide* dw,
                                               wide* db, bool add) {
    void* const on = queue();
    const linear_shape& s = prepared->shape();
    const bool sums = db && prepared->fuses_sums(add);
    const real *const left = s.transposed ? dy : x, *const right = s.transposed ? x : dy;
    std::byte* const room = state_->room(gpu::columns_workspace({s.rows, s.outputs}, 1) + detail::row_bytes(s.outputs));
    wide* const found = add ? reinterpret_cast<wide*>(room) : db;  // cuBLASLt overwrites
    prepared->get({.what = linear_product::weight, .add = add, .sums = sums}).run(left, right, dw, dw, found);
    if (!db) return;
    if (!sums) return gpu::column_sums(on, {s.rows, s.outputs}, dy, db, add, room);
    if (add) gpu::add(on, db, found, static_cast<std::size_t>(s.outputs));
}

template <class Real>
void cuda_device<Real>::norm_backward_parameters(const row_shape& shape, const real* dy, const real* x,
                                                 const wide* mean, const wide* inverse, wide* d_scale, wide* d_shift,
                                                 bool add) {
    gpu::norm_backward_parameters(queue(), shape, dy, x, mean, inverse, d_scale, d_shift, add,
                                  state_->room(gpu::columns_workspace(shape, 2)));
}

template <class Real>
void cuda_device<Real>::norm_backward(const row_shape& shape, const real* dy, const real* x, const real* scale,
                                      const wide* mean, const wide* inverse, const real* residual, real* dx,
                                      const norm_gradients<wide>& to) {
    gpu::norm_backward(queue(), shape, dy, x, scale, mean, inverse, residual, dx, to,
                       state_->room(gpu::columns_workspace(shape, to.residual || to.dx ? 4 : 2)));
}

template <class Real>
void cuda_device<Real>::attention_forward(prepared_attention prepared, const real* qkv, real* y, wide* log_sum) {
    queue();
    prepared->forward(qkv, y, log_sum, [&](std::size_t bytes) { return state_->room(bytes); });
}

template <class Real>
void cuda_device<Real>::attention_backward(prepared_attention prepared, const real* qkv, const real* y, const real* dy,
                                           const wide* log_sum, real* d_qkv) {
    queue();
    prepared->backward(qkv, y, dy, log_sum, d_qkv, [&](std::size_t bytes) { return state_->room(bytes); });
}

template <class Real>
void cuda_device<Real>::cross_entropy(const row_shape& shape, const real* logits, const std::int32_t* targets,
                                      wide* losses) {
    gpu::cross_entropy(queue(), shape, logits, targets, losses);
}

template <class Real>
void cuda_device<Real>::cross_entropy_and_gradient(const row_shape& shape, real* logits, const std::int32_t* targets,
                                                   wide* losses, wide factor) {
    gpu::cross_entropy_and_gradient(queue(), shape, logits, targets, losses, factor);
}

template <class Real>
void cuda_device<Real>::adamw(real* values, wide* master, const wide* gradients, wide* m, wide* v, std::size_t n,
                              const adamw_step& step) {
    gpu::adamw(queue(), values, gradients, master, m, v, n, step);
}

template <class Real>
void cuda_device<Real>::adamw(real* values, wide* master, const wide* gradients, wide* m, wide* v, std::size_t n,
                              const step_numbers* on_device) {
    gpu::adamw(queue(), values, gradients, master, m, v, n, on_device);
}

template <class Real>
void cuda_device<Real>::clip(const norm_limit& by, step_numbers* on_device, int count) {
    gpu::clip(queue(), by, on_device, count);
}

template class cuda_device<float>;
template class cuda_device<bf16>;

}  // namespace chimera::executor
