// SPDX-License-Identifier: Apache-2.0
// Matrix products and transformer blocks in bf16, on random data.
#include "suites.hpp"

#include <executor/layers/cuda/gpt2_cuda.hpp>

#include <cstdio>
#include <random>

namespace chimera::bench {

namespace {

using namespace executor;
using device_type = cuda_device<bf16>;

/// Random numbers of mean 0 in the device's memory.
device_memory random_on(device_type& device, std::size_t n, float width = 1) {
    std::minstd_rand bits(1);
    std::vector<bf16> host(n);
    const std::size_t some = std::min<std::size_t>(n, 1 << 20);  // the rest repeats them
    for (std::size_t i = 0; i < some; ++i)
        host[i] = rounded<bf16>(width * (static_cast<float>(bits()) / static_cast<float>(bits.max()) - 0.5F));
    for (std::size_t i = some; i < n; ++i) host[i] = host[i - some];
    device_memory made = device.allocate(n * sizeof(bf16));
    device.upload(made.data(), host.data(), n * sizeof(bf16));
    return made;
}

bf16* numbers(const device_memory& m) { return reinterpret_cast<bf16*>(m.data()); }
float* wides(const device_memory& m) { return reinterpret_cast<float*>(m.data()); }

void one_product(device_type& device, int rows, int inputs, int outputs, double peak) {
    const linear_shape shape{rows, inputs, outputs};
    const auto plan = device.plan(shape);
    const auto size = [](int a, int b) { return row_shape{a, b}.size(); };
    const device_memory x = random_on(device, size(rows, inputs)), w = random_on(device, size(inputs, outputs)),
                        b = random_on(device, size(1, outputs)), dy = random_on(device, size(rows, outputs));
    const device_memory y = device.allocate(size(rows, outputs) * sizeof(bf16)),
                        dx = device.allocate(size(rows, inputs) * sizeof(bf16)),
                        dw = device.allocate(size(inputs, outputs) * sizeof(float)),
                        db = device.allocate(size(1, outputs) * sizeof(float));
    const double flops = 2.0 * rows * inputs * outputs;
    const auto row = [&](const char* what, const std::function<void()>& run) {
        const spread took = timed(device.stream(), 5, 30, run);
        std::printf("| %d × %d × %d | %s | %.3f | %.0f | %s | %.1f %% |\n", rows, inputs, outputs, what,
                    1e3 * took.median, 1e-12 * flops / took.median, share(flops, took.median, peak).c_str(),
                    100 * took.relative());
    };
    row("y", [&] { device.linear_forward(plan, numbers(x), numbers(w), numbers(b), nullptr, numbers(y)); });
    row("dx", [&] { device.linear_backward_input(plan, numbers(dy), numbers(w), numbers(dx)); });
    row("dw", [&] { device.linear_backward_weight(plan, numbers(dy), numbers(x), wides(dw), wides(db), true); });
}

void one_block(device_type& device, int channels, int sequences, int tokens, double peak) {
    const gpt2_config config{
        .layers = 1, .heads = channels / 128, .channels = channels, .vocabulary = 2, .context = tokens};
    const unit_shape unit{sequences, tokens};
    parameter_list list(granule<device_type>);
    const block<device_type> layer(device, config, 0, unit, list);
    const device_memory values = random_on(device, list.size(), 0.04F), input = random_on(device, unit.size(channels));
    const device_memory gradients = device.allocate(list.size() * sizeof(float));
    const device_memory stash = device.allocate(layer.stash_size() * sizeof(bf16)),
                        work = device.allocate(layer.work_size() * sizeof(bf16)),
                        out = device.allocate(unit.size(channels) * sizeof(bf16));
    const double rows = unit.rows(), c = channels;
    const double flops = 6 * rows * (12 * c * c + c * tokens);
    const spread took = timed(device.stream(), 3, 20, [&] {
        device.copy(layer.input(numbers(stash)), numbers(input), unit.size(channels));
        layer.forward(device, numbers(values), numbers(stash), numbers(out), true);
        device.copy(layer.output_gradient(numbers(stash)), numbers(input), unit.size(channels));
        layer.backward(device, numbers(values), numbers(stash), numbers(work), numbers(out), wides(gradients), true);
    });
    std::printf("| %d | %d × %d | %.2f | %.2f | %.0f | %s | %.1f %% |\n", channels, sequences, tokens, 1e-12 * flops,
                1e3 * took.median, 1e-12 * flops / took.median, share(flops, took.median, peak).c_str(),
                100 * took.relative());
    std::printf(
        "json {\"suite\": \"block\", \"channels\": %d, \"sequences\": %d, \"tokens\": %d, \"seconds\": %g, "
        "\"spread\": %g}\n",
        channels, sequences, tokens, took.median, took.relative());
}

}  // namespace

void products_suite(double peak) {
    device_type device;
    std::printf(
        "\n| rows × inputs × outputs | what | ms | TFLOP/s | of peak | spread |\n|---|---|---:|---:|---:|---:|\n");
    for (const int c : {768, 2048, 4096})
        for (const auto& [inputs, outputs] : {std::pair{c, 3 * c}, {c, c}, {c, 4 * c}, {4 * c, c}})
            one_product(device, 16384, inputs, outputs, peak);
}

void blocks_suite(double peak) {
    device_type device;
    std::printf("\nBlock, forward and backward: 6 · rows · (12 c² + c · tokens) FLOP.\n\n");
    std::printf(
        "| c | sequences × tokens | TFLOP | ms | TFLOP/s | of peak | spread |\n|---:|---|---:|---:|---:|---:|---:|\n");
    for (const int c : {2048, 4096})
        for (const int tokens : {1024, 4096}) one_block(device, c, 16384 / tokens, tokens, peak);
}

}  // namespace chimera::bench
