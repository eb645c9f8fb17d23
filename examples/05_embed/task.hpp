// SPDX-License-Identifier: Apache-2.0
// What is learned: z = sin(3 x) cos(2 y) from points of the square, by least squares.
#pragma once

#include "model.hpp"

/// The mini-batch of an iteration, cut into units; notes the loss of each.
class task {
public:
    static constexpr std::size_t samples = 16;  // of a unit

    task(int iteration, int units) : inputs_(static_cast<std::size_t>(units)), losses_(inputs_.size()) {
        std::mt19937 random(static_cast<unsigned>(iteration));
        for (numbers& unit : inputs_)
            for (std::size_t i = 0; i < 2 * samples; ++i)
                unit.push_back(static_cast<float>(random()) / static_cast<float>(random.max()) * 2 - 1);
    }

    numbers inputs(int unit) const { return inputs_[static_cast<std::size_t>(unit)]; }

    /// The gradient of the mean square error of the mini-batch, and the unit's part of that error.
    numbers loss(int unit, const numbers& found) const {
        const auto u = static_cast<std::size_t>(unit);
        const auto all = static_cast<float>(samples * inputs_.size());
        numbers gradient(samples);
        losses_[u] = 0;
        for (std::size_t i = 0; i < samples; ++i) {
            const float x = inputs_[u][2 * i], y = inputs_[u][2 * i + 1];
            const float off = found[i] - std::sin(3 * x) * std::cos(2 * y);
            losses_[u] += off * off / all;
            gradient[i] = 2 * off / all;
        }
        return gradient;
    }
    float loss() const {
        float sum = 0;
        for (const float l : losses_) sum += l;
        return sum;
    }

private:
    std::vector<numbers> inputs_;
    mutable numbers losses_;  // each unit's is written by the one worker that ends it
};
