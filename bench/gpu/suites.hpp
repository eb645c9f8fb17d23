// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/layers/stage_layers.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::bench {

/// Dense bf16 rate without sparsity in the datasheet of the GPU that CUDA calls so, FLOP/s; 0 where it is not known.
double peak_of(std::string_view gpu);
/// What part of the peak that is, for a table; a dash where the peak is not known.
std::string share(double flops, double seconds, double peak);

/// A text as a JSON string, control characters as spaces.
std::string quoted(const std::string& text);

/// Seconds of repeated measurements. The median of an even number of them is the mean of the middle two, as in Python's statistics.
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
    gpt2_sizes config;
    int sequences, micro_batches;
};
extern const std::vector<sized_model> models;

/// FLOP of a training step's tokens: six for every weight of a product, forward and backward, and six for every multiply-add of causal
/// attention's two products (half the square): 6 · tokens · (layers · (12 c² + tokens c) + c · vocabulary).
double step_flops(const gpt2_sizes& config, double rows, double tokens);

/// The shape of a LLaMA-style block (Touvron et al. 2023): RMS norm, rotary positions, SwiGLU, as many heads of keys as of queries.
struct llama_shape {
    const char* name;
    int channels, hidden, heads, layers;
};
/// 1.3B: Sheared-LLaMA's numbers (Xia et al. 2023); 7B: LLaMA's.
extern const std::vector<llama_shape> llamas;

/// FLOP of a block forward and backward, counted as step_flops does: 6 · rows · (4 c² + 3 c · hidden + c · tokens).
double block_flops(const llama_shape& shape, double rows, double tokens);

/// What all suites are told.
struct settings {
    double peak = 0;        ///< of the GPU, FLOP/s; 0: not known
    bool quick = false;     ///< the small models and fewer families
    std::string_view only;  ///< of the models, this one; empty: all
};

// The suites print Markdown tables; lines that begin with `json ` are for bench/gpu_report.py.
void products_suite(const settings& how);
void blocks_suite(const settings& how);
void llama_suite(const settings& how);
void models_suite(const settings& how);
void loopback_suite(const settings& how);

}  // namespace chimera::bench
