// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/data/corpus.hpp>
#include <executor/data/corpus_split.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace chimera::executor {

/// The losses of counting models on the same validation targets, in nats per token (text: per byte).
struct baselines {
    double unigram = 0;
    double bigram = 0;
    std::string smoothing;  ///< which smoothing the bigram model uses
    double bigram_in_sample =
        0;  ///< conditional entropy of the validation text under its own counts: no bigram model is below it
};

/// Counts on the training side, scores the targets of the validation windows (tokens each, starting at `windows`).
/// unigram: (count + 1) / (total + vocabulary).
/// bigram: the better, on the validation text itself, of two families over a grid of weights, so that the baseline is
/// as strong as it gets:
///   Dirichlet  p(b|a) = (c(ab) + k p(b)) / (c(a) + k),  and
///   absolute discounting  p(b|a) = (max(c(ab) - d, 0) + d n(a) p(b)) / c(a), n(a) the number of different followers of
/// a.
baselines count_baselines(const corpus& data, const corpus_split& split, std::span<const std::size_t> windows,
                          int tokens, int vocabulary);

}  // namespace chimera::executor
