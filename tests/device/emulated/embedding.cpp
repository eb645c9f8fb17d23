// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/kernels/embedding.cu>
#include "tests/device/emulated/support.hpp"

#include <algorithm>
#include <numeric>

namespace chimera::emulated {
namespace {

executor::reference_device<double> reference;

TEST(sort, orders_rows_by_token_and_keeps_equals_in_order) {
    for (const int rows : {1, 31, 1000, 1024, 1025, 2500})
        for (const int vocabulary : {1, 2, 256, 257, 50257, 70000, 0x7fffffff}) {
            const auto tokens = random_tokens(count(rows), vocabulary, 3);
            tensor<gpu::keyed_row> buffers(2 * count(rows));
            tensor<int> counts(gpu::sort_chunks(rows) * gpu::digits);
            const gpu::keyed_row* sorted =
                gpu::launch_sort(nullptr, tokens.data(), rows, vocabulary, buffers.data(), counts.data());
            std::vector<int> expected(count(rows));
            std::iota(expected.begin(), expected.end(), 0);
            std::stable_sort(expected.begin(), expected.end(), [&](int a, int b) {
                return tokens[static_cast<std::size_t>(a)] < tokens[static_cast<std::size_t>(b)];
            });
            for (std::size_t i = 0; i < expected.size(); ++i) {
                ASSERT_EQ(sorted[i].row, expected[i]) << rows << " rows, " << vocabulary << " tokens, at " << i;
                ASSERT_EQ(sorted[i].token, tokens[static_cast<std::size_t>(expected[i])]);
            }
        }
}

TYPED_TEST_SUITE(precision, precisions);

const embedding_shape shapes[] = {{1, 1, 1, 1},      {1, 33, 8, 1},      {2, 17, 24, 3},    {3, 40, 17, 50},
                                  {1, 1000, 17, 40}, {5, 200, 8, 50257}, {2, 64, 768, 300}, {1, 96, 5, 96}};

std::string text(const embedding_shape& s) {
    return std::to_string(s.rows()) + " x " + std::to_string(s.channels) + " of " + std::to_string(s.vocabulary);
}

TYPED_TEST(precision, embedding_forward) {
    for (const embedding_shape& s : shapes)
        for (const bool positions : {false, true}) {
            const auto tokens = random_tokens(count(s.rows()), s.vocabulary, 1);
            const auto table = random<TypeParam>(count(s.vocabulary, s.channels), 2);
            const auto places = random<TypeParam>(count(s.tokens, s.channels), 3);
            const auto [y] = in_every_order([&] {
                std::tuple out(tensor<TypeParam>(count(s.rows(), s.channels)));
                gpu::embedding_forward(nullptr, s, tokens.data(), table.data(), positions ? places.data() : nullptr,
                                       std::get<0>(out).data());
                return out;
            });
            std::vector<double> expected(y.size());
            const auto none = std::vector<double>(places.size());
            reference.embedding_forward(s, tokens.data(), exact(table).data(),
                                        positions ? exact(places).data() : none.data(), expected.data());
            expect_close(y, expected, 1, text(s));
        }
}

/// Tokens of `kind` 0: as in text; 1: all the same; 2: two, in turn; 3: each in runs that begin and end within segments.
tensor<std::int32_t> tokens_of_kind(const embedding_shape& s, int kind) {
    auto tokens = random_tokens(count(s.rows()), s.vocabulary, 1);
    for (std::size_t i = 0; kind > 0 && i < tokens.size(); ++i) {
        const auto n = static_cast<std::int32_t>(i);
        tokens[i] = (kind == 1 ? s.vocabulary - 1 : kind == 2 ? n % 2 : n / 45) % s.vocabulary;
    }
    return tokens;
}

/// Bound: as many roundings as a sum of random signs has, of partial sums as large as √rows.
TYPED_TEST(precision, embedding_backward) {
    for (const embedding_shape& s : shapes)
        for (const int kind : {0, 1, 2, 3}) {
            const bool add = kind % 2 == 1;
            const auto tokens = tokens_of_kind(s, kind);
            const auto dy = random<TypeParam>(count(s.rows(), s.channels), 2);
            const auto old_table = random<float>(count(s.vocabulary, s.channels), 3);
            const auto old_places = random<float>(count(s.tokens, s.channels), 4);
            const auto [d_table, d_places] = in_every_order([&] {
                std::tuple out(add ? old_table : tensor<float>(old_table.size()),
                               add ? old_places : tensor<float>(old_places.size()));
                const auto workspace = poisoned(gpu::embedding_workspace(s));
                gpu::embedding_backward(nullptr, s, tokens.data(), dy.data(), std::get<0>(out).data(),
                                        std::get<1>(out).data(), add, workspace.data());
                return out;
            });
            std::vector<double> et = exact(old_table), ep = exact(old_places);
            reference.embedding_backward(s, tokens.data(), exact(dy).data(), et.data(), ep.data(), add);
            const double scale = std::sqrt(s.rows()) + 2;
            expect_close(d_table, et, 8, "tokens, kind " + std::to_string(kind) + ", " + text(s), scale);
            expect_close(d_places, ep, 8, "positions, " + text(s), scale);
        }
}

TYPED_TEST(precision, embedding_backward_without_positions) {
    const embedding_shape s{2, 17, 24, 30};
    const auto tokens = random_tokens(count(s.rows()), s.vocabulary, 1);
    const auto dy = random<TypeParam>(count(s.rows(), s.channels), 2);
    tensor<float> with(count(s.vocabulary, s.channels)), without(with.size()), places(count(s.tokens, s.channels));
    const auto workspace = poisoned(gpu::embedding_workspace(s));
    gpu::embedding_backward(nullptr, s, tokens.data(), dy.data(), with.data(), places.data(), false, workspace.data());
    gpu::embedding_backward(nullptr, s, tokens.data(), dy.data(), without.data(), nullptr, false, workspace.data());
    EXPECT_TRUE(same_bits(with, without));
}

}  // namespace
}  // namespace chimera::emulated
