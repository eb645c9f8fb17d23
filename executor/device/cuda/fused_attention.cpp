// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/fused_attention.hpp>

#ifdef CHIMERA_CUDNN_FRONTEND

#include <chimera/core/error.hpp>
#include <executor/device/cuda/cuda_check.hpp>

#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include <dlfcn.h>
#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#if CUDNN_FRONTEND_VERSION < 10700
#error "cudnn_frontend.h is older than 1.7.0: give CHIMERA_CUDNN_FRONTEND a newer one"
#endif

namespace chimera::executor::detail {

namespace {

namespace fe = cudnn_frontend;
using tensor = std::shared_ptr<fe::graph::Tensor_attributes>;

enum id : std::int64_t { queries = 1, keys, values, results, sums, d_results, d_queries, d_keys, d_values };

/// Thrown if cuDNN is not used for a shape, with the reason.
struct unsupported : std::exception {
    explicit unsupported(std::string reason) : why(std::move(reason)) {}
    std::string why;
};

/// In one line: cuDNN's messages have several, one for each thing that it tried.
std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    constexpr std::size_t most = 300;
    return text.size() <= most ? text : text.substr(0, most) + "...";
}

void need(const fe::error_t& status) {
    if (!status.is_good()) throw unsupported("cuDNN says: " + one_line(status.err_msg));
}
std::string refusal(const fe::error_t& status) {
    return status.is_good() ? "" : "cuDNN says: " + one_line(status.err_msg);
}

/// cuDNN 9 is a shell around libraries that lie beside it or where the loader looks; where one is missing, its first
/// call ends the process. What a library needs in turn, and whether they are of one version, cannot be told beforehand.
void need_parts() {
    Dl_info shell{};
    if (CUDNN_MAJOR < 9 || !dladdr(reinterpret_cast<const void*>(&cudnnGetVersion), &shell) || !shell.dli_fname) return;
    const auto beside = std::filesystem::path(shell.dli_fname).parent_path();
    for (const char* part : {"graph", "ops", "heuristic", "engines_runtime_compiled", "engines_precompiled"}) {
        const std::string name = std::string("libcudnn_") + part + ".so." + std::to_string(CUDNN_MAJOR);
        std::error_code ignored;
        if (std::filesystem::exists(beside / name, ignored)) continue;
        void* const found = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
        if (!found) throw unsupported("cuDNN's " + name + " is missing, beside " + shell.dli_fname + " and elsewhere");
        dlclose(found);
    }
}

std::string version_text() {
    const std::size_t v = cudnnGetVersion();
    return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

void need_version() {
    const std::size_t is = cudnnGetVersion();
    if (is < 90000) throw unsupported("cuDNN " + std::to_string(is) + " is older than 9.0.0");
    if (is == 91000 || is == 91001)
        throw unsupported("cuDNN " + version_text() + " errs in attention, 9.10.2 does not");
}

std::string mebibytes(std::size_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

struct handle {
    cudnnHandle_t of = nullptr;
    explicit handle(void* stream) {
        need_parts();
        need_version();
        auto status = cudnnCreate(&of);
        if (status == CUDNN_STATUS_SUCCESS) status = cudnnSetStream(of, static_cast<cudaStream_t>(stream));
        if (status == CUDNN_STATUS_SUCCESS) return;
        if (of) cudnnDestroy(of);
        throw unsupported(std::string("cuDNN says: ") + cudnnGetErrorString(status));
    }
    ~handle() { cudnnDestroy(of); }
    handle(const handle&) = delete;
    handle& operator=(const handle&) = delete;
};

class by_cudnn final : public fused_attention {
public:
    by_cudnn(const attention_shape& s, const fused_wish& wish, void* stream)
        : shape_(s), stream_(static_cast<cudaStream_t>(stream)), handle_(stream) {
        describe_forward();
        describe_backward(wish.deterministic);
        for (fe::graph::Graph* g : {&forward_, &backward_}) {
            std::int64_t bytes = 0;
            need(g->build(handle_.of, {fe::HeurMode_t::A}));
            need(g->get_workspace_size(bytes));
            workspace_ = std::max(workspace_, (static_cast<std::size_t>(bytes) + 255) / 256 * 256);
        }
        if (workspace_ > wish.most_workspace)
            throw unsupported("cuDNN's workspace would take " + mebibytes(workspace_) + ", and " +
                              mebibytes(wish.most_workspace) + " are allowed");
    }

    std::string name() const override { return "cuDNN " + version_text(); }
    std::size_t scratch_bytes() const override { return workspace_ + whole_bytes(); }

    std::string forward(const void* qkv, void* y, float* log_sum, std::byte* scratch) override {
        std::unordered_map<std::int64_t, void*> pointers{
            {queries, part(qkv, 0)}, {keys, part(qkv, 1)}, {values, part(qkv, 2)}, {results, y}, {sums, log_sum}};
        return refusal(forward_.execute(handle_.of, pointers, scratch));
    }

    std::string backward(const void* qkv, const void* y, const void* dy, const float* log_sum, void* d_qkv,
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
        if (auto why = refusal(backward_.execute(handle_.of, pointers, scratch)); !why.empty()) return why;
        if (to != d_qkv) check(cudaMemcpyAsync(d_qkv, to, whole_bytes(), cudaMemcpyDeviceToDevice, stream_), "copying");
        return {};
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
        auto how = fe::graph::SDPA_attributes().set_causal_mask(true).set_attn_scale(factor());
#if CUDNN_FRONTEND_VERSION >= 11300
        how.set_generate_stats(true);
#else
        how.set_is_inference(false);
#endif
        const auto [y, stats] = forward_.sdpa(q, k, v, how);
        output(y, results, shape_.channels);
        stats->set_output(true)
            .set_uid(sums)
            .set_data_type(fe::DataType_t::FLOAT)
            .set_dim(extents(1))
            .set_stride(sum_steps());
    }

    void describe_backward(bool deterministic) {
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
        const auto [dq, dk, dv] = backward_.sdpa_backward(q, k, v, y, dy, stats,
                                                          fe::graph::SDPA_backward_attributes()
                                                              .set_causal_mask(true)
                                                              .set_attn_scale(factor())
                                                              .set_deterministic_algorithm(deterministic));
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

fused_offer make_fused_attention(const attention_shape& shape, const fused_wish& wish, void* stream) {
    if (shape.head_size() % 8 != 0)  // rows of a head are read 16 bytes at a time
        return {nullptr, "heads of " + std::to_string(shape.head_size()) + ", not a multiple of 8"};
    try {
        return {std::make_unique<by_cudnn>(shape, wish, stream), ""};
    } catch (const unsupported& u) {
        return {nullptr, u.why};
    } catch (const chimera_error&) {
        throw;
    } catch (const std::exception& e) {
        return {nullptr, std::string("cuDNN says: ") + one_line(e.what())};
    }
}

}  // namespace chimera::executor::detail

#else

namespace chimera::executor::detail {

bool has_fused_attention() { return false; }
fused_offer make_fused_attention(const attention_shape&, const fused_wish&, void*) {
    return {nullptr, "this program was built without cuDNN's frontend"};
}

}  // namespace chimera::executor::detail

#endif
