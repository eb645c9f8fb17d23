// SPDX-License-Identifier: Apache-2.0

// Fused attention on the host, in the place of cuDNN's: causal, by its definition in double precision; it can refuse, when it is made and
// when it is run, with a message, wants scratch memory, and adds up dQ in another order each time unless it is asked to be deterministic.

#include <executor/device/bf16.hpp>
#include <executor/device/cuda/fused_attention.hpp>
#include "tests/device/cuda/fake/fake.hpp"
#include "tests/device/emulated/enqueue.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector>

namespace chimera::executor::detail {

namespace {

using fake::the;

/// 13 bits of it, so that another order of sums leaves other bits in what is rounded to bf16.
float coarse(float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xfffffc00u); }

class on_host final : public fused_attention {
public:
    on_host(const attention_shape& s, const fused_wish& wish, void* stream)
        : shape_(s), stream_(stream), deterministic_(wish.deterministic) {}

    std::string name() const override { return "the stand-in 1.2.3"; }
    std::size_t scratch_bytes() const override { return the().fused.workspace; }

    std::string forward(const void* qkv, void* y, float* log_sum, std::byte* scratch) override {
        if (!begin(scratch)) return the().fused.refuses_to_run;
        queue([=, this] { compute(qkv, y, log_sum, scratch); });
        return {};
    }

    std::string backward(const void* qkv, const void* y, const void* dy, const float* log_sum, void* d_qkv,
                         std::byte* scratch) override {
        if (!begin(scratch)) return the().fused.refuses_to_run;
        const bool backwards = the().fused.gradients++ % 2 == 1 && !deterministic_;
        queue([=, this] { differentiate(qkv, y, dy, log_sum, d_qkv, scratch, backwards); });
        return {};
    }

private:
    void queue(std::function<void()> work) const {
        if (emulated::enqueue) return emulated::enqueue(stream_, std::move(work));
        work();
    }
    void compute(const void* qkv, void* y, float* log_sum, std::byte* scratch) const {
        std::memset(scratch, 0xff, the().fused.workspace);  // what lay there is gone
        const auto* const x = static_cast<const bf16*>(qkv);
        each_query([&](std::size_t head, int b, int h, int t) {
            const std::vector<double> s = scores(x, b, h, t);
            const double most = *std::ranges::max_element(s);
            double sum = 0;
            for (const double each : s) sum += std::exp(each - most);
            const double all = most + std::log(sum);
            log_sum[head + static_cast<std::size_t>(t)] = static_cast<float>(all);
            for (int i = 0; i < shape_.head_size(); ++i) {
                double value = 0;
                for (int u = 0; u <= t; ++u) value += std::exp(s[std::size_t(u)] - all) * at(x, b, h, u, 2, i);
                static_cast<bf16*>(y)[place(b, h, t, i)] = to_bf16(static_cast<float>(value));
            }
        });
    }
    void differentiate(const void* qkv, const void* y, const void* dy, const float* log_sum, void* d_qkv,
                       std::byte* scratch, bool backwards) const {
        std::memset(scratch, 0xff, the().fused.workspace);
        const auto* const x = static_cast<const bf16*>(qkv);
        const auto *const result = static_cast<const bf16*>(y), *const slope = static_cast<const bf16*>(dy);
        std::vector<float> d(static_cast<std::size_t>(shape_.rows()) * std::size_t(3 * shape_.channels));
        const double factor = 1 / std::sqrt(double(shape_.head_size()));
        const auto add = [&](int b, int h, int t, int part, int i, double what) {
            float& to = d[wide(b, h, t, part, i)];
            to = coarse(static_cast<float>(to + what));
        };
        each_query([&](std::size_t head, int b, int h, int t) {
            const std::vector<double> s = scores(x, b, h, t);
            double dots = 0;
            for (int i = 0; i < shape_.head_size(); ++i)
                dots += double(to_float(result[place(b, h, t, i)])) * double(to_float(slope[place(b, h, t, i)]));
            for (int turn = 0; turn <= t; ++turn) {
                const int u = backwards ? t - turn : turn;
                const double p = std::exp(s[std::size_t(u)] - double(log_sum[head + static_cast<std::size_t>(t)]));
                double dp = 0;
                for (int i = 0; i < shape_.head_size(); ++i)
                    dp += double(to_float(slope[place(b, h, t, i)])) * at(x, b, h, u, 2, i);
                const double ds = p * (dp - dots) * factor;
                for (int i = 0; i < shape_.head_size(); ++i) {
                    add(b, h, t, 0, i, ds * at(x, b, h, u, 1, i));
                    add(b, h, u, 1, i, ds * at(x, b, h, t, 0, i));
                    add(b, h, u, 2, i, p * double(to_float(slope[place(b, h, t, i)])));
                }
            }
        });
        std::ranges::transform(d, static_cast<bf16*>(d_qkv), [](float v) { return to_bf16(v); });
    }
    /// Scratch memory is the device's.
    bool begin(std::byte* scratch) const {
        if (!the().fused.refuses_to_run.empty()) return false;
        if (!fake::in_device_memory(scratch, scratch_bytes())) {
            the().fused.refuses_to_run = "scratch that is not the device's";
            return false;
        }
        return true;
    }
    std::size_t place(int b, int h, int t, int i) const {
        return static_cast<std::size_t>(b * shape_.tokens + t) * std::size_t(shape_.channels) +
               static_cast<std::size_t>(h * shape_.head_size() + i);
    }
    std::size_t wide(int b, int h, int t, int part, int i) const {
        return static_cast<std::size_t>(b * shape_.tokens + t) * std::size_t(3 * shape_.channels) +
               static_cast<std::size_t>(part * shape_.channels + h * shape_.head_size() + i);
    }
    double at(const bf16* x, int b, int h, int t, int part, int i) const {
        return double(to_float(x[wide(b, h, t, part, i)]));
    }
    template <class F>
    void each_query(F f) const {
        for (int b = 0; b < shape_.sequences; ++b)
            for (int h = 0; h < shape_.heads; ++h)
                for (int t = 0; t < shape_.tokens; ++t)
                    f(static_cast<std::size_t>(b * shape_.heads + h) * std::size_t(shape_.tokens), b, h, t);
    }
    std::vector<double> scores(const bf16* x, int b, int h, int t) const {
        std::vector<double> s(static_cast<std::size_t>(t) + 1);
        for (int u = 0; u <= t; ++u)
            for (int i = 0; i < shape_.head_size(); ++i)
                s[std::size_t(u)] +=
                    at(x, b, h, t, 0, i) * at(x, b, h, u, 1, i) / std::sqrt(double(shape_.head_size()));
        return s;
    }

    attention_shape shape_;
    void* stream_;
    bool deterministic_;
};

}  // namespace

bool has_fused_attention() { return the().fused.built; }

fused_offer make_fused_attention(const attention_shape& shape, const fused_wish& wish, void* stream) {
    if (!the().fused.built) return {nullptr, "it was not built"};
    ++the().fused.made;
    the().fused.deterministic = wish.deterministic;
    if (!the().fused.refuses.empty()) return {nullptr, the().fused.refuses};
    if (the().fused.workspace > wish.most_workspace) return {nullptr, "its workspace is too large"};
    return {std::make_unique<on_host>(shape, wish, stream), ""};
}

}  // namespace chimera::executor::detail
