// SPDX-License-Identifier: Apache-2.0
#include <executor/data/baselines.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

using namespace chimera::executor;

namespace {

TEST(baselines, meet_the_entropy_of_a_markov_source) {
    // A chain over 8 symbols whose entropy rate is known.
    std::mt19937 random(1);
    std::vector<std::vector<double>> chain(8, std::vector<double>(8));
    for (std::size_t a = 0; a < 8; ++a)
        for (std::size_t b = 0; b < 8; ++b) chain[a][b] = (a + b) % 4 == 0 ? 8 : 1;
    std::string text(400'000, 'a');
    for (std::size_t i = 1; i < text.size(); ++i) {
        const auto& row = chain[static_cast<std::size_t>(text[i - 1] - 'a')];
        text[i] = static_cast<char>('a' + std::discrete_distribution<int>(row.begin(), row.end())(random));
    }
    const double high = 8.0 / 22, low = 1.0 / 22;  // two of eight followers are likely
    const double rate = -2 * high * std::log(high) - 6 * low * std::log(low);
    const auto data = corpus::bytes(text);
    const auto split = split_corpus(data.size(), 0.1, 32);
    const auto windows = validation_windows(split, 32, 1 << 20);
    const auto result = count_baselines(data, split, windows, 32, 256);
    EXPECT_NEAR(result.bigram, rate, 0.01);
    EXPECT_NEAR(result.unigram, std::log(8), 0.01);
    EXPECT_LE(result.bigram_in_sample, result.bigram);
    EXPECT_FALSE(result.smoothing.empty());
}

TEST(baselines, equal_counts_made_by_hand) {
    // Validation is scored at the windows alone, training counted on its ranges alone.
    const auto data = corpus::bytes(
        "abababab"
        "abac");
    const corpus_split split{{{0, 8}}, {{8, 12}}};
    const std::size_t windows[] = {8};
    const auto result = count_baselines(data, split, windows, 3, 256);
    // Training pairs: ab 4, ba 3; second letters: b 4, a 3. Scored: b after a, a after b, c after a.
    const auto unigram = [](double count) { return (count + 1) / (7 + 256); };
    EXPECT_NEAR(result.unigram, -(std::log(unigram(4)) + std::log(unigram(3)) + std::log(unigram(0))) / 3, 1e-12);
    double best = 1e9;
    for (double k = 1.0 / 16; k <= 65536; k *= 2)
        best = std::min(best, -(std::log((4 + k * unigram(4)) / (4 + k)) + std::log((3 + k * unigram(3)) / (3 + k)) +
                                std::log(k * unigram(0) / (4 + k))) /
                                  3);
    EXPECT_LE(result.bigram, best + 1e-12);
    EXPECT_NEAR(result.bigram_in_sample, -(std::log(0.5) + std::log(1.0) + std::log(0.5)) / 3, 1e-12);
}

TEST(baselines, the_bigram_model_is_a_distribution) {
    // Scored on each possible follower once, the probabilities sum to one: no smoothing weight may cheat.
    const auto text = std::string("the cat sat on the mat and the dog sat on the log");
    std::map<char, double> sums;
    for (int follower = 0; follower < 32; ++follower) {
        std::string all = text;
        for (char& c : all) c = static_cast<char>(c & 31);
        all += static_cast<char>('t' & 31);
        all += static_cast<char>(follower);
        const auto data = corpus::bytes(all);
        const corpus_split split{{{0, text.size()}}, {{text.size(), all.size()}}};
        const std::size_t windows[] = {text.size()};
        const auto result = count_baselines(data, split, windows, 1, 32);
        sums['u'] += std::exp(-result.unigram);
        sums['b'] += std::exp(-result.bigram);
    }
    EXPECT_NEAR(sums['u'], 1, 1e-9);
    EXPECT_GE(sums['b'], 1);  // the weight is the best for each follower, so a little above one
    EXPECT_LT(sums['b'], 2.5);
}

}  // namespace
