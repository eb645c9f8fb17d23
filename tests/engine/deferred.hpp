// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fake_stream.hpp"
#include "toy.hpp"

#include <executor/engine/work_queue.hpp>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

namespace fake {

/// A toy stage whose passes are enqueued, as those of a GPU are.
class deferred_stage final : public chimera::executor::stage {
public:
    deferred_stage(toy::stage& what, stream& on) : what_(what), on_(on) {}

    std::size_t input_bytes() const override { return what_.input_bytes(); }
    std::size_t output_bytes() const override { return what_.output_bytes(); }
    std::size_t stash_bytes(bool recomputed) const override { return what_.stash_bytes(recomputed); }
    void forward(int unit, std::byte* stash, const std::byte* in, std::byte* out) override {
        if (before_forward) before_forward();
        on_.then([=, this] { what_.forward(unit, stash, in, out); });
    }
    void forward_light(int unit, std::byte* stash, const std::byte* in, std::byte* out) override {
        on_.then([=, this] { what_.forward_light(unit, stash, in, out); });
    }
    void recompute(int unit, const std::byte* light, std::byte* full) override {
        on_.then([=, this] { what_.recompute(unit, light, full); });
    }
    void backward(int unit, std::byte* stash, const std::byte* dout, std::byte* din) override {
        on_.then([=, this] { what_.backward(unit, stash, dout, din); });
    }
    void input_gradient(int unit, std::byte* stash, const std::byte* dout, std::byte* din) override {
        on_.then([=, this] { what_.input_gradient(unit, stash, dout, din); });
    }
    void weight_gradient(int unit, std::byte* stash) override {
        on_.then([=, this] { what_.weight_gradient(unit, stash); });
    }
    void clear_gradients() override {
        on_.then([this] { what_.clear_gradients(); });
    }
    void zero_gradients() override {
        on_.then([this] { what_.zero_gradients(); });
    }
    std::span<float> gradients() override { return what_.gradients(); }
    void update() override {
        on_.then([this] { what_.update(); });
    }
    void keep_versions(int count) override { what_.keep_versions(count); }
    void select_version(int version) override {
        on_.then([=, this] { what_.select_version(version); });
    }
    void update_version(int from, int to) override {
        on_.then([=, this] { what_.update_version(from, to); });
    }

    std::function<void()> before_forward{};  ///< when it is called, not when it is carried out

private:
    toy::stage& what_;
    stream& on_;
};

class work_queue final : public chimera::executor::work_queue {
public:
    explicit work_queue(stream& on) : on_(on) {}
    ~work_queue() override { on_.finish(); }

    std::byte* allocate(std::size_t bytes) override {
        std::byte* const memory = on_.allocate(bytes);
        std::memset(memory, 0, bytes);
        return memory;
    }
    void release(std::byte* memory) noexcept override {
        on_.finish();
        on_.release(memory);
    }
    void prepare(std::size_t count) override { stamps_.resize(count); }
    void begin(clock::time_point start) override {
        start_ = start;
        for (auto& s : stamps_) s = {};
    }
    void stamp(std::size_t index) override {
        on_.then([this, index] {
            stamps_.at(index) = {std::chrono::duration<double>(clock::now() - start_).count(),
                                 stamps_[index].times + 1};
        });
    }
    double wait(std::size_t index) override {
        on_.until([&] { return stamps_.at(index).times == 1; });
        return stamps_[index].at;
    }
    void finish() override { on_.finish(); }

private:
    struct note {
        double at = 0;
        int times = 0;
    };
    stream& on_;
    clock::time_point start_;
    std::vector<note> stamps_;
};

}  // namespace fake
