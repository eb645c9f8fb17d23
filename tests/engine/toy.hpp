// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/engine/stage.hpp>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

/// A small numeric model whose gradients depend, in their last bits, on the order in which units are added.
namespace toy {

inline constexpr std::size_t width = 5;
using row = std::vector<float>;

/// What the first stage reads for a unit of an iteration.
inline float token(int iteration, int unit, std::size_t i) {
    return std::sin(static_cast<float>(iteration * 131 + unit * 17) + 0.37F * static_cast<float>(i));
}

struct weights {
    row scale, shift;  // width each
    explicit weights(int stage) : scale(width), shift(width) {
        for (std::size_t i = 0; i < width; ++i) {
            scale[i] = 1.0F + 0.1F * std::sin(static_cast<float>(stage) + static_cast<float>(i));
            shift[i] = 0.1F * std::cos(static_cast<float>(stage) - static_cast<float>(i));
        }
    }
};

/// out_i = tanh(scale_i · in_i + shift_i) + in_(i+1)/4
inline row forward(const weights& w, const row& in) {
    row out(width);
    for (std::size_t i = 0; i < width; ++i)
        out[i] = std::tanh(w.scale[i] * in[i] + w.shift[i]) + 0.25F * in[(i + 1) % width];
    return out;
}

/// The gradient of the loss Σ out_i² · (i + 1)/3 over the last stage's output.
inline row loss_gradient(const row& out) {
    row d(width);
    for (std::size_t i = 0; i < width; ++i) d[i] = 2.0F * out[i] * static_cast<float>(i + 1) / 3.0F;
    return d;
}

inline float through(const weights& w, const row& in, const row& dout, std::size_t i) {
    const float t = std::tanh(w.scale[i] * in[i] + w.shift[i]);
    return dout[i] * (1.0F - t * t);
}

inline row input_gradient(const weights& w, const row& in, const row& dout) {
    row d(width);
    for (std::size_t i = 0; i < width; ++i)
        d[i] = through(w, in, dout, i) * w.scale[i] + 0.25F * dout[(i + width - 1) % width];
    return d;
}

/// One unit's contribution: width scale gradients, then width shift gradients.
inline row weight_gradient(const weights& w, const row& in, const row& dout) {
    row g(2 * width);
    for (std::size_t i = 0; i < width; ++i) {
        g[width + i] = through(w, in, dout, i);
        g[i] = g[width + i] * in[i];
    }
    return g;
}

inline void update(weights& w, std::span<const float> g) {
    for (std::size_t i = 0; i < width; ++i) {
        w.scale[i] -= 0.01F * g[i];
        w.shift[i] -= 0.01F * g[width + i];
    }
}

/// The model's stage as the engine drives it. `delay` is called at the start of each pass.
class stage : public chimera::executor::stage {
public:
    stage(int index, int stages, std::function<void(int unit)> delay = {})
        : w(index), first_(index == 0), last_(index == stages - 1), delay_(std::move(delay)), gradients_(2 * width) {}

    std::size_t input_bytes() const override { return first_ ? 0 : bytes; }
    std::size_t output_bytes() const override { return last_ ? 0 : bytes; }
    // Stashed: the input; in full also the output gradient, for a backward in two halves.
    std::size_t stash_bytes(bool recomputed) const override { return recomputed ? bytes : 3 * bytes; }

    void forward(int unit, std::byte* stash, const std::byte* input, std::byte* output) override {
        wait(unit);
        const row in = first_ ? tokens(unit) : load(input);
        const row out = toy::forward(now(), in);
        store(in, stash);
        store(out, stash + bytes);
        if (!last_) store(out, output);
    }
    void forward_light(int unit, std::byte* stash, const std::byte* input, std::byte* output) override {
        wait(unit);
        const row in = first_ ? tokens(unit) : load(input);
        store(in, stash);
        if (!last_) store(toy::forward(now(), in), output);
    }
    void recompute(int unit, const std::byte* light, std::byte* full) override {
        wait(unit);
        store(load(light), full);
        store(toy::forward(now(), load(light)), full + bytes);
    }
    void backward(int unit, std::byte* stash, const std::byte* dout, std::byte* din) override {
        input_gradient(unit, stash, dout, din);
        weight_gradient(unit, stash);
    }
    void input_gradient(int unit, std::byte* stash, const std::byte* dout, std::byte* din) override {
        wait(unit);
        const row d = last_ ? loss_gradient(load(stash + bytes)) : load(dout);
        if (!first_) store(toy::input_gradient(now(), load(stash), d), din);
        store(d, stash + 2 * bytes);
    }
    void weight_gradient(int, std::byte* stash) override {
        const row g = toy::weight_gradient(now(), load(stash), load(stash + 2 * bytes));
        for (std::size_t i = 0; i < g.size(); ++i) gradients_[i] = fresh_ ? g[i] : gradients_[i] + g[i];
        fresh_ = false;
    }
    void clear_gradients() override { fresh_ = true; }
    std::span<float> gradients() override { return gradients_; }
    void update() override { update_version(0, 0); }
    void keep_versions(int count) override { more_.assign(static_cast<std::size_t>(count - 1), w); }
    void select_version(int version) override { current_ = version; }
    void update_version(int from, int to) override {
        select_version(from);
        weights next = now();
        toy::update(next, gradients_);
        select_version(to);
        now() = next;
        ++updates_;
    }

    weights w;  ///< version 0
    int updates_per_iteration = 1;

private:
    static constexpr std::size_t bytes = width * sizeof(float);
    static row load(const std::byte* from) {
        row values(width);
        std::memcpy(values.data(), from, bytes);
        return values;
    }
    static void store(const row& values, std::byte* to) { std::memcpy(to, values.data(), bytes); }
    row tokens(int unit) const {
        row values(width);
        for (std::size_t i = 0; i < width; ++i) values[i] = token(updates_ / updates_per_iteration, unit, i);
        return values;
    }
    weights& now() { return current_ == 0 ? w : more_[static_cast<std::size_t>(current_ - 1)]; }
    void wait(int unit) {
        if (delay_) delay_(unit);
    }

    bool first_, last_, fresh_ = true;
    int updates_ = 0, current_ = 0;
    std::vector<weights> more_;
    std::function<void(int)> delay_;
    row gradients_;
};

/// Runs `iterations` on one worker with plain loops. A stage's gradient is that of its members, each added up in the
/// order of `order(stage, member)`, and then member after member.
struct reference {
    using unit_order = std::function<std::vector<int>(int stage, int member)>;

    std::vector<weights> w;
    std::vector<row> gradients;

    reference(int stages, int units, int members, int iterations, const unit_order& order) {
        for (int s = 0; s < stages; ++s) w.emplace_back(s);
        gradients.assign(w.size(), row(2 * width));
        for (int iteration = 0; iteration < iterations; ++iteration) run(iteration, units, members, order);
    }

private:
    void run(int iteration, int units, int members, const unit_order& order) {
        const std::size_t stages = w.size();
        std::vector<std::vector<row>> parts(stages, std::vector<row>(static_cast<std::size_t>(units)));
        for (int u = 0; u < units; ++u) {
            std::vector<row> in(1, row(width));
            for (std::size_t i = 0; i < width; ++i) in[0][i] = token(iteration, u, i);
            for (std::size_t s = 0; s < stages; ++s) in.push_back(toy::forward(w[s], in[s]));
            row d = loss_gradient(in[stages]);
            for (std::size_t s = stages; s-- > 0;) {
                parts[s][static_cast<std::size_t>(u)] = weight_gradient(w[s], in[s], d);
                d = input_gradient(w[s], in[s], d);
            }
        }
        for (std::size_t s = 0; s < stages; ++s) {
            for (int m = 0; m < members; ++m) {
                row of_member(2 * width, 0.0F);
                bool fresh = true;
                for (const int u : order(static_cast<int>(s), m)) {
                    add(of_member, parts[s][static_cast<std::size_t>(u)], fresh);
                    fresh = false;
                }
                add(gradients[s], of_member, m == 0);
            }
            update(w[s], gradients[s]);
        }
    }
    static void add(row& to, const row& part, bool fresh) {
        for (std::size_t i = 0; i < to.size(); ++i) to[i] = fresh ? part[i] : to[i] + part[i];
    }
};

}  // namespace toy
