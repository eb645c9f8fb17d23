// SPDX-License-Identifier: Apache-2.0
#include <executor/layers/stage_layers.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>
#include <numeric>
#include <string>

namespace chimera::executor {

void check(const gpt2_sizes& c) {
    if (std::min({c.layers, c.heads, c.channels, c.vocabulary, c.context}) < 1)
        refuse("model has a size below 1 (layers, heads, channels, vocabulary and context are counts) give all five");
    if (c.channels % c.heads != 0)
        refuse(std::to_string(c.heads) + " heads do not divide " + std::to_string(c.channels) +
               " channels (each head takes an equal part) choose a multiple");
}

std::int64_t parameter_count(const gpt2_sizes& config) {
    const std::int64_t c = config.channels;
    const std::int64_t block = 12 * c * c + 13 * c;  // weights 3 + 1 + 4 + 4, biases 3 + 1 + 4 + 1, norms 4
    return config.layers * block + (2 * std::int64_t{config.vocabulary} + config.context) * c + 2 * c;
}

namespace {

/// Blocks of each stage, dealt by work.
std::vector<int> dealt_blocks(const gpt2_sizes& config, int stages) {
    const double c = config.channels;
    const double block = 24 * c * c + 2 * c * config.context, head = 2 * c * config.vocabulary;
    const int others = stages - 1;
    if (others == 0) return {config.layers};
    int tail = 0;  // blocks beside the head
    double best = -1;
    for (int k = config.layers; k >= 0; --k) {
        const int fullest = (config.layers - k + others - 1) / others;
        const double most = std::max(k * block + head, fullest * block);
        if (best < 0 || most < best) best = most, tail = k;
    }
    const int rest = config.layers - tail;
    std::vector<int> out;
    for (int s = 0; s < others; ++s) out.push_back(rest / others + (s < rest % others ? 1 : 0));
    out.push_back(tail);
    return out;
}

void check_blocks(const gpt2_sizes& config, int stages, std::span<const int> blocks) {
    const auto text = [](auto number) { return std::to_string(number); };
    if (static_cast<int>(blocks.size()) != stages)
        refuse("blocks has " + text(blocks.size()) + " numbers (the schedule has " + text(stages) +
               " stages) give one for each stage");
    if (*std::min_element(blocks.begin(), blocks.end()) < 0)
        refuse("blocks has a number below 0 (it counts blocks) give 0 or more");
    if (const auto sum = std::accumulate(blocks.begin(), blocks.end(), std::int64_t{0}); sum != config.layers)
        refuse("blocks add up to " + text(sum) + " (the model has " + text(config.layers) +
               " layers) give each block to one stage");
}

}  // namespace

std::vector<layer_range> stage_layers(const gpt2_sizes& config, int stages, std::span<const int> blocks) {
    check(config);
    if (stages < 1) refuse("stages is " + std::to_string(stages) + " (a model has at least one) give 1 or more");
    if (!blocks.empty()) check_blocks(config, stages, blocks);
    const std::vector<int> dealt = blocks.empty() ? dealt_blocks(config, stages) : std::vector<int>{};
    std::vector<layer_range> out;
    for (const int take : blocks.empty() ? std::span<const int>(dealt) : blocks) {
        const int first = out.empty() ? 0 : out.back().last;
        out.push_back({first, first + take, out.empty(), false});
    }
    out.back().head = true;
    return out;
}

std::vector<int> blocks_of(std::span<const int> cuts, int layers) {
    std::vector<int> out;
    const auto block = [&](int layer) { return std::clamp(layer - 1, 0, layers); };
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s) out.push_back(block(cuts[s + 1]) - block(cuts[s]));
    return out;
}

std::size_t tensor_shape::size() const {
    std::size_t elements = 1;
    for (const std::int64_t each : shape) elements *= static_cast<std::size_t>(each);
    return elements;
}

std::vector<tensor_shape> tensors_of(const gpt2_sizes& config, const layer_range& range) {
    const std::int64_t c = config.channels;
    std::vector<tensor_shape> all;
    const auto norm = [&](const std::string& name) {
        all.push_back({name + ".weight", {c}});
        all.push_back({name + ".bias", {c}});
    };
    const auto linear = [&](const std::string& name, std::int64_t inputs, std::int64_t outputs) {
        all.push_back({name + ".weight", {inputs, outputs}});
        all.push_back({name + ".bias", {outputs}});
    };
    if (range.embedding) all.push_back({"wte.weight", {config.vocabulary, c}});
    if (range.embedding) all.push_back({"wpe.weight", {config.context, c}});
    for (int i = range.first; i < range.last; ++i) {
        const std::string block = "h." + std::to_string(i);
        norm(block + ".ln_1");
        linear(block + ".attn.c_attn", c, 3 * c);
        linear(block + ".attn.c_proj", c, c);
        norm(block + ".ln_2");
        linear(block + ".mlp.c_fc", c, 4 * c);
        linear(block + ".mlp.c_proj", 4 * c, c);
    }
    if (range.head) norm("ln_f");
    if (range.head) all.push_back({"lm_head.weight", {config.vocabulary, c}});
    return all;
}

}  // namespace chimera::executor
