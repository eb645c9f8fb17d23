// SPDX-License-Identifier: Apache-2.0
#include "tests/train/ledger_device.hpp"

#include <executor/layers/embedding_and_head.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace chimera::executor;

const chimera::gpt2_sizes tiny{.layers = 1, .heads = 3, .channels = 9, .vocabulary = 7, .context = 5};
const unit_shape unit{2, 5};

/// One is left of six where a device has the sums in passing: the bias of c_attn, whose gradient comes from the attention.
TEST(column_passes, of_a_block) {
    ledger::device device;
    parameter_list list;
    const block<ledger::device> layer(device, tiny, 0, unit, list);
    std::vector<float> values(list.size()), gradients(list.size()), stash(layer.stash_size()), work(layer.work_size()),
        dx(unit.size(tiny.channels));
    layer.backward(device, values.data(), stash.data(), work.data(), dx.data(), gradients.data(), true);
    EXPECT_EQ(device.column_passes, 1);
    layer.input_gradient(device, values.data(), stash.data(), work.data(), dx.data());
    EXPECT_EQ(device.column_passes, 1);
    layer.weight_gradient(device, stash.data(), gradients.data(), true);
    EXPECT_EQ(device.column_passes, 1 + 6);
}

TEST(column_passes, of_the_head) {
    ledger::device device;
    parameter_list list;
    const head<ledger::device> layer(device, tiny, unit, list);
    std::vector<float> values(list.size()), gradients(list.size()), stash(layer.stash_size()),
        dx(unit.size(tiny.channels));
    layer.backward(device, values.data(), stash.data(), dx.data(), gradients.data(), true);
    EXPECT_EQ(device.column_passes, 0);
}

}  // namespace
