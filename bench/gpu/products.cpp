// SPDX-License-Identifier: Apache-2.0
// Matrix products of transformer blocks in bf16, on random data.
#include "data.hpp"
#include "suites.hpp"

#include <cstdio>

namespace chimera::bench {

namespace {

using namespace executor;
using device_type = cuda_device<bf16>;

struct product_shape {
    int rows, inputs, outputs;
    double flops() const { return 2.0 * rows * inputs * outputs; }
};

void print(const product_shape& s, const char* what, const spread& took, double peak) {
    std::printf("| %d × %d × %d | %s | %.3f | %.0f | %s | %.1f %% |\n", s.rows, s.inputs, s.outputs, what,
                1e3 * took.median, 1e-12 * s.flops() / took.median, share(s.flops(), took.median, peak).c_str(),
                100 * took.relative());
    std::printf(
        "json {\"suite\": \"product\", \"rows\": %d, \"inputs\": %d, \"outputs\": %d, \"what\": \"%s\", \"flops\": %g, "
        "\"seconds\": %g, \"spread\": %g}\n",
        s.rows, s.inputs, s.outputs, what, s.flops(), took.median, took.relative());
}

void one_product(device_type& device, const product_shape& s, double peak) {
    const auto prepared = device.prepare(linear_shape{s.rows, s.inputs, s.outputs});
    const auto size = [](int a, int b) { return row_shape{a, b}.size(); };
    const device_memory x = random_on(device, size(s.rows, s.inputs)), w = random_on(device, size(s.inputs, s.outputs)),
                        b = random_on(device, size(1, s.outputs)), dy = random_on(device, size(s.rows, s.outputs));
    const device_memory y = room_on<bf16>(device, size(s.rows, s.outputs)),
                        dx = room_on<bf16>(device, size(s.rows, s.inputs)),
                        dw = room_on<float>(device, size(s.inputs, s.outputs)),
                        db = room_on<float>(device, size(1, s.outputs));
    const auto bf = [](const device_memory& m) { return elements<bf16>(m); };
    const auto row = [&](const char* what, const std::function<void()>& run) {
        print(s, what, timed(device.stream(), 5, 30, run), peak);
    };
    row("y", [&] { device.linear_forward(prepared, bf(x), bf(w), bf(b), nullptr, bf(y)); });
    row("dx", [&] { device.linear_backward_input(prepared, bf(dy), bf(w), bf(dx)); });
    row("dw", [&] {
        device.linear_backward_weight(prepared, bf(dy), bf(x), elements<float>(dw), elements<float>(db), true);
    });
}

}  // namespace

void products_suite(const settings& how) {
    device_type device;
    std::printf("\nProducts over 16,384 rows; dw adds to fp32 gradients and sums the bias' gradient, too.\n\n");
    std::printf(
        "| rows × inputs × outputs | what | ms | TFLOP/s | of peak | spread |\n|---|---|---:|---:|---:|---:|\n");
    for (const int c : {768, 2048, 4096}) {
        if (how.quick && c == 2048) continue;
        for (const auto& [inputs, outputs] : {std::pair{c, 3 * c}, {c, c}, {c, 4 * c}, {4 * c, c}})
            one_product(device, {16384, inputs, outputs}, how.peak);
    }
}

}  // namespace chimera::bench
