// SPDX-License-Identifier: Apache-2.0
// LLaMA-style blocks in bf16, forward and backward, on random data.
#include "llama_block.hpp"

#include <cstdio>

namespace chimera::bench {

namespace {

using namespace executor;

void one_block(cuda_device<bf16>& device, const llama_shape& s, const unit_shape& unit, double peak) {
    llama_block<bf16> layer(device, s, unit);
    const double flops = block_flops(s, unit.rows(), unit.tokens);
    const spread took = timed(device.stream(), 5, 20, [&] { layer.forward(), layer.backward(true); });
    const std::string way = layer.attention_way();
    std::printf("| %s: %d, %d | %d × %d | %.2f | %.2f | %.0f | %s | %.1f %% | %s |\n", s.name, s.channels, s.hidden,
                unit.sequences, unit.tokens, 1e-12 * flops, 1e3 * took.median, 1e-12 * flops / took.median,
                share(flops, took.median, peak).c_str(), 100 * took.relative(), way.c_str());
    std::printf(
        "json {\"suite\": \"block\", \"kind\": \"llama\", \"name\": \"%s\", \"channels\": %d, \"hidden\": %d, "
        "\"heads\": %d, "
        "\"layers\": %d, \"sequences\": %d, \"tokens\": %d, \"flops\": %g, \"seconds\": %g, \"spread\": %g, "
        "\"attention\": %s}\n",
        s.name, s.channels, s.hidden, s.heads, s.layers, unit.sequences, unit.tokens, flops, took.median,
        took.relative(), quoted(way).c_str());
}

}  // namespace

void llama_suite(const settings& how) {
    cuda_device<bf16> device;
    std::printf(
        "\nLLaMA-style block, forward and backward, gradients added in fp32: 6 · rows · (4 c² + 3 c · hidden + c · "
        "tokens) "
        "FLOP.\n\n");
    std::printf("| model: c, hidden | sequences × tokens | TFLOP | ms | TFLOP/s | of peak | spread | attention |\n");
    std::printf("|---|---|---:|---:|---:|---:|---:|---|\n");
    for (const llama_shape& s : llamas)
        for (const int tokens : {1024, 4096}) one_block(device, s, {16384 / tokens, tokens}, how.peak);
}

}  // namespace chimera::bench
