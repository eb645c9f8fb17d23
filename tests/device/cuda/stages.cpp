// SPDX-License-Identifier: Apache-2.0

// Stages of device cuda: what must be equal bit for bit, what must be near device cpu, and what must not happen after the first iteration.

#include <executor/layers/cuda/gpt2_cuda.hpp>
#include "tests/device/cuda/setups.hpp"

#include <gmock/gmock.h>

#include <map>

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

using tensors = std::map<std::string, std::vector<float>>;

struct outcome {
    std::vector<double> losses;
    double square_sum = 0;
    tensors gradients, weights;
};

enum class order { together, halves, weights_last, recomputed };

/// A pipeline of stages of one device: every unit forward, then every unit backward, then one optimiser step.
template <class D>
class pipeline {
public:
    pipeline(D& device, int stages) : device_(device), boundary_(memory(boundary_bytes())) {
        for (const layer_range& r : stage_layers(small, stages))
            stages_.push_back(std::make_unique<gpt2_stage<D>>(device, small, r, unit, 7));
        for (auto& s : stages_)
            for (int u = 0; u < units; ++u) {
                light_.push_back(memory(s->stash_bytes(true)));
                stash_.push_back(memory(s->stash_bytes(false)));
            }
        next_ = memory(boundary_bytes());
    }

    outcome run(order how) {
        for (auto& s : stages_) {
            s->set_batch(data_.batch);
            s->clear_gradients();
        }
        for (int u = 0; u < units; ++u) forward(u, how);
        for (int u = 0; u < units; ++u) backward(u, how);
        if (how == order::weights_last)
            for (std::size_t s = 0; s < stages_.size(); ++s)
                for (int u = 0; u < units; ++u) stages_[s]->weight_gradient(u, stash_[place(s, u)].data());
        return finish();
    }

    tensors read(stored what) {
        tensors all;
        for (auto& s : stages_)
            for (const parameter& p : s->tensors()) {
                all[p.name].resize(p.size);
                s->read(p, what, all[p.name]);
            }
        return all;
    }
    void write(stored what, const tensors& all) {
        for (auto& s : stages_)
            for (const parameter& p : s->tensors()) s->write(p, what, all.at(p.name));
    }

private:
    static std::size_t place(std::size_t stage, int u) { return stage * units + static_cast<std::size_t>(u); }
    static std::size_t boundary_bytes() { return unit.size(small.channels) * sizeof(typename D::real); }
    /// Poisoned: what is read before it is written shows.
    typename D::memory memory(std::size_t bytes) {
        auto made = device_.allocate(std::max<std::size_t>(1, bytes));
        const std::vector<std::byte> poison(made.size(), std::byte{0xff});
        device_.upload(made.data(), poison.data(), poison.size());
        return made;
    }

    void forward(int u, order how) {
        const bool light = how == order::recomputed;
        for (std::size_t s = 0; s < stages_.size(); ++s) {
            const auto call = light ? &stage::forward_light : &stage::forward;
            (stages_[s].get()->*call)(u, (light ? light_ : stash_)[place(s, u)].data(), boundary_.data(), next_.data());
            std::swap(boundary_, next_);
        }
    }

    void backward(int u, order how) {
        for (std::size_t s = stages_.size(); s-- > 0;) {
            std::byte* const here = stash_[place(s, u)].data();
            if (how == order::recomputed) stages_[s]->recompute(u, light_[place(s, u)].data(), here);
            if (how == order::together || how == order::recomputed) {
                stages_[s]->backward(u, here, boundary_.data(), next_.data());
            } else {
                stages_[s]->input_gradient(u, here, boundary_.data(), next_.data());
                if (how == order::halves) stages_[s]->weight_gradient(u, here);
            }
            std::swap(boundary_, next_);
        }
    }

    outcome finish() {
        outcome result;
        const auto losses = stages_.back()->losses();
        result.losses.assign(losses.begin(), losses.end());
        for (auto& s : stages_) result.square_sum += s->gradient_square_sum();
        result.gradients = read(stored::gradient);
        for (auto& s : stages_) {
            s->set_step({.gradient_scale = 1.0 / units});
            s->update();
        }
        result.weights = read(stored::weight);
        return result;
    }

    D& device_;
    data data_;
    std::vector<std::unique_ptr<gpt2_stage<D>>> stages_;
    std::vector<typename D::memory> light_, stash_;
    typename D::memory boundary_, next_;
};

template <class Real>
class cuda_stages : public testing::Test {
protected:
    using device_type = cuda_device<Real>;

    void SetUp() override {
        device_ = on_cuda<Real, true>::make();
        if (!device_) GTEST_SKIP() << "no GPU here";
    }
    outcome run(int stages, order how) { return pipeline<device_type>(*device_, stages).run(how); }
    device_type& device() { return *device_; }

private:
    std::unique_ptr<device_type> device_;
};
using precisions = testing::Types<float, bf16>;
TYPED_TEST_SUITE(cuda_stages, precisions);

/// Equal bits: NaN equals nothing, so a poisoned number that reaches a result fails too.
void expect_same(const outcome& a, const outcome& b) {
    EXPECT_EQ(a.losses, b.losses);
    EXPECT_EQ(a.gradients, b.gradients);
    EXPECT_EQ(a.weights, b.weights);
}

TYPED_TEST(cuda_stages, orders_and_recompute_change_nothing) {
    const outcome together = this->run(2, order::together);
    for (const order how : {order::halves, order::weights_last, order::recomputed})
        expect_same(this->run(2, how), together);
}

TYPED_TEST(cuda_stages, the_cut_changes_nothing) {
    const outcome whole = this->run(1, order::together);
    EXPECT_EQ(whole.gradients.size(), 12u * 3 + 5);
    for (const int stages : {2, 3, 5}) expect_same(this->run(stages, order::together), whole);
    expect_same(this->run(5, order::recomputed), whole);
}

TYPED_TEST(cuda_stages, a_second_iteration_starts_from_nothing) {
    pipeline<cuda_device<TypeParam>> twice(this->device(), 2), once(this->device(), 2);
    twice.run(order::together), once.run(order::together);
    expect_same(twice.run(order::together), once.run(order::halves));
}

TYPED_TEST(cuda_stages, gradients_without_a_unit_are_zero) {
    gpt2_stage<cuda_device<TypeParam>> s(this->device(), small, {0, 1, true, false}, unit, 1);
    const auto all = [&] {
        std::vector<float> values(s.gradients().size());
        this->device().download(values.data(), s.gradients().data(), values.size() * sizeof(float));
        return values;
    };
    this->device().fill(s.gradients().data(), 3.F, s.gradients().size());
    EXPECT_THAT(all(), testing::Each(3.f));
    s.clear_gradients();
    EXPECT_THAT(all(), testing::Each(0.f));
    this->device().fill(s.gradients().data(), 3.F, s.gradients().size());
    s.zero_gradients();
    EXPECT_THAT(all(), testing::Each(0.f));
}

TYPED_TEST(cuda_stages, evaluate_equals_forward_but_for_rounding) {
    const data d;
    gpt2_stage<cuda_device<TypeParam>> s(this->device(), small, {0, small.layers, true, true}, unit, 7);
    const auto stash = this->device().allocate(s.stash_size(false) * sizeof(TypeParam));
    s.set_batch(d.batch);
    s.forward(1, reinterpret_cast<TypeParam*>(stash.data()), nullptr, nullptr);
    const double trained = s.losses()[1];
    s.set_batch(d.batch);
    EXPECT_EQ(s.losses()[1], 0);
    s.evaluate(1, nullptr, nullptr);
    EXPECT_NEAR(s.losses()[1], trained, 4 * half_step<TypeParam> * trained);
}

// A tensor is written and read as it is, rounded only where the passes use it.
TYPED_TEST(cuda_stages, what_is_written_is_read) {
    pipeline<cuda_device<TypeParam>> from(this->device(), 1), to(this->device(), 2);
    from.run(order::together);
    std::map<stored, tensors> all;
    for (const stored what : {stored::weight, stored::m, stored::v}) {
        all[what] = from.read(what);
        to.write(what, all[what]);
        EXPECT_EQ(to.read(what), all[what]);
    }
    expect_same(to.run(order::together), from.run(order::together));
}

TYPED_TEST(cuda_stages, a_fresh_stage_is_that_of_the_cpu_to_the_bit) {
    cpu_device cpu;
    pipeline<cpu_device> expected(cpu, 2);
    pipeline<cuda_device<TypeParam>> actual(this->device(), 2);
    for (const stored what : {stored::weight, stored::m, stored::v}) EXPECT_EQ(actual.read(what), expected.read(what));
}

double norm_of(const tensors& all) {
    double sum = 0;
    for (const auto& [name, values] : all)
        for (const float v : values) sum += double(v) * double(v);
    return std::sqrt(sum);
}
double distance(const tensors& a, const tensors& b) {
    tensors difference = a;
    for (auto& [name, values] : difference)
        for (std::size_t i = 0; i < values.size(); ++i) values[i] -= b.at(name)[i];
    return norm_of(difference);
}

// Losses are means of logarithms near log 61, which gradients of bf16 activations reach with some roundings of 2⁻⁸ of both
// signs on the way; fp32 has 2⁻²⁴.
TYPED_TEST(cuda_stages, losses_and_gradients_are_those_of_the_cpu) {
    cpu_device cpu;
    const outcome expected = pipeline<cpu_device>(cpu, 1).run(order::together), actual = this->run(1, order::together);
    const double unit_of = half_step<TypeParam>;
    for (std::size_t u = 0; u < units; ++u)
        EXPECT_NEAR(actual.losses[u], expected.losses[u], 4 * unit_of * expected.losses[u]);
    EXPECT_NEAR(std::sqrt(actual.square_sum), std::sqrt(expected.square_sum),
                8 * unit_of * std::sqrt(expected.square_sum));
    EXPECT_LE(distance(actual.gradients, expected.gradients), 8 * unit_of * norm_of(expected.gradients));
    EXPECT_GT(distance(actual.gradients, expected.gradients), 0);
}

TYPED_TEST(cuda_stages, scratch_memory_is_taken_when_a_stage_is_made) {
    pipeline<cuda_device<TypeParam>> p(this->device(), 2);
    const std::size_t before = this->device().scratch_bytes();
    p.run(order::together);
    EXPECT_EQ(this->device().scratch_bytes(), before);
    p.run(order::recomputed), p.run(order::halves);
    EXPECT_EQ(this->device().scratch_bytes(), before);
}

}  // namespace
}  // namespace chimera::executor::test
