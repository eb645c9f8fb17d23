// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/engine/stage.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace chimera::executor {

/// Seconds that each call of an emulated stage takes, and the sizes of what it handles.
struct emulation {
    double forward = 0, backward = 0, input_gradient = 0, weight_gradient = 0, recompute = 0, update = 0;
    std::size_t input_bytes = 64, output_bytes = 64, stash_bytes = 64;  ///< of one unit
    std::size_t gradients = 16;                                         ///< elements
};

/// A stage that takes its time without using a core: for measuring the engine, and for rehearsing a schedule's times.
/// Sleeps to absolute deadlines and spins for the last few microseconds.
class emulated_stage : public stage {
public:
    explicit emulated_stage(const emulation& what) : what_(what), gradients_(what.gradients, 0.0F) {}

    std::size_t input_bytes() const override { return what_.input_bytes; }
    std::size_t output_bytes() const override { return what_.output_bytes; }
    std::size_t stash_bytes(bool) const override { return what_.stash_bytes; }

    void forward(int, std::byte*, const std::byte*, std::byte*) override { pass_time(what_.forward); }
    void forward_light(int, std::byte*, const std::byte*, std::byte*) override { pass_time(what_.forward); }
    void recompute(int, const std::byte*, std::byte*) override { pass_time(what_.recompute); }
    void backward(int, std::byte*, const std::byte*, std::byte*) override { pass_time(what_.backward); }
    void input_gradient(int, std::byte*, const std::byte*, std::byte*) override { pass_time(what_.input_gradient); }
    void weight_gradient(int, std::byte*) override { pass_time(what_.weight_gradient); }
    void clear_gradients() override {}
    std::span<float> gradients() override { return gradients_; }
    void update() override { pass_time(what_.update); }
    void keep_versions(int) override {}

    /// Returns `seconds` after it was called.
    static void pass_time(double seconds);

private:
    emulation what_;
    std::vector<float> gradients_;
};

}  // namespace chimera::executor
