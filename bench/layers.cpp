// SPDX-License-Identifier: Apache-2.0

// How close the layers come to the rate of a large matrix product, both measured in this run on one core.

#include <executor/layers/gpt2_stage.hpp>

#include <benchmark/benchmark.h>

#include <ctime>

namespace {

using namespace chimera::executor;

host_memory filled(cpu_device& device, std::size_t n) {
    host_memory m = device.allocate(n * sizeof(float));
    float* x = reinterpret_cast<float*>(m.data());
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(i * 7919 % 2003) / 2003.f - 0.5f;
    return m;
}

/// One linear layer's products.
struct product {
    cpu_device device;
    linear_shape shape;
    cpu_device::prepared_linear prepared;
    host_memory x, w, y;

    explicit product(linear_shape s)
        : shape(s), prepared(device.prepare(s)), x(filled(device, row_shape{s.rows, s.inputs}.size())),
          w(filled(device, row_shape{s.inputs, s.outputs}.size())),
          y(filled(device, row_shape{s.rows, s.outputs}.size())) {}
    static float* floats(const host_memory& m) { return reinterpret_cast<float*>(m.data()); }
    void run() { device.linear_forward(prepared, floats(x), floats(w), nullptr, nullptr, floats(y)); }
    void input_gradient() { device.linear_backward_input(prepared, floats(y), floats(w), floats(x)); }
    void weight_gradient(bool add) {
        device.linear_backward_weight(prepared, floats(y), floats(x), floats(w), nullptr, add);
    }
    double flops() const { return 2.0 * shape.rows * shape.inputs * shape.outputs; }
};

/// Processor time since construction: what other programs on the machine take does not count.
struct stopwatch {
    std::clock_t start = std::clock();
    double seconds() const { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; }
};

/// GFLOP/s of a 1024³ product on one core: what the others are compared with.
double large_product_rate() {
    static const double rate = [] {
        product p({1024, 1024, 1024});
        double best = 0;
        for (int i = 0; i < 30; ++i) {
            const stopwatch watch;
            p.run();
            best = std::max(best, p.flops() / watch.seconds());
        }
        return best / 1e9;
    }();
    return rate;
}

/// Runs `work` and reports its rate, in GFLOP/s and as a fraction of the large product's.
template <class Work>
void measure(benchmark::State& state, double flops, Work work) {
    const double large = large_product_rate();
    work();  // warm
    const stopwatch watch;
    for (auto _ : state) work();
    const double rate = flops * static_cast<double>(state.iterations()) / watch.seconds() / 1e9;
    state.counters["GFLOP/s"] = rate;
    state.counters["of_large"] = rate / large;
}

void linear_layer(benchmark::State& state) {
    product p({int(state.range(0)), int(state.range(1)), int(state.range(2))});
    measure(state, p.flops(), [&] { p.run(); });
}
BENCHMARK(linear_layer)
    ->ArgNames({"rows", "inputs", "outputs"})
    ->Args({1024, 1024, 1024})
    ->Args({512, 128, 384})
    ->Args({512, 128, 512})
    ->Args({512, 512, 128})
    ->Args({1024, 768, 2304})
    ->Args({1024, 768, 3072})
    ->Args({1024, 3072, 768});

/// What a step of GPT-2 does with each of its linear layers, head included, for so many rows.
enum pass { forward, input_gradient, weight_gradient, added_weight_gradient };
template <pass Which>
void gpt2_layer(benchmark::State& state) {
    const int outputs = int(state.range(2));
    product p({int(state.range(0)), int(state.range(1)), outputs, outputs == 50257});
    measure(state, p.flops(), [&] {
        if constexpr (Which == forward) p.run();
        if constexpr (Which == input_gradient) p.input_gradient();
        if constexpr (Which == weight_gradient) p.weight_gradient(false);
        if constexpr (Which == added_weight_gradient) p.weight_gradient(true);
    });
}
void gpt2_shapes(benchmark::internal::Benchmark* suite) {
    suite->ArgNames({"rows", "inputs", "outputs"});
    for (const int rows : {64, 256}) {
        suite->Args({rows, 768, 2304})->Args({rows, 768, 768})->Args({rows, 768, 3072})->Args({rows, 3072, 768});
        suite->Args({rows, 768, 50257});
    }
}
BENCHMARK(gpt2_layer<forward>)->Apply(gpt2_shapes);
BENCHMARK(gpt2_layer<input_gradient>)->Apply(gpt2_shapes);
BENCHMARK(gpt2_layer<weight_gradient>)->Apply(gpt2_shapes);
BENCHMARK(gpt2_layer<added_weight_gradient>)->Apply(gpt2_shapes);

/// Arguments: channels, heads, sequences, tokens. Forward and full backward; causal attention counted as half the square.
void block_forward_backward(benchmark::State& state) {
    const chimera::gpt2_sizes config{.layers = 1,
                                     .heads = int(state.range(1)),
                                     .channels = int(state.range(0)),
                                     .vocabulary = 2,
                                     .context = int(state.range(3))};
    const unit_shape unit{int(state.range(2)), int(state.range(3))};
    cpu_device device;
    parameter_list list;
    const block<cpu_device> layer(device, config, 0, unit, list);
    const host_memory values = filled(device, list.size()), gradients = filled(device, list.size());
    const host_memory stash = filled(device, layer.stash_size()), work = filled(device, layer.work_size());
    const host_memory input = filled(device, unit.size(config.channels)),
                      out = filled(device, unit.size(config.channels));
    const auto floats = &product::floats;
    const double c = config.channels, rows = unit.rows();
    measure(state, 3 * rows * (24 * c * c + 2 * c * unit.tokens), [&] {
        device.copy(layer.input(floats(stash)), floats(input), unit.size(config.channels));
        layer.forward(device, floats(values), floats(stash), floats(out), true);
        device.copy(layer.output_gradient(floats(stash)), floats(input), unit.size(config.channels));
        layer.backward(device, floats(values), floats(stash), floats(work), floats(out), floats(gradients), true);
    });
    state.counters["tokens/s"] = benchmark::Counter(rows, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(block_forward_backward)
    ->ArgNames({"channels", "heads", "sequences", "tokens"})
    ->Args({128, 4, 8, 64})
    ->Args({128, 4, 4, 128})
    ->Args({192, 6, 4, 128})
    ->Args({256, 4, 4, 256})
    ->Args({768, 12, 4, 256})
    ->Args({768, 12, 1, 1024});

/// Attention alone, forward and backward, with channels, heads, sequences, tokens.
void attention(benchmark::State& state) {
    cpu_device device;
    const attention_shape s{int(state.range(2)), int(state.range(3)), int(state.range(1)), int(state.range(0))};
    const auto prepared = device.prepare(s);
    const std::size_t n = row_shape{s.rows(), s.channels}.size();
    const host_memory qkv = filled(device, 3 * n), y = filled(device, n), dy = filled(device, n),
                      d_qkv = filled(device, 3 * n);
    const host_memory log_sum = filled(device, row_shape{s.rows(), s.heads}.size());
    const auto floats = &product::floats;
    // Seven products, two forward and five back, half the square each.
    measure(state, 7.0 * s.rows() * s.tokens * s.channels, [&] {
        device.attention_forward(prepared, floats(qkv), floats(y), floats(log_sum));
        device.attention_backward(prepared, floats(qkv), floats(y), floats(dy), floats(log_sum), floats(d_qkv));
    });
}
BENCHMARK(attention)
    ->ArgNames({"channels", "heads", "sequences", "tokens"})
    ->Args({128, 4, 8, 64})
    ->Args({192, 6, 4, 128})
    ->Args({768, 12, 1, 1024});

}  // namespace
