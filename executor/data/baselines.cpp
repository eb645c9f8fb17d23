// SPDX-License-Identifier: Apache-2.0
#include <executor/data/baselines.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <unordered_map>
#include <vector>

namespace chimera::executor {

namespace {

/// Counts of neighbouring tokens a, b.
struct pair_counts {
    struct row {
        double total = 0;      ///< pairs that begin with a
        double followers = 0;  ///< different b among them
    };
    std::unordered_map<std::uint32_t, double> pairs;  ///< key a << 16 | b
    std::vector<row> rows;
    std::vector<double> tokens;  ///< how often b is the second of a pair
    double total = 0;

    explicit pair_counts(int vocabulary)
        : rows(static_cast<std::size_t>(vocabulary)), tokens(static_cast<std::size_t>(vocabulary)) {}

    void add(const corpus& data, token_range range) {
        std::vector<std::int32_t> part;
        constexpr std::size_t piece = 1 << 16;
        for (std::size_t at = range.begin; at + 1 < range.end; at += piece) {
            part.resize(std::min(piece + 1, range.end - at));
            data.copy(at, part);
            for (std::size_t i = 0; i + 1 < part.size(); ++i) add(part[i], part[i + 1]);
        }
    }

    void add(std::int32_t a, std::int32_t b) {
        auto& count = pairs[static_cast<std::uint32_t>(a) << 16 | static_cast<std::uint32_t>(b)];
        rows[static_cast<std::size_t>(a)].followers += count == 0;
        rows[static_cast<std::size_t>(a)].total += 1;
        tokens[static_cast<std::size_t>(b)] += 1;
        count += 1;
        total += 1;
    }

    double unigram(std::size_t b) const { return (tokens[b] + 1) / (total + static_cast<double>(tokens.size())); }
};

/// Nats per token of `scored` under a model p(a, b, count of ab in training).
template <class Model>
double score(const pair_counts& training, const pair_counts& scored, Model model) {
    double nats = 0;
    for (const auto& [key, count] : scored.pairs) {
        const auto found = training.pairs.find(key);
        nats -= count * std::log(model(key >> 16, key & 0xffff, found == training.pairs.end() ? 0.0 : found->second));
    }
    return nats / scored.total;
}

void best_bigram(const pair_counts& training, const pair_counts& scored, baselines& result) {
    result.bigram = std::numeric_limits<double>::infinity();
    const auto keep = [&](double nats, const char* name, double weight) {
        if (nats >= result.bigram) return;
        char text[64];
        std::snprintf(text, sizeof text, "%s %.2g", name, weight);
        result.bigram = nats;
        result.smoothing = text;
    };
    for (double k = 1.0 / 16; k <= 65536; k *= 2)
        keep(score(training, scored,
                   [&](std::size_t a, std::size_t b, double count) {
                       return (count + k * training.unigram(b)) / (training.rows[a].total + k);
                   }),
             "Dirichlet", k);
    for (double d = 0.05; d < 1; d += 0.05)
        keep(score(training, scored,
                   [&](std::size_t a, std::size_t b, double count) {
                       const auto& row = training.rows[a];
                       if (row.total == 0) return training.unigram(b);
                       return (std::max(count - d, 0.0) + d * row.followers * training.unigram(b)) / row.total;
                   }),
             "absolute discounting", d);
}

}  // namespace

baselines count_baselines(const corpus& data, const corpus_split& split, std::span<const std::size_t> windows,
                          int tokens, int vocabulary) {
    pair_counts training(vocabulary), scored(vocabulary);
    for (const auto& range : split.training) training.add(data, range);
    for (const std::size_t start : windows) scored.add(data, {start, start + static_cast<std::size_t>(tokens) + 1});
    baselines result;
    result.unigram = score(training, scored, [&](std::size_t, std::size_t b, double) { return training.unigram(b); });
    best_bigram(training, scored, result);
    result.bigram_in_sample =
        score(scored, scored, [&](std::size_t a, std::size_t, double count) { return count / scored.rows[a].total; });
    return result;
}

}  // namespace chimera::executor
