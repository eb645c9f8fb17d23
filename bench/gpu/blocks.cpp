// SPDX-License-Identifier: Apache-2.0
// GPT-2's transformer blocks in bf16, forward and backward, on random data.
#include "data.hpp"
#include "suites.hpp"

#include <executor/layers/cuda/gpt2_cuda.hpp>

#include <cstdio>

namespace chimera::bench {

namespace {

using namespace executor;
using device_type = cuda_device<bf16>;

/// Input and output gradient are put in their places once: the block leaves both as they were.
spread time_block(device_type& device, const gpt2_sizes& config, const unit_shape& unit) {
    parameter_list list(granule<device_type>);
    const block<device_type> layer(device, config, 0, unit, list);
    const std::size_t narrow = unit.size(config.channels);
    const device_memory values = random_on(device, list.size(), 0.04F), input = random_on(device, narrow),
                        gradients = room_on<float>(device, list.size()),
                        stash = room_on<bf16>(device, layer.stash_size()),
                        work = room_on<bf16>(device, layer.work_size()), out = room_on<bf16>(device, narrow);
    bf16 *const s = elements<bf16>(stash), *const w = elements<bf16>(values);
    device.copy(layer.input(s), elements<bf16>(input), narrow);
    device.copy(layer.output_gradient(s), elements<bf16>(input), narrow);
    return timed(device.stream(), 5, 20, [&] {
        layer.forward(device, w, s, elements<bf16>(out), true);
        layer.backward(device, w, s, elements<bf16>(work), elements<bf16>(out), elements<float>(gradients), true);
    });
}

void one_block(device_type& device, int channels, int sequences, int tokens, double peak) {
    const gpt2_sizes config{
        .layers = 1, .heads = channels / 128, .channels = channels, .vocabulary = 2, .context = tokens};
    const unit_shape unit{sequences, tokens};
    const double rows = unit.rows(), c = channels, flops = 6 * rows * (12 * c * c + c * tokens);
    const spread took = time_block(device, config, unit);
    const std::string way =
        device.attention_way(device.prepare(attention_shape{sequences, tokens, config.heads, channels}));
    std::printf("| %d | %d × %d | %.2f | %.2f | %.0f | %s | %.1f %% | %s |\n", channels, sequences, tokens,
                1e-12 * flops, 1e3 * took.median, 1e-12 * flops / took.median, share(flops, took.median, peak).c_str(),
                100 * took.relative(), way.c_str());
    std::printf(
        "json {\"suite\": \"block\", \"kind\": \"gpt2\", \"channels\": %d, \"sequences\": %d, \"tokens\": %d, "
        "\"flops\": %g, \"seconds\": %g, \"spread\": %g, \"attention\": %s}\n",
        channels, sequences, tokens, flops, took.median, took.relative(), quoted(way).c_str());
}

}  // namespace

void blocks_suite(const settings& how) {
    device_type device;
    std::printf("\nBlock, forward and backward, gradients added in fp32: 6 · rows · (12 c² + c · tokens) FLOP.\n\n");
    std::printf("| c | sequences × tokens | TFLOP | ms | TFLOP/s | of peak | spread | attention |\n");
    std::printf("|---:|---|---:|---:|---:|---:|---:|---|\n");
    for (const int c : {2048, 4096})
        for (const int tokens : {1024, 4096}) one_block(device, c, 16384 / tokens, tokens, how.peak);
}

}  // namespace chimera::bench
