// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace chimera::executor {

/// Tokens [begin, end) of a corpus.
struct token_range {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t size() const { return end - begin; }
};

/// The parts of a corpus for training and for scoring alone.
struct corpus_split {
    std::vector<token_range> training;
    std::vector<token_range> validation;
};

/// Cuts `size` tokens into blocks and gives every (1/fraction)-th block to validation, so that it sees every part of
/// the corpus. A block is size / 256 tokens, but at least four windows of tokens + 1 and at most 65,536; neighbouring
/// training blocks join. 0 < fraction <= 0.5. Throws error when a side gets no whole window.
corpus_split split_corpus(std::size_t size, double fraction, int tokens);

/// Returns the starts of the validation windows of tokens + 1: one after the other, each target scored once; at most
/// `limit`, evenly spread.
std::vector<std::size_t> validation_windows(const corpus_split& split, int tokens, std::size_t limit);

}  // namespace chimera::executor
