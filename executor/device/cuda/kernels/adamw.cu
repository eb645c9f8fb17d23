// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/adamw.cuh>

#include <cmath>

namespace chimera::executor::gpu {

namespace {
template <class Real>
void update(stream_handle stream, Real* values, const float* gradients, float* master, float* m, float* v,
            std::size_t n, const adamw_numbers& given, const adamw_numbers* on_device) {
    if constexpr (std::is_same_v<Real, float>) master = master ? master : values;
    launch_each<lanes<Real>>(stream, n, wide<1>(0, values, gradients, master, m, v),
                             adamw_work<Real>{values, gradients, master, m, v, given, on_device});
}
}  // namespace

adamw_numbers numbers(const adamw_step& step) {
    const auto correction = [&](double beta) { return static_cast<float>(1 / (1 - std::pow(beta, step.step))); };
    const auto f = [](double x) { return static_cast<float>(x); };
    return {.learning_rate = f(step.learning_rate),
            .epsilon = f(step.epsilon),
            .weight_decay = f(step.weight_decay),
            .gradient_scale = f(step.gradient_scale),
            .beta_1 = f(step.beta_1),
            .beta_2 = f(step.beta_2),
            .rest_1 = f(1 - step.beta_1),
            .rest_2 = f(1 - step.beta_2),
            .correction_1 = correction(step.beta_1),
            .correction_2 = correction(step.beta_2)};
}

template <class Real>
void adamw(stream_handle stream, Real* values, const float* gradients, float* master, float* m, float* v, std::size_t n,
           const adamw_step& step) {
    update(stream, values, gradients, master, m, v, n, numbers(step), nullptr);
}

template <class Real>
void adamw(stream_handle stream, Real* values, const float* gradients, float* master, float* m, float* v, std::size_t n,
           const adamw_numbers* on_device) {
    update(stream, values, gradients, master, m, v, n, {}, on_device);
}

#define CHIMERA_INSTANTIATE(Real)                                                                                    \
    template void adamw(stream_handle, Real*, const float*, float*, float*, float*, std::size_t, const adamw_step&); \
    template void adamw(stream_handle, Real*, const float*, float*, float*, float*, std::size_t, const adamw_numbers*);
CHIMERA_INSTANTIATE(float)
CHIMERA_INSTANTIATE(bf16)
#undef CHIMERA_INSTANTIATE

}  // namespace chimera::executor::gpu
