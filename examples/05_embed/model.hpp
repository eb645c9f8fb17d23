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

    /// From the gradient of y, which becomes that of the sum under tanh, to that of x.
    numbers input_gradient(const numbers& y, numbers& dy) const {
        const std::size_t rows = y.size() / outputs;
        numbers dx(rows * inputs);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < outputs; ++o) {
                float& d = dy[r * outputs + o];
                if (bends) d *= 1 - y[r * outputs + o] * y[r * outputs + o];
                for (std::size_t i = 0; i < inputs; ++i) dx[r * inputs + i] += weights[i * outputs + o] * d;
            }
        return dx;
    }
    /// Appends the gradient of the weights; `d` is what `input_gradient` leaves.
    void weight_gradient(const numbers& x, const numbers& d, numbers& gradient) const {
        numbers dw(weights.size());
        for (std::size_t r = 0; r < x.size() / inputs; ++r)
            for (std::size_t o = 0; o < outputs; ++o) {
                dw[inputs * outputs + o] += d[r * outputs + o];
                for (std::size_t i = 0; i < inputs; ++i) dw[i * outputs + o] += x[r * inputs + i] * d[r * outputs + o];
            }
        gradient.insert(gradient.end(), dw.begin(), dw.end());
    }
};

/// All that a stage keeps of a unit from forward to backward.
struct activations {
    std::vector<numbers> values;     // the input, then the output of each layer
    std::vector<numbers> gradients;  // of each layer, from input_gradient to weight_gradient
};

/// Some layers in a row: what one worker holds of the model.
struct stage {
    std::vector<layer> layers;

    activations forward(numbers input) const {
        activations kept{{std::move(input)}, {}};
        for (const layer& l : layers) kept.values.push_back(l.forward(kept.values.back()));
        return kept;
    }
    /// Returns the gradient of the input from that of the output.
    numbers input_gradient(activations& kept, numbers gradient) const {
        kept.gradients.resize(layers.size());
        for (std::size_t i = layers.size(); i-- > 0;) {
            kept.gradients[i] = std::move(gradient);
            gradient = layers[i].input_gradient(kept.values[i + 1], kept.gradients[i]);
        }
        return gradient;
    }
    /// Returns the gradient of all weights, first layer first.
    numbers weight_gradient(const activations& kept) const {
        numbers gradient;
        for (std::size_t i = 0; i < layers.size(); ++i)
            layers[i].weight_gradient(kept.values[i], kept.gradients[i], gradient);
        return gradient;
    }
    void update(const numbers& gradient, float rate) {
        auto d = gradient.begin();
        for (layer& l : layers)
            for (float& w : l.weights) w -= rate * *d++;
    }
    std::size_t size() const {
        std::size_t sum = 0;
        for (const layer& l : layers) sum += l.weights.size();
        return sum;
    }
};

inline constexpr std::size_t width = 16;  // numbers of a sample between two stages

/// Two inputs, one output, and `stages` equal parts in between.
inline std::vector<stage> new_model(int stages) {
    std::vector<stage> model(static_cast<std::size_t>(stages));
    for (unsigned s = 0; s < model.size(); ++s) {
        if (s == 0) model[s].layers.emplace_back(2, width, true, 100);
        model[s].layers.emplace_back(width, width, true, s);
        if (s + 1 == model.size()) model[s].layers.emplace_back(width, 1, false, 101);
    }
    return model;
}
