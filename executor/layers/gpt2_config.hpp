// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chimera::executor {

/// A GPT-2 model with untied head: `layers` pre-norm blocks of `heads` heads over `channels` channels.
struct gpt2_config {
    int layers = 12, heads = 12, channels = 768, vocabulary = 50257, context = 1024;
    friend bool operator==(const gpt2_config&, const gpt2_config&) = default;
};

/// Throws chimera_error if a field is not positive or the heads do not divide the channels.
void check(const gpt2_config& config);

/// Number of trained parameters of the whole model.
std::int64_t parameter_count(const gpt2_config& config);

/// What one stage holds: blocks [first, last), the embedding if it is the first stage, final norm, head and loss if the last.
struct layer_range {
    int first = 0, last = 0;
    bool embedding = false, head = false;
    friend bool operator==(const layer_range&, const layer_range&) = default;
};

/// The model cut into `stages` parts of nearly equal work: the head counts for as many blocks as it takes time
/// (2 · channels · vocabulary multiply-adds a token against a block's 24 · channels² + 2 · context · channels), so the last
/// stage gets fewer of them. Stages may hold no block. Throws chimera_error if stages < 1.
std::vector<layer_range> stage_layers(const gpt2_config& config, int stages);

/// The model cut as told: `blocks` of each stage, or as above where none are given. Throws chimera_error unless there is a number
/// of at least 0 for each stage and all blocks are dealt.
std::vector<layer_range> stage_layers(const gpt2_config& config, int stages, std::span<const int> blocks);

}  // namespace chimera::executor
