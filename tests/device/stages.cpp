// SPDX-License-Identifier: Apache-2.0

// Stages of device cpu: what must be equal bit for bit, however the model is cut and the passes are ordered.

#include <chimera/core/error.hpp>
#include <executor/layers/gpt2_stage.hpp>
#include "tests/device/support.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>
#include <thread>

namespace chimera::executor::test {
namespace {

const gpt2_sizes small{.layers = 3, .heads = 3, .channels = 48, .vocabulary = 61, .context = 32};
const unit_shape unit{2, 17};
constexpr int units = 3;

struct data {
    std::vector<std::vector<std::int32_t>> numbers;
    std::vector<unit_batch> batch;

    data() {
        for (unsigned u = 0; u < 2 * units; ++u) numbers.push_back(random_tokens(unit.rows(), small.vocabulary, u + 1));
        for (std::size_t u = 0; u < units; ++u) batch.push_back({numbers[2 * u], numbers[2 * u + 1]});
    }
};

struct outcome {
    std::vector<double> losses;
    std::map<std::string, std::vector<float>> gradients, weights;
};

enum class order { together, halves, weights_last, recomputed };

/// A pipeline of stages on one thread: every unit forward, then every unit backward, then one optimiser step.
class pipeline {
public:
    explicit pipeline(int stages) {
        for (const layer_range& r : stage_layers(small, stages))
            stages_.push_back(std::make_unique<gpt2_stage<cpu_device>>(device_, small, r, unit, 7));
    }

    outcome run(order how) {
        std::vector<tensor<float>> light, stash;
        for (auto& s : stages_) {
            s->set_batch(data_.batch);
            s->clear_gradients();
            for (int u = 0; u < units; ++u) {
                light.emplace_back(s->stash_bytes(true) / sizeof(float));
                stash.emplace_back(s->stash_bytes(false) / sizeof(float));
            }
        }
        for (int u = 0; u < units; ++u) forward(u, how == order::recomputed ? light : stash, how);
        for (int u = 0; u < units; ++u) backward(u, light, stash, how);
        if (how == order::weights_last)
            for (std::size_t s = 0; s < stages_.size(); ++s)
                for (int u = 0; u < units; ++u) stages_[s]->weight_gradient(u, bytes(stash[place(s, u)]));
        return finish();
    }

private:
    static std::byte* bytes(const tensor<float>& t) { return reinterpret_cast<std::byte*>(t.data()); }
    static std::size_t place(std::size_t stage, int u) { return stage * units + static_cast<std::size_t>(u); }

    void forward(int u, const std::vector<tensor<float>>& stash, order how) {
        for (std::size_t s = 0; s < stages_.size(); ++s) {
            tensor<float> next(unit.size(small.channels));
            const auto call = how == order::recomputed ? &stage::forward_light : &stage::forward;
            (stages_[s].get()->*call)(u, bytes(stash[place(s, u)]), bytes(boundary_), bytes(next));
            std::swap(boundary_, next);
        }
    }

    void backward(int u, const std::vector<tensor<float>>& light, const std::vector<tensor<float>>& stash, order how) {
        for (std::size_t s = stages_.size(); s-- > 0;) {
            tensor<float> next(unit.size(small.channels));
            std::byte* here = bytes(stash[place(s, u)]);
            if (how == order::recomputed) stages_[s]->recompute(u, bytes(light[place(s, u)]), here);
            if (how == order::together || how == order::recomputed) {
                stages_[s]->backward(u, here, bytes(boundary_), bytes(next));
            } else {
                stages_[s]->input_gradient(u, here, bytes(boundary_), bytes(next));
                if (how == order::halves) stages_[s]->weight_gradient(u, here);
            }
            std::swap(boundary_, next);
        }
    }

    outcome finish() {
        outcome result;
        const auto losses = stages_.back()->losses();
        result.losses.assign(losses.begin(), losses.end());
        for (auto& s : stages_) {
            for (const auto& p : s->parameters())
                result.gradients[p.what.name].assign(p.gradients.begin(), p.gradients.end());
            s->set_step({.gradient_scale = 1.0 / units});
            s->update();
            for (const auto& p : s->parameters()) result.weights[p.what.name].assign(p.values.begin(), p.values.end());
        }
        return result;
    }

    data data_;
    cpu_device device_;
    std::vector<std::unique_ptr<gpt2_stage<cpu_device>>> stages_;
    tensor<float> boundary_{unit.size(small.channels)};
};

/// Equal bits: NaN equals nothing, so a poisoned number that reaches a result fails too.
void expect_same(const outcome& a, const outcome& b) {
    EXPECT_EQ(a.losses, b.losses);
    EXPECT_EQ(a.gradients, b.gradients);
    EXPECT_EQ(a.weights, b.weights);
}

TEST(stages, split_backward_equals_backward) {
    expect_same(pipeline(2).run(order::halves), pipeline(2).run(order::together));
    expect_same(pipeline(2).run(order::weights_last), pipeline(2).run(order::together));
}

TEST(stages, recompute_changes_nothing) {
    expect_same(pipeline(2).run(order::recomputed), pipeline(2).run(order::together));
}

TEST(stages, the_cut_changes_nothing) {
    const outcome whole = pipeline(1).run(order::together);
    EXPECT_EQ(whole.gradients.size(), 12u * 3 + 5);
    for (const int stages : {2, 3, 4, 5, 8}) expect_same(pipeline(stages).run(order::together), whole);
    expect_same(pipeline(8).run(order::recomputed), whole);
    expect_same(pipeline(8).run(order::weights_last), whole);
}

TEST(stages, other_threads_change_nothing) {
    const outcome alone = pipeline(2).run(order::together);
    std::vector<outcome> results(4);
    {
        std::vector<std::jthread> threads;
        for (outcome& r : results) threads.emplace_back([&r] { r = pipeline(2).run(order::together); });
    }
    for (const outcome& r : results) expect_same(r, alone);
}

TEST(stages, where_memory_lies_changes_nothing) {
    data d;
    cpu_device device;
    gpt2_stage<cpu_device> model(device, small, {0, small.layers, true, true}, unit, 7);
    model.set_batch(d.batch);
    std::vector<std::vector<float>> results;
    for (const std::size_t offset : {0u, 16u, 48u, 1008u}) {  // in floats: 64-byte steps, across a page's end too
        const tensor<float> stash(model.stash_size(false) + offset);
        model.clear_gradients();
        model.forward(0, stash.data() + offset, nullptr, nullptr);
        model.backward(0, stash.data() + offset, nullptr, nullptr);
        results.emplace_back(model.gradients().begin(), model.gradients().end());
    }
    EXPECT_THAT(results, testing::Each(results[0]));
}

TEST(stages, a_second_iteration_starts_from_nothing) {
    pipeline twice(2);
    twice.run(order::together);
    pipeline once(2);
    once.run(order::together);
    expect_same(twice.run(order::together), once.run(order::halves));
}

TEST(stages, gradients_without_a_unit_are_zero) {
    cpu_device device;
    gpt2_stage<cpu_device> s(device, small, {0, 1, true, false}, unit, 1);
    std::ranges::fill(s.gradients(), 3.f);
    s.clear_gradients();
    EXPECT_THAT(s.gradients(), testing::Each(0.f));
}

TEST(stages, evaluate_equals_forward_but_for_rounding) {
    data d;
    cpu_device device;
    gpt2_stage<cpu_device> s(device, small, {0, small.layers, true, true}, unit, 7);
    s.set_batch(d.batch);
    const tensor<float> stash(s.stash_bytes(false) / sizeof(float));
    s.forward(0, reinterpret_cast<std::byte*>(stash.data()), nullptr, nullptr);
    const double trained = s.losses()[0];
    s.set_batch(d.batch);
    s.evaluate(0, nullptr, nullptr);
    EXPECT_NEAR(s.losses()[0], trained, 1e-6 * trained);
}

TEST(stages, a_fresh_model_knows_nothing) {
    const outcome o = pipeline(1).run(order::together);
    for (const double loss : o.losses) EXPECT_NEAR(loss, std::log(double(small.vocabulary)), 0.1);
}

TEST(stages, names_and_shapes_are_those_of_hugging_face) {
    cpu_device device;
    gpt2_stage<cpu_device> model(device, small, {0, 3, true, true}, unit, 1);
    std::map<std::string, std::vector<std::int64_t>> shapes;
    std::int64_t count = 0;
    for (const auto& p : model.parameters()) {
        shapes[p.what.name] = p.what.shape;
        count += static_cast<std::int64_t>(p.values.size());
        EXPECT_EQ(p.what.decay(), p.what.shape.size() == 2);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p.values.data()) % alignment, 0u);
    }
    EXPECT_EQ(count, parameter_count(small));
    EXPECT_EQ(shapes.at("h.2.attn.c_attn.weight"), (std::vector<std::int64_t>{48, 144}));
    EXPECT_EQ(shapes.at("h.0.mlp.c_proj.bias"), std::vector<std::int64_t>{48});
    EXPECT_EQ(shapes.at("lm_head.weight"), (std::vector<std::int64_t>{61, 48}));
    EXPECT_EQ(shapes.at("wpe.weight"), (std::vector<std::int64_t>{32, 48}));
}

TEST(stages, start_values_have_the_deviation_asked_for) {
    cpu_device device;
    gpt2_stage<cpu_device> model(device, small, {0, 3, true, true}, unit, 1);
    for (const auto& p : model.parameters()) {
        if (!p.what.decay()) continue;
        const double n = static_cast<double>(p.values.size());
        const bool residual = p.what.name.ends_with("c_proj.weight");
        const double expected = residual ? 0.02 / std::sqrt(6.0) : 0.02;
        double squares = 0;
        device.sum_of_squares(p.values.data(), p.values.size(), &squares);
        const double found = std::sqrt(squares / n);
        EXPECT_NEAR(found / expected, 1, 5 / std::sqrt(2 * n)) << p.what.name;  // five deviations of the estimate
    }
}

TEST(stages, layers_are_spread_by_work) {
    const auto cut = [](int layers, int channels, int vocabulary, int stages) {
        std::vector<int> blocks;
        int next = 0;
        for (const layer_range& r : stage_layers({layers, 1, channels, vocabulary, 64}, stages)) {
            EXPECT_EQ(r.first, next);
            next = r.last;
            blocks.push_back(r.last - r.first);
        }
        EXPECT_EQ(next, layers);
        return blocks;
    };
    EXPECT_EQ(cut(12, 768, 256, 4), (std::vector{3, 3, 3, 3}));
    EXPECT_EQ(cut(12, 768, 50257, 4), (std::vector{4, 4, 4, 0}));  // the head weighs more than five blocks
    EXPECT_EQ(cut(6, 128, 256, 4), (std::vector{2, 2, 1, 1}));
    EXPECT_EQ(cut(24, 768, 50257, 4), (std::vector{8, 7, 7, 2}));
    EXPECT_EQ(cut(2, 128, 256, 4), (std::vector{1, 1, 0, 0}));
    EXPECT_EQ(cut(5, 128, 256, 1), std::vector{5});
    EXPECT_EQ(stage_layers(small, 3, std::vector{2, 0, 1}),
              (std::vector<layer_range>{{0, 2, true, false}, {2, 2, false, false}, {2, 3, false, true}}));
    EXPECT_EQ(stage_layers(small, 2, {}), stage_layers(small, 2));
    EXPECT_EQ(blocks_of(std::vector{0, 1, 3, 4, 6}, 4), (std::vector{0, 2, 1, 1}));  // embedding, blocks, head
}

TEST(stages, bad_input_is_refused) {
    cpu_device device;
    EXPECT_THROW(stage_layers(small, 0), chimera_error);
    EXPECT_THROW(stage_layers({.layers = 1, .heads = 3, .channels = 16}, 1), chimera_error);
    EXPECT_THROW(stage_layers(small, 2, std::vector{1, 1, 1}), chimera_error);
    EXPECT_THROW(stage_layers(small, 2, std::vector{1, 1}), chimera_error);
    EXPECT_THROW(stage_layers(small, 2, std::vector{4, -1}), chimera_error);
    EXPECT_THROW((gpt2_stage<cpu_device>(device, small, {0, 1, true, true}, {1, 33}, 1)), chimera_error);
    gpt2_stage<cpu_device> model(device, small, {0, 1, true, true}, unit, 1);
    data d;
    d.numbers[1][5] = small.vocabulary;
    EXPECT_THROW(model.set_batch(d.batch), chimera_error);
    d.numbers[1][5] = -1;
    EXPECT_THROW(model.set_batch(d.batch), chimera_error);
    d.batch[0].targets = d.batch[0].targets.first(3);
    EXPECT_THROW(model.set_batch(d.batch), chimera_error);
}

/// Who does not hold a stage knows its tensors all the same.
TEST(stages, tensors_are_known_without_the_stage) {
    cpu_device device;
    std::mt19937 random(3);
    for (int turn = 0; turn < 20; ++turn) {
        const int heads = 1 + static_cast<int>(random() % 3), blocks = 1 + static_cast<int>(random() % 4);
        const gpt2_sizes config{.layers = blocks,
                                .heads = heads,
                                .channels = heads * (1 + static_cast<int>(random() % 9)),
                                .vocabulary = 2 + static_cast<int>(random() % 90),
                                .context = 1 + static_cast<int>(random() % 20)};
        for (const layer_range& r : stage_layers(config, 1 + static_cast<int>(random() % 5))) {
            const gpt2_stage<cpu_device> held(device, config, r, {1, 1}, 7);
            std::vector<tensor_shape> shapes;
            for (const parameter& each : held.tensors()) {
                shapes.push_back({each.name, each.shape});
                EXPECT_EQ(shapes.back().size(), each.size);
            }
            EXPECT_EQ(shapes, tensors_of(config, r));
        }
    }
}

}  // namespace
}  // namespace chimera::executor::test
