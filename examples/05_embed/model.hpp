// SPDX-License-Identifier: Apache-2.0
// The trainer's own model: dense layers, forward and backward by plain loops. Knows nothing of pipelines.
#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

using numbers = std::vector<float>;

inline void add(numbers& to, const numbers& part) {
    if (to.empty()) to.resize(part.size());
    for (std::size_t i = 0; i < part.size(); ++i) to[i] += part[i];
}

/// y = tanh(x w + b), or without tanh. Tensors are rows of `inputs` or `outputs` numbers, one row a sample.
struct layer {
    std::size_t inputs, outputs;
    bool bends;
    numbers weights{};  // inputs × outputs, then the biases

    layer(std::size_t in, std::size_t out, bool tanh, unsigned seed) : inputs(in), outputs(out), bends(tanh) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(in)));
        for (std::size_t i = 0; i < in * out; ++i) weights.push_back(normal(random));
        weights.resize((in + 1) * out);
    }

    numbers forward(const numbers& x) const {
        const std::size_t rows = x.size() / inputs;
        numbers y(rows * outputs);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < outputs; ++o) {
                float sum = weights[inputs * outputs + o];
                for (std::size_t i = 0; i < inputs; ++i) sum += x[r * inputs + i] * weights[i * outputs + o];
                y[r * outputs + o] = bends ? std::tanh(sum) : sum;
            }
        return y;
    }

    /// From the gradient of y to that of x; that of the weights is appended to `gradient`.
    numbers backward(const numbers& x, const numbers& y, numbers dy, numbers& gradient) const {
        numbers dx(x.size()), dw(weights.size());
        for (std::size_t r = 0; r < x.size() / inputs; ++r)
            for (std::size_t o = 0; o < outputs; ++o) {
                float d = dy[r * outputs + o];
                if (bends) d *= 1 - y[r * outputs + o] * y[r * outputs + o];
                dw[inputs * outputs + o] += d;
                for (std::size_t i = 0; i < inputs; ++i) {
                    dw[i * outputs + o] += x[r * inputs + i] * d;
                    dx[r * inputs + i] += weights[i * outputs + o] * d;
                }
            }
        gradient.insert(gradient.end(), dw.begin(), dw.end());
        return dx;
    }
};

/// Some layers in a row: what one worker holds of the model.
struct stage {
    std::vector<layer> layers;

    /// The input, then what each layer makes of it: all that a backward needs.
    std::vector<numbers> forward(numbers input) const {
        std::vector<numbers> kept{std::move(input)};
        for (const layer& l : layers) kept.push_back(l.forward(kept.back()));
        return kept;
    }
    /// From the gradient of the output to those of the input and, in `gradient`, of the weights, last layer first.
    numbers backward(const std::vector<numbers>& kept, numbers output_gradient, numbers& gradient) const {
        for (std::size_t i = layers.size(); i-- > 0;)
            output_gradient = layers[i].backward(kept[i], kept[i + 1], std::move(output_gradient), gradient);
        return output_gradient;
    }
    void update(const numbers& gradient, float rate) {
        auto d = gradient.begin();
        for (std::size_t i = layers.size(); i-- > 0;)
            for (float& w : layers[i].weights) w -= rate * *d++;
    }
};
