// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <executor/data/sampler.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>

using namespace chimera::executor;
using chimera::test::refusal_of;
using testing::HasSubstr;

namespace {

TEST(split, blocks_of_both_sides_cover_the_corpus_once_and_validation_is_spread) {
    for (const std::size_t size : {5000u, 100'000u, 1'234'567u})
        for (const double fraction : {0.05, 0.1, 0.25, 0.5}) {
            const auto split = split_corpus(size, fraction, 16);
            std::vector<int> side(size);
            for (const auto& r : split.training)
                std::fill(side.begin() + static_cast<long>(r.begin), side.begin() + static_cast<long>(r.end), 1);
            for (const auto& r : split.validation)
                for (std::size_t i = r.begin; i < r.end; ++i) {
                    ASSERT_EQ(side[i], 0) << "both sides have token " << i;
                    side[i] = 2;
                }
            const auto held = static_cast<double>(std::count(side.begin(), side.end(), 2)) / static_cast<double>(size);
            EXPECT_NEAR(held, fraction, 0.03) << size;
            EXPECT_LT(std::count(side.begin(), side.end(), 0), 70);  // at most a last piece shorter than a window
            // Each tenth of the corpus has its share.
            for (std::size_t i = 0; size > 50'000 && i < 10; ++i) {
                const auto at = side.begin() + static_cast<long>(i * size / 10);
                EXPECT_GT(std::count(at, at + static_cast<long>(size / 10), 2),
                          static_cast<long>(static_cast<double>(size) * fraction / 40));
            }
        }
}

TEST(split, refuses_what_has_no_window) {
    EXPECT_THAT(refusal_of([] { split_corpus(100, 0.1, 64); }), HasSubstr("too short (100 tokens, windows of 65"));
    EXPECT_THAT(refusal_of([] { split_corpus(100000, 0.0, 64); }), HasSubstr("validation_fraction"));
    EXPECT_THAT(refusal_of([] { split_corpus(100000, 0.51, 64); }), HasSubstr("validation_fraction"));
    EXPECT_THAT(refusal_of([] { split_corpus(100000, std::nan(""), 64); }), HasSubstr("validation_fraction"));
}

TEST(validation, windows_score_each_target_once_and_stay_inside) {
    const auto split = split_corpus(50'000, 0.1, 16);
    const auto windows = validation_windows(split, 16, 1 << 20);
    std::map<std::size_t, int> targets;
    for (const auto start : windows) {
        const auto inside = [&](const token_range& r) { return start >= r.begin && start + 17 <= r.end; };
        EXPECT_TRUE(std::any_of(split.validation.begin(), split.validation.end(), inside));
        for (std::size_t t = 1; t <= 16; ++t) EXPECT_EQ(++targets[start + t], 1);
    }
    EXPECT_GT(targets.size(), 4500u);
    const auto some = validation_windows(split, 16, 10);
    EXPECT_EQ(some.size(), 10u);
    EXPECT_GT(some.back(), 40'000u);
}

/// A corpus whose tokens say where they are, up to 65,536 of them.
corpus numbered(std::size_t size, const chimera::test::scratch& folder) {
    std::vector<std::uint16_t> tokens(size);
    std::iota(tokens.begin(), tokens.end(), std::uint16_t{0});
    return corpus::tokens({folder.write("n.bin", chimera::test::token_file(tokens))}, 65536);
}

TEST(sampler, a_pass_draws_every_training_window_once_and_never_touches_validation) {
    const chimera::test::scratch folder;
    const auto data = numbered(20'000, folder);
    const auto split = split_corpus(data.size(), 0.1, 16);
    std::size_t available = 0;
    for (const auto& r : split.training) available += r.size();
    sampler source(data, split, 16, 7);
    std::map<std::int32_t, int> seen;
    batch drawn;
    while (source.state().epoch == 0) {
        source.next(1, 1, drawn);
        if (source.state().epoch > 0) break;
        for (std::size_t t = 0; t < 16; ++t) {
            EXPECT_EQ(++seen[drawn.targets[t]], 1);
            EXPECT_EQ(drawn.targets[t], drawn.inputs[t] + 1);
        }
    }
    for (const auto& r : split.validation)
        for (std::size_t i = r.begin; i < r.end; ++i) ASSERT_EQ(seen.count(static_cast<std::int32_t>(i)), 0u);
    EXPECT_GT(seen.size(), available * 95 / 100);
}

TEST(sampler, draws_by_seed_and_position_alone) {
    const chimera::test::scratch folder;
    const auto data = numbered(20'000, folder);
    const auto split = split_corpus(data.size(), 0.1, 16);
    sampler whole(data, split, 16, 1), same(data, split, 16, 1), other(data, split, 16, 2);
    batch a, b, c;
    for (int i = 0; i < 100; ++i) {  // some 1,100 windows a pass: crosses a pass
        whole.next(4, 3, a);
        same.next(4, 3, b);
        ASSERT_EQ(a.inputs, b.inputs);
        ASSERT_EQ(a.targets, b.targets);
        other.next(4, 3, c);
        ASSERT_NE(a.inputs, c.inputs);
        if (i % 17 == 0) {  // stop and resume
            const auto state = same.state();
            same = sampler(data, split, 16, 99);
            same.restore(state);
        }
    }
    EXPECT_GT(whole.state().epoch, 0u);
    EXPECT_THAT(refusal_of([&] { whole.restore({0, 1 << 20, 1}); }), HasSubstr("does not fit the data"));
}

TEST(sampler, cuts_a_micro_batch_into_units_without_reordering) {
    const chimera::test::scratch folder;
    const auto data = numbered(20'000, folder);
    const auto split = split_corpus(data.size(), 0.1, 16);
    sampler whole(data, split, 16, 1), halves(data, split, 16, 1);
    batch a, b;
    whole.next(3, 4, a);
    halves.next(6, 2, b);
    EXPECT_EQ(a.inputs, b.inputs);
    EXPECT_TRUE(std::ranges::equal(a.targets_of(1).subspan(32), b.targets_of(3)));
}

}  // namespace
