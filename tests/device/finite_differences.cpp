// SPDX-License-Identifier: Apache-2.0

// Every layer, and a whole stage, against central differences in double precision on the reference device.

#include <executor/layers/gpt2_stage.hpp>
#include "tests/device/support.hpp"

namespace chimera::executor::test {
namespace {

using device = reference_device<double>;
using numbers = tensor<double>;

constexpr double width = 1e-5;      // truncation about 1e-10, rounding about 1e-11 of the loss
constexpr double tolerance = 1e-7;  // of the largest element

/// d loss / d x by central differences, x restored.
numbers differences(std::span<double> x, const std::function<double()>& loss) {
    numbers result(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double before = x[i];
        x[i] = before + width;
        const double above = loss();
        x[i] = before - width;
        result[i] = (above - loss()) / (2 * width);
        x[i] = before;
    }
    return result;
}

void expect_gradient(std::span<const double> gradient, std::span<double> x, const std::function<double()>& loss,
                     const std::string& what) {
    const numbers expected = differences(x, loss);
    ASSERT_GT(magnitude<double>(expected.all()), 1e-6) << what << ": the loss does not depend on it";
    expect_near<double, double>(gradient, expected.all(), tolerance, what);
}

double dot(std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

const gpt2_sizes tiny{.layers = 2, .heads = 2, .channels = 6, .vocabulary = 7, .context = 6};
const unit_shape unit{2, 5};

TEST(finite_differences, norm) {
    device d;
    parameter_list list;
    layout stashes;
    const norm<device> layer("n", 6, unit, list, stashes);
    const auto x = random<double>(unit.size(6), 1), dy = random<double>(unit.size(6), 2),
               values = random<double>(list.size(), 3);
    const auto residual = random<double>(unit.size(6), 4);
    numbers stash(stashes.size()), y(x.size()), dx(x.size()), gradients(list.size());
    const auto loss = [&] {
        layer.forward(d, values.data(), stash.data(), x.data(), y.data());
        return dot(y.all(), dy.all()) + dot(residual.all(), x.all());
    };
    loss();
    layer.input_gradient(d, values.data(), stash.data(), x.data(), dy.data(), residual.data(), dx.data());
    layer.weight_gradient(d, stash.data(), x.data(), dy.data(), gradients.data(), false);
    expect_gradient(dx.all(), x.all(), loss, "input");
    for (const parameter& p : list.all())
        expect_gradient(gradients.all().subspan(p.offset, p.size), values.all().subspan(p.offset, p.size), loss,
                        p.name);
}

TEST(finite_differences, linear_with_gelu) {
    device d;
    parameter_list list;
    const linear<device> layer(d, "l", 6, 9, linear_role::biased, 0.02, unit, list);
    const auto x = random<double>(unit.size(6), 1), dy = random<double>(unit.size(9), 2),
               values = random<double>(list.size(), 3);
    numbers before(dy.size()), y(dy.size()), d_before(dy.size()), dx(x.size()), gradients(list.size());
    const auto loss = [&] {
        layer.gelu_forward(d, values.data(), x.data(), before.data(), y.data());
        return dot(y.all(), dy.all());
    };
    loss();
    d.gelu_backward(before.data(), dy.data(), d_before.data(), dy.size());
    layer.input_gradient(d, values.data(), d_before.data(), dx.data());
    layer.weight_gradient(d, d_before.data(), x.data(), gradients.data(), false);
    expect_gradient(dx.all(), x.all(), loss, "input");
    for (const parameter& p : list.all())
        expect_gradient(gradients.all().subspan(p.offset, p.size), values.all().subspan(p.offset, p.size), loss,
                        p.name);
}

TEST(finite_differences, linear_after_gelu) {
    device d;
    parameter_list list;
    const linear<device> widen(d, "w", 6, 9, linear_role::gelu, 0.02, unit, list),
        narrow(d, "n", 9, 4, linear_role::residual_after_gelu, 0.02, unit, list);
    const auto x = random<double>(unit.size(6), 1), dy = random<double>(unit.size(4), 2),
               values = random<double>(list.size(), 3);
    numbers before(unit.size(9)), active(before.size()), d_before(before.size());
    numbers y(dy.size()), dx(x.size()), gradients(list.size());
    const auto loss = [&] {
        widen.gelu_forward(d, values.data(), x.data(), before.data(), active.data());
        narrow.forward(d, values.data(), active.data(), nullptr, y.data());
        return dot(y.all(), dy.all());
    };
    loss();
    narrow.gelu_input_gradient(d, values.data(), dy.data(), before.data(), d_before.data(), d_before.data());
    widen.input_gradient(d, values.data(), d_before.data(), dx.data());
    narrow.weight_gradient(d, dy.data(), active.data(), gradients.data(), false);
    widen.weight_gradient(d, d_before.data(), x.data(), gradients.data(), false);
    expect_gradient(dx.all(), x.all(), loss, "input");
    for (const parameter& p : list.all())
        expect_gradient(gradients.all().subspan(p.offset, p.size), values.all().subspan(p.offset, p.size), loss,
                        p.name);
}

TEST(finite_differences, attention) {
    device d;
    const attention_shape s{2, 5, 3, 6};
    auto qkv = random<double>(unit.size(18), 1);
    const auto dy = random<double>(unit.size(6), 2);
    numbers y(dy.size()), log_sum(unit.size(3)), d_qkv(qkv.size());
    const auto loss = [&] {
        d.attention_forward(s, qkv.data(), y.data(), log_sum.data());
        return dot(y.all(), dy.all());
    };
    loss();
    d.attention_backward(s, qkv.data(), y.data(), dy.data(), log_sum.data(), d_qkv.data());
    expect_gradient(d_qkv.all(), qkv.all(), loss, "queries, keys, values");
}

/// A device that has the sums of what it sends through the GELU in passing.
struct summing : device {
    bool sums_with_gelu(const prepared_linear&) const { return true; }
};

template <class D>
void check_block(bool later) {
    D d;
    parameter_list list;
    const block<D> layer(d, tiny, 0, unit, list);
    const auto x = random<double>(unit.size(6), 1), dy = random<double>(unit.size(6), 2);
    const auto values = random<double>(list.size(), 3, 0.5f);
    numbers stash(layer.stash_size()), work(layer.work_size()), y(x.size()), dx(x.size()), gradients(list.size());
    const auto loss = [&] {
        std::ranges::copy(x.all(), layer.input(stash.data()));
        layer.forward(d, values.data(), stash.data(), y.data(), true);
        return dot(y.all(), dy.all());
    };
    loss();
    std::ranges::copy(dy.all(), layer.output_gradient(stash.data()));
    if (later) {
        layer.input_gradient(d, values.data(), stash.data(), work.data(), dx.data());
        layer.weight_gradient(d, stash.data(), gradients.data(), false);
    } else {
        layer.backward(d, values.data(), stash.data(), work.data(), dx.data(), gradients.data(), false);
    }
    expect_gradient(dx.all(), x.all(), loss, "input");
    for (const parameter& p : list.all())
        expect_gradient(gradients.all().subspan(p.offset, p.size), values.all().subspan(p.offset, p.size), loss,
                        p.name);
}

TEST(finite_differences, block) { check_block<device>(false); }
TEST(finite_differences, block_in_two_halves) { check_block<device>(true); }
TEST(finite_differences, block_with_sums_from_the_gelu) { check_block<summing>(false); }
TEST(finite_differences, block_with_sums_from_the_gelu_in_two_halves) { check_block<summing>(true); }

TEST(finite_differences, embedding) {
    device d;
    parameter_list list;
    const embedding<device> layer(tiny, unit, list);
    const auto tokens = random_tokens(unit.rows(), tiny.vocabulary, 1);
    const auto dy = random<double>(unit.size(6), 2), values = random<double>(list.size(), 3);
    numbers stash(layer.stash_size()), y(dy.size()), gradients(list.size());
    const auto loss = [&] {
        layer.forward(d, values.data(), tokens.data(), y.data());
        return dot(y.all(), dy.all());
    };
    std::ranges::copy(dy.all(), layer.output_gradient(stash.data()));
    layer.weight_gradient(d, stash.data(), tokens.data(), gradients.data(), false);
    for (const parameter& p : list.all())
        expect_gradient(gradients.all().subspan(p.offset, p.size), values.all().subspan(p.offset, p.size), loss,
                        p.name);
}

void check_head(bool later) {
    device d;
    parameter_list list;
    const head<device> layer(d, tiny, unit, list);
    const auto targets = random_tokens(unit.rows(), tiny.vocabulary, 1);
    const auto x = random<double>(unit.size(6), 2), values = random<double>(list.size(), 3);
    numbers stash(layer.stash_size()), dx(x.size()), gradients(list.size());
    const auto loss = [&](bool gradient = false) {
        std::ranges::copy(x.all(), layer.input(stash.data()));
        double mean = 0;
        layer.forward(d, values.data(), stash.data(), targets.data(), &mean, gradient);
        return mean;
    };
    loss(true);
    if (later) {
        layer.input_gradient(d, values.data(), stash.data(), dx.data());
        layer.weight_gradient(d, stash.data(), gradients.data(), false);
    } else {
        layer.backward(d, values.data(), stash.data(), dx.data(), gradients.data(), false);
    }
    expect_gradient(dx.all(), x.all(), loss, "input");
    for (const parameter& p : list.all())
        expect_gradient(gradients.all().subspan(p.offset, p.size), values.all().subspan(p.offset, p.size), loss,
                        p.name);
}

TEST(finite_differences, head) { check_head(false); }
TEST(finite_differences, head_in_two_halves) { check_head(true); }

TEST(finite_differences, whole_model) {
    device d;
    gpt2_stage<device> model(d, tiny, {0, tiny.layers, true, true}, unit, 1);
    const auto tokens = random_tokens(unit.rows(), tiny.vocabulary, 1),
               targets = random_tokens(unit.rows(), tiny.vocabulary, 2);
    const unit_batch batch{tokens, targets};
    model.set_batch({&batch, 1});
    unsigned seed = 3;
    for (const auto& p : model.parameters())  // larger than a start's values, so that no gradient is tiny
        std::ranges::copy(random<double>(p.values.size(), ++seed, 0.5f).all(), p.values.begin());
    numbers stash(model.stash_size(false));
    const auto loss = [&] {
        model.forward(0, stash.data(), nullptr, nullptr);
        return model.losses()[0];
    };
    loss();
    model.backward(0, stash.data(), nullptr, nullptr);
    for (const auto& p : model.parameters()) expect_gradient(p.gradients, p.values, loss, p.what.name);
}

}  // namespace
}  // namespace chimera::executor::test
