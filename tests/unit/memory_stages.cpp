// SPDX-License-Identifier: Apache-2.0
// Stages as sums over layers: what a cut adds, what tensor parallelism divides, what a choice of recompute and sharding leaves.
#include <chimera/memory/stage_memory.hpp>
#include <chimera/model/catalogue.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace chimera {
namespace {

TEST(StageBytes, ATableIsHeldOnceMoreWhereTheCutPartsIt) {
    const model m = gpt2();
    const double table = 50257.0 * 768, all = static_cast<double>(parameters(m));
    EXPECT_EQ(bytes_of(m, 0, 14, 1).parameters, all);
    const std::vector<int> cuts{0, 7, 14};
    const auto stages = bytes_of(m, cuts, 1);
    EXPECT_EQ(stages[0].parameters + stages[1].parameters, all + table);
    EXPECT_EQ(stages[1].parameters, 6.0 * (12 * 768 * 768 + 13 * 768) + 2 * 768 + table);
    EXPECT_EQ(stages[0].largest, table + 1024.0 * 768);
}

TEST(StageBytes, BoundariesAreThoseOfTheCut) {
    const model m = t5();  // embedding, 6 encoder layers, decoder.embedding, 6 decoder layers, head
    const std::vector<int> cuts{0, 3, 9, 15};
    const auto stages = bytes_of(m, cuts, 4);
    EXPECT_EQ(stages[0].input, 0);
    EXPECT_EQ(stages[0].output, 4 * 2.0 * 512 * 512);
    EXPECT_EQ(stages[1].input, stages[0].output);
    EXPECT_EQ(stages[1].output, 4 * 2.0 * (512 + 114) * 512);
    EXPECT_EQ(stages[2].input, stages[1].output);
    EXPECT_EQ(stages[2].output, 0);
}

TEST(StageBytes, SamplesMultiplyActivationsAlone) {
    const model m = bert(bert_48);
    const stage_bytes one = bytes_of(m, 0, 13, 1), eight = bytes_of(m, 0, 13, 8);
    EXPECT_EQ(eight.parameters, one.parameters);
    EXPECT_EQ(eight.kept, 8 * one.kept);
    EXPECT_EQ(eight.selective, 8 * one.selective);
    EXPECT_EQ(eight.output, 8 * one.output);
    EXPECT_EQ(eight.core, 8 * one.core);
}

// Korthikanti et al. (arXiv 2205.05198), equations 1, 2 and table 2: of 8 layers at tensor widths 1 to 8.
TEST(StageBytes, TensorParallelismDividesWhatThePaperSays) {
    const model m = gpt2({.layers = 8, .heads = 32, .channels = 4096, .context = 2048, .how = {}});
    const double s = 2048, b = 4, h = 4096, a = 32;
    for (const int t : {1, 2, 4, 8}) {
        const stage_bytes of = bytes_of(m, 1, 9, b, t);
        EXPECT_DOUBLE_EQ(of.kept, 8 * s * b * h * (10 + 24.0 / t + 5 * a * s / (h * t)));
        EXPECT_DOUBLE_EQ(of.selective, 8 * s * b * h * (10 + 24.0 / t));
        EXPECT_DOUBLE_EQ(of.core, 5 * a * s * s * b / t);
        EXPECT_DOUBLE_EQ(of.parameters, 8 * (12 * h * h + 13 * h) / t);
        EXPECT_DOUBLE_EQ(of.kept_by(recompute_mode::full), 2 * s * b * h);
    }
}

TEST(StageMemory, RecomputeKeepsLessAndNeedsRoomForAWhile) {
    const model m = gpt2();
    const stage_bytes of = bytes_of(m, 4, 8, 2);
    const stage_memory none = memory_of(of, m.bytes), selective = memory_of(of, m.bytes, recompute_mode::selective),
                       full = memory_of(of, m.bytes, recompute_mode::full);
    const double sbh = 1024.0 * 2 * 768, core = 5.0 * 12 * 1024 * 1024 * 2;
    EXPECT_DOUBLE_EQ(none.kept, 4 * (34 * sbh + core));
    EXPECT_EQ(none.unfolded, 0);
    EXPECT_EQ(none.workspace, 0);
    EXPECT_DOUBLE_EQ(selective.kept, 4 * 34 * sbh);
    EXPECT_DOUBLE_EQ(selective.workspace, core);
    EXPECT_DOUBLE_EQ(full.kept, 2 * sbh);
    EXPECT_DOUBLE_EQ(full.unfolded, none.kept);
    EXPECT_DOUBLE_EQ(full.brief, 2 * (34 * sbh + core));
    EXPECT_EQ(full.whole(), none.whole());
}

TEST(StageMemory, ShardingMakesStateSmallAndGathersLayers) {
    const model m = gpt2();
    const stage_bytes of = bytes_of(m, 1, 5, 1);
    const double n = of.parameters, layer = n / 4;
    const auto at = [&](int zero, int replicas) {
        return memory_of(of, m.bytes, recompute_mode::none, zero, replicas);
    };
    EXPECT_DOUBLE_EQ(at(0, 8).state.total(), 16 * n);
    EXPECT_DOUBLE_EQ(at(1, 8).state.total(), (4 + 12.0 / 8) * n);
    EXPECT_DOUBLE_EQ(at(2, 8).state.total(), (2 + 14.0 / 8) * n);
    EXPECT_DOUBLE_EQ(at(3, 8).state.total(), 16.0 / 8 * n);
    EXPECT_EQ(at(1, 8).workspace, 0);
    EXPECT_DOUBLE_EQ(at(2, 8).workspace, 2 * layer);
    EXPECT_DOUBLE_EQ(at(3, 8).workspace, (2 + 2 * 2) * layer);
    EXPECT_EQ(at(3, 1).workspace, 0);  // nobody to share with
    EXPECT_DOUBLE_EQ(memory_of(of, m.bytes, recompute_mode::none, 0, 1, 3).state.weights, 3 * 2 * n);
}

}  // namespace
}  // namespace chimera
