// SPDX-License-Identifier: Apache-2.0
#include "executor/device/cuda/fused_attention.hpp"

#ifdef CHIMERA_CUDNN_FRONTEND

#include "chimera/core/error.hpp"
#include "executor/device/cuda/check.hpp"

#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <unordered_map>
#include <vector>

namespace chimera::executor::detail {

namespace {

namespace fe = cudnn_frontend;
using tensor = std::shared_ptr<fe::graph::Tensor_attributes>;

enum id : std::int64_t { queries = 1, keys, values, results, sums, d_results, d_queries, d_keys, d_values };

/// One of cuDNN's graphs that is not supported says so, and is not used.
struct unsupported : std::exception {};

void need(const fe::error_t& status) {
    if (!status.is_good()) throw unsupported();
}
void run(const fe::error_t& status) {
    if (!status.is_good()) refuse("fused attention failed (cuDNN says: " + status.err_msg + ") turn it off");
}

struct handle {
    cudnnHandle_t of = nullptr;
    explicit handle(void* stream) {
        if (cudnnCreate(&of) != CUDNN_STATUS_SUCCESS ||
            cudnnSetStream(of, static_cast<cudaStream_t>(stream)) != CUDNN_STATUS_SUCCESS)
            throw unsupported();
    }
    ~handle() { cudnnDestroy(of); }
    handle(const handle&) = delete;
    handle& operator=(const handle&) = delete;
};

class by_cudnn final : public fused_attention {
public:
    by_cudnn(const attention_shape& s, void* stream)
        : shape_(s), stream_(static_cast<cudaStream_t>(stream)), handle_(stream) {
        describe_forward();
        describe_backward();
        for (fe::graph::Graph* g : {&forward_, &backward_}) {
            std::int64_t bytes = 0;
            need(g->build(handle_.of, {fe::HeurMode_t::A}));
            need(g->get_workspace_size(bytes));
            workspace_ = std::max(workspace_, (static_cast<std::size_t>(bytes) + 255) / 256 * 256);
        }
    }

    std::size_t scratch_bytes() const override { return workspace_ + whole_bytes(); }

    void forward(const void* qkv, void* y, float* log_sum, std::byte* scratch) override {
        std::unordered_map<std::int64_t, void*> pointers{
            {queries, part(qkv, 0)}, {keys, part(qkv, 1)}, {values, part(qkv, 2)}, {results, y}, {sums, log_sum}};
        run(forward_.execute(handle_.of, pointers, scratch));
    }

    void backward(const void* qkv, const void* y, const void* dy, const float* log_sum, void* d_qkv,
                  std::byte* scratch) override {
        void* const to = d_qkv == qkv ? scratch + workspace_ : d_qkv;
        std::unordered_map<std::int64_t, void*> pointers{{queries, part(qkv, 0)},
                                                         {keys, part(qkv, 1)},
                                                         {values, part(qkv, 2)},
                                                         {results, const_cast<void*>(y)},
                                                         {sums, const_cast<float*>(log_sum)},
                                                         {d_results, const_cast<void*>(dy)},
                                                         {d_queries, part(to, 0)},
                                                         {d_keys, part(to, 1)},
                                                         {d_values, part(to, 2)}};
        run(backward_.execute(handle_.of, pointers, scratch));
        if (to != d_qkv) check(cudaMemcpyAsync(d_qkv, to, whole_bytes(), cudaMemcpyDeviceToDevice, stream_), "copying");
    }

private:
    std::size_t whole_bytes() const { return row_shape{shape_.rows(), 3 * shape_.channels}.size() * 2; }
    void* part(const void* qkv, int which) const {
        const auto* at = static_cast<const std::byte*>(qkv) + static_cast<std::size_t>(which * shape_.channels) * 2;
        return const_cast<std::byte*>(at);
    }
    std::vector<std::int64_t> extents(std::int64_t last) const {
        return {shape_.sequences, shape_.heads, shape_.tokens, last};
    }
    /// A head's rows inside rows of `width` elements.
    std::vector<std::int64_t> steps(std::int64_t width) const {
        return {shape_.tokens * width, shape_.head_size(), width, 1};
    }
    std::vector<std::int64_t> sum_steps() const {
        const std::int64_t tokens = shape_.tokens;
        return {shape_.heads * tokens, tokens, 1, 1};
    }
    float factor() const { return 1 / std::sqrt(static_cast<float>(shape_.head_size())); }

    tensor input(fe::graph::Graph& g, id which, std::int64_t width) const {
        return g.tensor(fe::graph::Tensor_attributes()
                            .set_uid(which)
                            .set_dim(extents(shape_.head_size()))
                            .set_stride(steps(width)));
    }
    void output(const tensor& t, id which, std::int64_t width) const {
        t->set_output(true).set_uid(which).set_dim(extents(shape_.head_size())).set_stride(steps(width));
    }
    static void set_types(fe::graph::Graph& g) {
        g.set_io_data_type(fe::DataType_t::BFLOAT16)
            .set_intermediate_data_type(fe::DataType_t::FLOAT)
            .set_compute_data_type(fe::DataType_t::FLOAT);
    }

    void describe_forward() {
        set_types(forward_);
        const std::int64_t wide = 3 * shape_.channels;
        const auto q = input(forward_, queries, wide), k = input(forward_, keys, wide),
                   v = input(forward_, values, wide);
        const auto [y, stats] = forward_.sdpa(
            q, k, v,
            fe::graph::SDPA_attributes().set_generate_stats(true).set_causal_mask(true).set_attn_scale(factor()));
        output(y, results, shape_.channels);
        stats->set_output(true)
            .set_uid(sums)
            .set_data_type(fe::DataType_t::FLOAT)
            .set_dim(extents(1))
            .set_stride(sum_steps());
    }

    void describe_backward() {
        set_types(backward_);
        const std::int64_t wide = 3 * shape_.channels;
        const auto q = input(backward_, queries, wide), k = input(backward_, keys, wide),
                   v = input(backward_, values, wide), y = input(backward_, results, shape_.channels),
                   dy = input(backward_, d_results, shape_.channels);
        const auto stats = backward_.tensor(fe::graph::Tensor_attributes()
                                                .set_uid(sums)
                                                .set_data_type(fe::DataType_t::FLOAT)
                                                .set_dim(extents(1))
                                                .set_stride(sum_steps()));
        const auto [dq, dk, dv] = backward_.sdpa_backward(
            q, k, v, y, dy, stats,
            fe::graph::SDPA_backward_attributes().set_causal_mask(true).set_attn_scale(factor()));
        output(dq, d_queries, wide), output(dk, d_keys, wide), output(dv, d_values, wide);
    }

    attention_shape shape_;
    cudaStream_t stream_;
    handle handle_;
    fe::graph::Graph forward_, backward_;
    std::size_t workspace_ = 0;
};

}  // namespace

bool has_fused_attention() { return true; }

std::unique_ptr<fused_attention> make_fused_attention(const attention_shape& shape, void* stream) {
    if (shape.head_size() % 8 != 0) return nullptr;  // rows of a head are read 16 bytes at a time
    try {
        return std::make_unique<by_cudnn>(shape, stream);
    } catch (const error&) {
        throw;
    } catch (const std::exception&) {
        return nullptr;
    }
}

}  // namespace chimera::executor::detail

#else

namespace chimera::executor::detail {

bool has_fused_attention() { return false; }
std::unique_ptr<fused_attention> make_fused_attention(const attention_shape&, void*) { return nullptr; }

}  // namespace chimera::executor::detail

#endif
