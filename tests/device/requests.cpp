// SPDX-License-Identifier: Apache-2.0

// What a stage asks of its device in each pass: which of two operations, and where results go.

#include <executor/layers/gpt2_stage.hpp>
#include "tests/device/support.hpp"

namespace chimera::executor::test {
namespace {

const gpt2_sizes small{.layers = 3, .heads = 3, .channels = 21, .vocabulary = 61, .context = 32};
const unit_shape unit{1, 17};  // [17, 21] fills no whole number of 64-byte lines

struct requests {
    int losses = 0, losses_and_gradients = 0, in_place = 0, apart = 0;
    friend bool operator==(const requests&, const requests&) = default;
};

class noting_device : public cpu_device {
public:
    explicit noting_device(requests& to) : to_(to) {}

    void cross_entropy(const row_shape& s, const real* logits, const std::int32_t* targets, wide* losses) {
        ++to_.losses;
        cpu_device::cross_entropy(s, logits, targets, losses);
    }
    void cross_entropy_and_gradient(const row_shape& s, real* logits, const std::int32_t* targets, wide* losses,
                                    wide factor) {
        ++to_.losses_and_gradients;
        EXPECT_EQ(factor, wide(1) / 17);
        cpu_device::cross_entropy_and_gradient(s, logits, targets, losses, factor);
    }
    void attention_backward(const prepared_attention& prepared, const real* qkv, const real* y, const real* dy,
                            const wide* log_sum, real* d_qkv) {
        const std::size_t whole = row_shape{prepared.rows(), 3 * prepared.channels}.size(), part = whole / 3;
        ++(d_qkv == qkv ? to_.in_place : to_.apart);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(d_qkv) % alignment, 0u);
        const auto overlaps = [&](const real* a, std::size_t n) { return d_qkv < a + n && a < d_qkv + whole; };
        EXPECT_FALSE((d_qkv != qkv && overlaps(qkv, whole)) || overlaps(y, part) || overlaps(dy, part));
        cpu_device::attention_backward(prepared, qkv, y, dy, log_sum, d_qkv);
    }

private:
    requests& to_;
};

struct noted : testing::Test {
    noted() {
        model.set_batch({&batch, 1});
        seen = {};
    }
    requests seen;
    noting_device device{seen};
    gpt2_stage<noting_device> model{device, small, {0, small.layers, true, true}, unit, 7};
    std::vector<std::int32_t> tokens = random_tokens(unit.rows(), small.vocabulary, 1),
                              targets = random_tokens(unit.rows(), small.vocabulary, 2);
    unit_batch batch{tokens, targets};
    tensor<float> stash{model.stash_size(false)}, light{std::max<std::size_t>(1, model.stash_size(true))};
};

TEST_F(noted, a_forward_makes_the_gradient_of_its_logits) {
    model.forward(0, stash.data(), nullptr, nullptr);
    EXPECT_EQ(seen, (requests{0, 1, 0, 0}));
}

TEST_F(noted, a_forward_without_a_backward_makes_the_loss_alone) {
    model.evaluate(0, nullptr, nullptr);
    EXPECT_EQ(seen, (requests{1, 0, 0, 0}));
    model.forward_light(0, light.data(), nullptr, nullptr);
    EXPECT_EQ(seen, (requests{2, 0, 0, 0}));
    model.recompute(0, light.data(), stash.data());
    EXPECT_EQ(seen, (requests{2, 1, 0, 0}));
}

/// A gradient over queries, keys and values costs some devices a copy: only where weights come later it has no other place.
TEST_F(noted, gradients_of_attention_have_a_place_of_their_own) {
    model.forward(0, stash.data(), nullptr, nullptr);
    model.backward(0, stash.data(), nullptr, nullptr);
    EXPECT_EQ(seen, (requests{0, 1, 0, 3}));
    model.forward(0, stash.data(), nullptr, nullptr);
    model.input_gradient(0, stash.data(), nullptr, nullptr);
    EXPECT_EQ(seen, (requests{0, 2, 3, 3}));
    model.weight_gradient(0, stash.data());
    EXPECT_EQ(seen, (requests{0, 2, 3, 3}));
}

}  // namespace
}  // namespace chimera::executor::test
