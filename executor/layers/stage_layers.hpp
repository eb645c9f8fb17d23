// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/gpt2.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace chimera::executor {

/// Throws chimera_error if layers, heads, channels, vocabulary or context is not positive or the heads do not divide
/// the channels. The executor trains an untied head on a job's own tokens; it reads no other field of the sizes.
void check(const gpt2_sizes& config);

/// Returns the number of trained parameters of the whole model, with a head of its own.
std::int64_t parameter_count(const gpt2_sizes& config);

/// The part of the model that one stage holds: blocks [first, last), the embedding if it is the first stage, the final
/// norm, head and loss if it is the last.
struct layer_range {
    int first = 0, last = 0;
    bool embedding = false, head = false;

    /// The first layer in the chain of the embedding, the blocks and the head, and one past the last.
    int chain_first() const { return embedding ? 0 : first + 1; }
    int chain_last() const { return head ? last + 2 : last + 1; }
    friend bool operator==(const layer_range&, const layer_range&) = default;
};

/// The model cut into `stages` parts: with `blocks` of each stage, or without them into parts of nearly equal work.
/// There the head counts for as many blocks as it takes time (2 · channels · vocabulary multiply-adds a token against a
/// block's 24 · channels² + 2 · context · channels), so the last stage gets fewer of them. Stages may hold no block.
/// Throws chimera_error if stages < 1, and unless there is a number of at least 0 for each stage and all blocks are
/// dealt.
std::vector<layer_range> stage_layers(const gpt2_sizes& config, int stages, std::span<const int> blocks = {});

/// One tensor that a stage trains.
struct tensor_shape {
    std::string name;  ///< as in Hugging Face's GPT-2
    std::vector<std::int64_t> shape;
    std::size_t size() const;  ///< elements
    friend bool operator==(const tensor_shape&, const tensor_shape&) = default;
};

/// The tensors of a stage that holds `range`, in the order in which every device's stages have them: for those who know
/// the stage and do not hold it.
std::vector<tensor_shape> tensors_of(const gpt2_sizes& config, const layer_range& range);

/// The blocks of each stage under cuts of the chain of the embedding, `layers` blocks and the head.
std::vector<int> blocks_of(std::span<const int> cuts, int layers);

}  // namespace chimera::executor
