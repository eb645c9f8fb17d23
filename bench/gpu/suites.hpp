// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/layers/gpt2_config.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::bench {

/// Dense bf16 rate without sparsity in the datasheet of the GPU that CUDA calls so, FLOP/s; 0 where it is not known.
double peak_of(std::string_view gpu);
/// What part of the peak that is, for a table; a dash where the peak is not known.
std::string share(double flops, double seconds, double peak);

/// Seconds of repeated measurements.
struct spread {
    double median = 0, least = 0, most = 0;
    int count = 0;
    double relative() const { return (most - least) / median; }
};

/// Times `run`, which only enqueues on `stream` (a cudaStream_t), with events, after `warm` calls that are not counted.
spread timed(void* stream, int warm, int count, const std::function<void()>& run);
spread spread_of(std::vector<double> seconds);

/// A sized GPT-2: its name, its numbers, sequences of 1024 tokens in a micro-batch, micro-batches of an iteration.
struct sized_model {
    const char* name;
    executor::gpt2_config config;
    int sequences, micro_batches;
};
extern const std::vector<sized_model> models;

/// FLOP of a training step's tokens: six for every weight of a product, forward and backward, and six for every multiply-add of causal
/// attention's two products (half the square): 6 · tokens · (layers · (12 c² + tokens c) + c · vocabulary).
double step_flops(const executor::gpt2_config& config, double rows, double tokens);

// The suites print Markdown tables; lines that begin with `json ` are for bench/gpu_report.py.
void products_suite(double peak);
void blocks_suite(double peak);
void models_suite(double peak, std::string_view only);
void loopback_suite();

}  // namespace chimera::bench
