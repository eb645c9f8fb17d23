// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cpu/cpu.hpp>

#include <executor/device/cpu/cpu_kernels.hpp>
#include <executor/device/cpu/cpu_linear.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

namespace chimera::executor {

namespace detail {

struct cpu_state {
    const kernels& set;
    team threads;
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    std::map<linear_shape, linear_primitives> prepared;
    host_memory scratch;

    cpu_state(const kernels& k, int size) : set(k), threads(size) {}
    template <class Real>
    const loops<Real>& in() const {
        return set.in<Real>();
    }
    void reserve(std::size_t bytes) {
        if (bytes > scratch.size()) scratch = host_memory(bytes);
    }
    void run(const matrix_product& p, const operands& with) {
        use_one_thread();
        p.run(threads, with, scratch.data());
    }
    /// Floats of one thread's scratch for attention.
    std::size_t attention_floats(const attention_shape& s) const {
        return aligned(set.attention_scratch(s) * sizeof(float)) / sizeof(float);
    }
    /// Calls work(first, last, scratch) for all heads, some on each thread.
    template <class Work>
    void heads(const attention_shape& s, const Work& work) {
        const std::size_t n = static_cast<std::size_t>(s.sequences) * static_cast<std::size_t>(s.heads),
                          each = (n + static_cast<std::size_t>(threads.size()) - 1) /
                                 static_cast<std::size_t>(threads.size());
        threads.share(n, 1, [&](std::size_t first, std::size_t count) {
            work(static_cast<int>(first), static_cast<int>(first + count),
                 reinterpret_cast<float*>(scratch.data()) + first / each * attention_floats(s));
        });
    }
    /// Calls work(offset, shape) for parts of the rows.
    template <class Work>
    void rows(const row_shape& s, const Work& work) {
        const auto columns = static_cast<std::size_t>(s.columns);
        threads.share(static_cast<std::size_t>(s.rows), 1 + worth_sharing / columns,
                      [&](std::size_t first, std::size_t count) {
                          work(static_cast<std::ptrdiff_t>(first), row_shape{static_cast<int>(count), s.columns});
                      });
    }
    /// Calls work(offset, shape) for parts of the columns.
    template <class Work>
    void columns(const row_shape& s, const Work& work) {
        const std::size_t line = alignment / sizeof(float),
                          grain = 1 + worth_sharing / static_cast<std::size_t>(s.rows);
        threads.share(static_cast<std::size_t>(s.columns), (grain + line - 1) / line * line,
                      [&](std::size_t first, std::size_t count) {
                          work(static_cast<std::ptrdiff_t>(first), row_shape{s.rows, static_cast<int>(count)});
                      });
    }
    /// Calls work(first, count) for parts of an array.
    template <class Work>
    void elements(std::size_t n, const Work& work) {
        threads.share(n, worth_sharing, work);
    }

private:
    static constexpr std::size_t worth_sharing = 1 << 14;  // elements: some microseconds, more than a helper costs
};

std::span<const kernels* const> usable_kernels() {
#if defined(__x86_64__)
    static const kernels* const all[] = {&kernels_avx512, &kernels_avx2, &kernels_baseline};
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    return std::span(all).subspan(avx512 ? 0 : avx2 ? 1 : 2);
#else
    static const kernels* const all[] = {&kernels_baseline};
    return all;
#endif
}

namespace {

template <class Real>
constexpr auto number_of = std::is_same_v<Real, bf16> ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;

std::size_t count(int rows, int columns) { return row_shape{rows, columns}.size(); }

}  // namespace

}  // namespace detail

bool cpu_has_bf16() {
    constexpr auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
    return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & wanted) == wanted;
}

template <class Real>
cpu_device_in<Real>::cpu_device_in(int threads) : cpu_device_in(*detail::usable_kernels().front(), threads) {}
template <class Real>
cpu_device_in<Real>::cpu_device_in(const detail::kernels& loops, int threads)
    : state_(std::make_unique<detail::cpu_state>(loops, threads)) {}
template <class Real>
cpu_device_in<Real>::~cpu_device_in() = default;
template <class Real>
cpu_device_in<Real>::cpu_device_in(cpu_device_in&&) noexcept = default;
template <class Real>
cpu_device_in<Real>& cpu_device_in<Real>::operator=(cpu_device_in&&) noexcept = default;

template <class Real>
const char* cpu_device_in<Real>::instruction_set() const {
    return state_->set.name;
}

template <class Real>
std::size_t cpu_device_in<Real>::scratch_bytes() const {
    return state_->scratch.size();
}

template <class Real>
auto cpu_device_in<Real>::prepare(linear_shape shape, linear_role) -> prepared_linear {
    detail::use_one_thread();
    auto& s = *state_;
    const auto& made =
        s.prepared.try_emplace(shape, s.engine, shape, detail::number_of<Real>, s.threads.size()).first->second;
    s.reserve(made.scratch_bytes());
    return &made;
}

template <class Real>
auto cpu_device_in<Real>::prepare(attention_shape shape) -> prepared_attention {
    state_->reserve(state_->attention_floats(shape) * static_cast<std::size_t>(state_->threads.size()) * sizeof(float));
    return shape;
}

template <class Real>
template <class T>
void cpu_device_in<Real>::fill(T* y, wide value, std::size_t n) {
    const T filler = rounded<T>(value);
    state_->elements(n, [&](std::size_t first, std::size_t count) { std::fill_n(y + first, count, filler); });
}
template <class Real>
template <class T>
void cpu_device_in<Real>::copy(T* y, const T* x, std::size_t n) {
    state_->elements(n, [&](std::size_t first, std::size_t count) { std::copy_n(x + first, count, y + first); });
}
template <class Real>
template <class T>
void cpu_device_in<Real>::add(T* y, const T* x, std::size_t n) {
    state_->elements(
        n, [&](std::size_t first, std::size_t count) { state_->template in<T>().add(y + first, x + first, count); });
}
template <class Real>
template <class T>
void cpu_device_in<Real>::scale(T* y, wide factor, std::size_t n) {
    state_->elements(
        n, [&](std::size_t first, std::size_t count) { state_->template in<T>().scale(y + first, factor, count); });
}

template <class Real>
void cpu_device_in<Real>::sum_of_squares(const wide* x, std::size_t n, double* y) {
    std::array<double, 64> sums{};  // as many whatever the threads: the same bits
    const std::size_t each = (n / sums.size() / 16 + 1) * 16;
    state_->threads.share(sums.size(), n < (1U << 20) ? sums.size() : 1, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count && i * each < n; ++i)
            sums[i] = state_->set.sum_of_squares(x + i * each, std::min(each, n - i * each));
    });
    *y = std::accumulate(sums.begin(), sums.end(), 0.0);
}

template <class Real>
void cpu_device_in<Real>::mean_of(const wide* x, std::size_t n, double* y) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
    *y = sum / static_cast<double>(n);
}

template <class Real>
void cpu_device_in<Real>::embedding_forward(const embedding_shape& shape, const std::int32_t* tokens,
                                            const real* token_table, const real* position_table, real* y) {
    state_->template in<Real>().embedding_forward(shape, tokens, token_table, position_table, y);
}

template <class Real>
void cpu_device_in<Real>::embedding_backward(const embedding_shape& shape, const std::int32_t* tokens, const real* dy,
                                             wide* d_token_table, wide* d_position_table, bool add) {
    if (!add) {
        fill(d_token_table, 0, detail::count(shape.vocabulary, shape.channels));
        fill(d_position_table, 0, detail::count(shape.tokens, shape.channels));
    }
    state_->template in<Real>().embedding_backward(shape, tokens, dy, d_token_table, d_position_table);
}

template <class Real>
void cpu_device_in<Real>::linear_forward(prepared_linear prepared, const real* x, const real* w, const real* bias,
                                         const real* residual, real* y) {
    state_->run(prepared->forward[bias != nullptr][residual != nullptr], {x, w, y, bias, residual});
}

template <class Real>
void cpu_device_in<Real>::linear_gelu_forward(prepared_linear prepared, const real* x, const real* w, const real* bias,
                                              real* before, real* y) {
    if (!before && bias) return state_->run(prepared->gelu, {x, w, y, bias});
    real* inner = before ? before : y;
    linear_forward(prepared, x, w, bias, nullptr, inner);
    state_->elements(detail::count(prepared->shape.rows, prepared->shape.outputs),
                     [&](std::size_t first, std::size_t count) {
                         state_->template in<Real>().gelu_forward(inner + first, y + first, count);
                     });
}

template <class Real>
void cpu_device_in<Real>::linear_backward_input(prepared_linear prepared, const real* dy, const real* w, real* dx) {
    state_->run(prepared->input, {dy, w, dx});
}

template <class Real>
void cpu_device_in<Real>::linear_gelu_backward_input(prepared_linear prepared, const real* dy, const real* w,
                                                     const real* before, real* dx, real* room, wide* sums, bool add) {
    const row_shape gradient{prepared->shape.rows, prepared->shape.inputs};
    linear_backward_input(prepared, dy, w, room);
    state_->template in<Real>().gelu_backward(before, room, dx, gradient.size());
    if (sums) column_sums(gradient, dx, sums, add);
}

template <class Real>
void cpu_device_in<Real>::linear_backward_weight(prepared_linear prepared, const real* dy, const real* x, wide* dw,
                                                 wide* db, bool add) {
    const linear_shape& s = prepared->shape;
    state_->run(prepared->weight[add], {s.transposed ? dy : x, s.transposed ? x : dy, dw});
    if (db) column_sums({s.rows, s.outputs}, dy, db, add);
}

template <class Real>
void cpu_device_in<Real>::column_sums(const row_shape& shape, const real* dy, wide* sums, bool add) {
    if (!add) fill(sums, 0, static_cast<std::size_t>(shape.columns));
    state_->columns(shape, [&](std::ptrdiff_t first, const row_shape& part) {
        state_->template in<Real>().add_columns(part, shape.columns, dy + first, sums + first);
    });
}

template <class Real>
void cpu_device_in<Real>::gelu_backward(const real* x, const real* dy, real* dx, std::size_t n) {
    state_->elements(n, [&](std::size_t first, std::size_t count) {
        state_->template in<Real>().gelu_backward(x + first, dy + first, dx + first, count);
    });
}

template <class Real>
void cpu_device_in<Real>::norm_forward(const row_shape& shape, const real* x, const real* scale, const real* shift,
                                       real* y, wide* mean, wide* inverse) {
    state_->rows(shape, [&](std::ptrdiff_t first, const row_shape& part) {
        const std::ptrdiff_t at = first * shape.columns;
        state_->template in<Real>().norm_forward(part, x + at, scale, shift, y + at, mean + first, inverse + first);
    });
}

template <class Real>
void cpu_device_in<Real>::norm_backward_input(const row_shape& shape, const real* dy, const real* x, const real* scale,
                                              const wide* mean, const wide* inverse, const real* residual, real* dx) {
    state_->rows(shape, [&](std::ptrdiff_t first, const row_shape& part) {
        const std::ptrdiff_t at = first * shape.columns;
        state_->template in<Real>().norm_backward_input(part, dy + at, x + at, scale, mean + first, inverse + first,
                                                        residual ? residual + at : nullptr, dx + at);
    });
}

template <class Real>
void cpu_device_in<Real>::norm_backward_parameters(const row_shape& shape, const real* dy, const real* x,
                                                   const wide* mean, const wide* inverse, wide* d_scale, wide* d_shift,
                                                   bool add) {
    if (!add) {
        fill(d_scale, 0, static_cast<std::size_t>(shape.columns));
        fill(d_shift, 0, static_cast<std::size_t>(shape.columns));
    }
    state_->columns(shape, [&](std::ptrdiff_t first, const row_shape& part) {
        state_->template in<Real>().norm_backward_parameters(part, shape.columns, dy + first, x + first, mean, inverse,
                                                             d_scale + first, d_shift + first);
    });
}

template <class Real>
void cpu_device_in<Real>::attention_forward(const prepared_attention& prepared, const real* qkv, real* y,
                                            wide* log_sum) {
    state_->heads(prepared, [&](int first, int last, float* scratch) {
        state_->template in<Real>().attention_forward(prepared, first, last, qkv, y, log_sum, scratch);
    });
}

template <class Real>
void cpu_device_in<Real>::attention_backward(const prepared_attention& prepared, const real* qkv, const real* y,
                                             const real* dy, const wide* log_sum, real* d_qkv) {
    state_->heads(prepared, [&](int first, int last, float* scratch) {
        state_->template in<Real>().attention_backward(prepared, first, last, qkv, y, dy, log_sum, d_qkv, scratch);
    });
}

template <class Real>
void cpu_device_in<Real>::cross_entropy(const row_shape& shape, const real* logits, const std::int32_t* targets,
                                        wide* losses) {
    state_->rows(shape, [&](std::ptrdiff_t first, const row_shape& part) {
        state_->template in<Real>().cross_entropy(part, logits + first * shape.columns, targets + first,
                                                  losses + first);
    });
}

template <class Real>
void cpu_device_in<Real>::cross_entropy_and_gradient(const row_shape& shape, real* logits, const std::int32_t* targets,
                                                     wide* losses, wide factor) {
    state_->rows(shape, [&](std::ptrdiff_t first, const row_shape& part) {
        state_->template in<Real>().cross_entropy_and_gradient(part, logits + first * shape.columns, targets + first,
                                                               losses + first, factor);
    });
}

template <class Real>
void cpu_device_in<Real>::adamw(real* values, wide* master, const wide* gradients, wide* m, wide* v, std::size_t n,
                                const adamw_step& step) {
    state_->elements(n, [&](std::size_t first, std::size_t count) {
        state_->template in<Real>().adamw(values + first, master ? master + first : nullptr, gradients + first,
                                          m + first, v + first, count, step);
    });
}

template class cpu_device_in<float>;
template class cpu_device_in<bf16>;

// NOLINTBEGIN(bugprone-macro-parentheses): a type takes none
#define CHIMERA_NUMBERS(device, number)                              \
    template void device::fill(number*, float, std::size_t);         \
    template void device::copy(number*, const number*, std::size_t); \
    template void device::add(number*, const number*, std::size_t);  \
    template void device::scale(number*, float, std::size_t);
CHIMERA_NUMBERS(cpu_device_in<float>, float)
CHIMERA_NUMBERS(cpu_device_in<bf16>, bf16)
CHIMERA_NUMBERS(cpu_device_in<bf16>, float)
#undef CHIMERA_NUMBERS
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace chimera::executor
