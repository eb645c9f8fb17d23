// SPDX-License-Identifier: Apache-2.0

// The LLaMA-style block that the benchmark times, against the same in double and its central differences.

#include "bench/gpu/llama_block.hpp"
#include "tests/device/cuda/setups.hpp"

#include <cmath>

namespace chimera::executor::test {
namespace {

using numbers = std::vector<double>;

struct sizes {
    int sequences, tokens, heads, channels, hidden;
    int rows() const { return sequences * tokens; }
};

/// Row-major x [rows, inputs] · w [inputs, outputs].
numbers times(const numbers& x, const double* w, int inputs, int outputs) {
    const auto rows = x.size() / static_cast<std::size_t>(inputs), n = static_cast<std::size_t>(outputs);
    numbers y(rows * n);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t i = 0; i < static_cast<std::size_t>(inputs); ++i)
            for (std::size_t o = 0; o < n; ++o)
                y[r * n + o] += x[r * static_cast<std::size_t>(inputs) + i] * w[i * n + o];
    return y;
}

numbers rms(const numbers& x, const double* scale, int columns) {
    const auto n = static_cast<std::size_t>(columns);
    numbers y(x.size());
    for (std::size_t first = 0; first < x.size(); first += n) {
        double squares = 0;
        for (std::size_t c = 0; c < n; ++c) squares += x[first + c] * x[first + c];
        for (std::size_t c = 0; c < n; ++c)
            y[first + c] = x[first + c] * scale[c] / std::sqrt(squares / columns + norm_epsilon);
    }
    return y;
}

/// Element i of a head's query or key turns with element i + half by token · base^(-2 i / head size).
double turned(const numbers& qkv, const sizes& s, int row, int part, int head, int i) {
    const int size = s.channels / s.heads, half = size / 2, low = i % half, token = row % s.tokens;
    const auto at = [&](int k) {
        return qkv[static_cast<std::size_t>((row * 3 + part) * s.channels + head * size + k)];
    };
    const double angle = token * std::pow(1e4, -2.0 * low / size);
    return i < half ? at(low) * std::cos(angle) - at(low + half) * std::sin(angle)
                    : at(low) * std::sin(angle) + at(low + half) * std::cos(angle);
}

void attend_one(const numbers& qkv, const sizes& s, int row, int head, numbers& y) {
    const int size = s.channels / s.heads, first = row / s.tokens * s.tokens;
    numbers weights;
    double sum = 0;
    for (int key = first; key <= row; ++key) {
        double score = 0;
        for (int i = 0; i < size; ++i) score += turned(qkv, s, row, 0, head, i) * turned(qkv, s, key, 1, head, i);
        weights.push_back(std::exp(score / std::sqrt(size)));
        sum += weights.back();
    }
    for (int key = first; key <= row; ++key)
        for (int i = 0; i < size; ++i)
            y[static_cast<std::size_t>(row * s.channels + head * size + i)] +=
                weights[static_cast<std::size_t>(key - first)] / sum *
                qkv[static_cast<std::size_t>((key * 3 + 2) * s.channels + head * size + i)];
}

numbers forward(const numbers& x, const numbers& w, const sizes& s, const bench::llama_block<float>::places& at) {
    const numbers qkv = times(rms(x, &w[at.norm_1], s.channels), &w[at.attend], s.channels, 3 * s.channels);
    numbers attended(x.size());
    for (int row = 0; row < s.rows(); ++row)
        for (int head = 0; head < s.heads; ++head) attend_one(qkv, s, row, head, attended);
    numbers middle = times(attended, &w[at.project], s.channels, s.channels);
    for (std::size_t i = 0; i < x.size(); ++i) middle[i] += x[i];
    const numbers gates = times(rms(middle, &w[at.norm_2], s.channels), &w[at.widen], s.channels, 2 * s.hidden);
    const auto h = static_cast<std::size_t>(s.hidden);
    numbers active(static_cast<std::size_t>(s.rows()) * h);
    for (std::size_t i = 0; i < active.size(); ++i) {
        const double gate = gates[i / h * 2 * h + i % h], up = gates[i / h * 2 * h + h + i % h];
        active[i] = gate / (1 + std::exp(-gate)) * up;
    }
    numbers y = times(active, &w[at.narrow], s.hidden, s.channels);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += middle[i];
    return y;
}

template <class T, class Real>
numbers read(cuda_device<Real>& device, const device_memory& from, std::size_t n) {
    std::vector<T> host(n);
    device.download(host.data(), from.data(), n * sizeof(T));
    numbers out;
    for (const T x : host) out.push_back(to_double(x));
    return out;
}

numbers differences(numbers& x, const std::function<double()>& loss) {
    constexpr double width = 1e-5;
    numbers out(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double before = x[i];
        x[i] = before + width;
        const double above = loss();
        x[i] = before - width;
        out[i] = (above - loss()) / (2 * width);
        x[i] = before;
    }
    return out;
}

/// `tolerance`: of the largest element. Gradients are added twice, so that adding is seen.
template <class Real>
void check(const sizes& s, double tolerance) {
    cuda_device<Real> device(cuda_options{.cache = {}});
    const unit_shape unit{s.sequences, s.tokens};
    bench::llama_block<Real> layer(device, {"small", s.channels, s.hidden, s.heads, 1}, unit);
    const auto at = std::bit_cast<bench::llama_block<float>::places>(layer.weights());
    const std::size_t n = unit.size(s.channels);
    layer.values = bench::random_on(device, at.size, 2);  // larger than a start's, so that no gradient is tiny
    layer.forward(), layer.backward(false);
    layer.forward(), layer.backward(true);
    numbers x = read<Real>(device, layer.x, n), w = read<Real>(device, layer.values, at.size);
    const numbers dy = read<Real>(device, layer.dy, n), y = read<Real>(device, layer.y, n),
                  dx = read<Real>(device, layer.dx, n);
    numbers dw = read<float>(device, layer.gradients, at.size);
    for (double& g : dw) g /= 2;
    const auto loss = [&] {
        const numbers out = forward(x, w, s, at);
        double sum = 0;
        for (std::size_t i = 0; i < n; ++i) sum += out[i] * dy[i];
        return sum;
    };
    expect_near<double, double>(y, forward(x, w, s, at), tolerance, "y");
    expect_near<double, double>(dx, differences(x, loss), tolerance, "dx");
    const numbers expected = differences(w, loss);
    const std::array places{at.norm_1, at.attend, at.project, at.norm_2, at.widen, at.narrow, at.size};
    for (std::size_t p = 0; p + 1 < places.size(); ++p) {
        const std::span mine = std::span<const double>(dw).subspan(places[p], places[p + 1] - places[p]);
        expect_near(mine, std::span<const double>(expected).subspan(places[p], mine.size()), tolerance,
                    "weight " + std::to_string(p));
    }
}

constexpr sizes shapes[] = {{2, 5, 3, 12, 11}, {1, 1, 1, 2, 1}, {3, 7, 2, 16, 24}};

TEST(llama_block, in_fp32_is_what_double_gives) {
    if (!gpu_is_there()) GTEST_SKIP() << "no GPU here";
    for (const sizes& s : shapes) check<float>(s, 1e-5);
}

TEST(llama_block, in_bf16_is_near_it) {
    if (!gpu_is_there()) GTEST_SKIP() << "no GPU here";
    for (const sizes& s : shapes) check<bf16>(s, 16 * 0x1p-8);
}

}  // namespace
}  // namespace chimera::executor::test
