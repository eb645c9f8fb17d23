// SPDX-License-Identifier: Apache-2.0
// Files of measurements: both layouts are read, and everything wrong with one is refused in a line that says where.
#include <executor/io/measurements.hpp>
#include <executor/io/read.hpp>
#include <executor/model/known_models.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chimera::executor {
namespace {

using testing::HasSubstr;

constexpr const char* iterations_header =
    "# GPUs,global batch,micro batch,hidden size,attention heads,# layers,sequence length,tensor parallelism,data "
    "parallelism,pipeline parallelism,iteration time (ms)\n";
constexpr const char* schemes_header = "source,model,hardware,nodes,scheme,W,D,B,Bhat,recompute,metric,value\n";

std::string iteration(const std::string& row = "16,64,2,512,8,12,1024,2,4,2,250.5") {
    return iterations_header + row + '\n';
}
std::string scheme(const std::string& row = "x,Bert-48,P100,32,chimera,8,4,8,512,0,seq_per_s_measured,173.3") {
    return schemes_header + row + '\n';
}

void refused(const std::string& text, const std::string& part) {
    try {
        read_measurements(text);
        FAIL() << "accepted: " << text;
    } catch (const chimera_error& e) {
        EXPECT_THAT(e.what(), HasSubstr(part)) << text;
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
        EXPECT_LT(std::string(e.what()).size(), known_model_names().size() + 100);  // the longest list that one names
    }
}

TEST(Measurements, Iterations) {
    const measured_file read = read_measurements(iteration());
    ASSERT_EQ(read.rows.size(), 1u);
    const measurement& m = read.rows[0];
    EXPECT_EQ(read.layout, measurement_layout::iterations);
    EXPECT_DOUBLE_EQ(m.seconds, 0.2505);
    EXPECT_FALSE(m.rate);
    EXPECT_EQ(m.nodes, 2);
    EXPECT_EQ(m.workers_per_node, 8);
    EXPECT_EQ(m.with.workers(), 16);
    EXPECT_EQ(m.with.samples(), 64);
    EXPECT_EQ(m.with.schedule.micro_batches, 8);
    EXPECT_EQ(m.with.cuts, (std::vector<int>{0, 7, 14}));
    // 12 · (12h² + 13h) + (V + s)h + 2h
    EXPECT_EQ(parameters(read.models[0]), 12 * (12 * 512 * 512 + 13 * 512) + (50257 + 1024) * 512 + 2 * 512);
    EXPECT_EQ(read_measurements(iteration(), {.workers_per_node = 4}).rows[0].nodes, 4);
}

/// A row with every column beside those of its layout.
TEST(Measurements, MoreColumns) {
    const std::string header =
        "gpus,global batch,micro batch,model,tensor parallelism,data parallelism,pipeline parallelism,"
        "iteration time (ms),recompute,schedule,chunks,nodes,sequence parallelism,vocabulary\n";
    const measured_file read =
        read_measurements(header + "16,64,2,llama-2-7b,2,2,4,99,selective,interleaved,2,4,0,1\n");
    const measurement& m = read.rows.at(0);
    EXPECT_EQ(m.with.recompute, recompute_mode::selective);
    EXPECT_EQ(m.with.schedule.which, family::interleaved);
    EXPECT_EQ(m.with.schedule.stages, 8);
    EXPECT_EQ(m.with.schedule.workers(), 4);
    EXPECT_EQ(m.nodes, 4);
    EXPECT_EQ(m.workers_per_node, 4);
    EXPECT_THAT(m.name, HasSubstr("llama-2-7b"));
    EXPECT_FALSE(m.with.sequence_parallel);
    const measured_file shared = read_measurements(header + "16,64,2,llama-2-7b,2,2,4,99,full,1f1b,1,4,1,1\n");
    EXPECT_TRUE(shared.rows.at(0).with.sequence_parallel);
    EXPECT_EQ(shared.rows.at(0).with.recompute, recompute_mode::layers);
    refused(header + "16,64,2,llama-2-7b,2,2,4,99,some,1f1b,1,4,0,1\n", "line 2: recompute is \"some\"");
    refused(header + "16,64,2,llama-2-7b,2,2,4,99,none,1f1b,1,4,2,1\n", "line 2: sequence parallelism is \"2\"");
    refused(header + "16,64,2,llama-2-7b,2,2,4,99,none,2f2b,1,4,0,1\n", "2f2b");
    refused(header + "16,64,2,llama-2-7b,2,2,4,99,none,1f1b,1,17,0,1\n", "nodes");
    refused(header + "16,64,2,nothing,2,2,4,99,none,1f1b,1,4,0,1\n", "nothing");
    std::string with = iterations_header;
    with.insert(with.find('\n'), ",vocabulary");
    EXPECT_EQ(parameters(read_measurements(with + "16,64,2,512,8,12,1024,2,4,2,250.5,1000\n").models[0]),
              12 * (12 * 512 * 512 + 13 * 512) + (1000 + 1024) * 512 + 2 * 512);
}

TEST(Measurements, ColumnsInAnyOrderWithCommentsAndBlankLines) {
    const measured_file read = read_measurements(
        "# made up\n\nvalue,note,metric,recompute,Bhat,B,D,W,scheme,nodes,hardware,model\r\n"
        "# a comment\n 90.5 ,\"kept\",seq_per_s_measured,1,48,-,8,4,pipedream,32,P100,Bert-48\r\n\n");
    ASSERT_EQ(read.rows.size(), 1u);
    const measurement& m = read.rows[0];
    EXPECT_EQ(read.hardware, "P100");
    EXPECT_EQ(m.with.schedule.which, family::pipedream);
    EXPECT_EQ(m.with.micro_batch, 12);
    EXPECT_EQ(m.with.schedule.micro_batches, 1);
    EXPECT_EQ(m.with.recompute, recompute_mode::full);
    EXPECT_TRUE(m.with.continuous);
    EXPECT_TRUE(m.rate);
    EXPECT_DOUBLE_EQ(m.seconds, 48 / 90.5);
}

TEST(Measurements, PublishedFiguresFindTheirRow) {
    const measured_file read = load_measurements(CHIMERA_SOURCE_DIR "/tests/fixtures/chimera_sc21_bert48.csv");
    EXPECT_EQ(read.rows.size(), 22u);
    EXPECT_EQ(read.figures.size(), 7u);
    EXPECT_EQ(read.models.size(), 1u);
    EXPECT_EQ(parameters(read.models[0]), 669790012);
    for (const published_figure& f : read.figures) {
        EXPECT_EQ(read.rows[f.row].with.schedule.which, family::bidirectional);
        if (f.what != published_figure::kind::model) continue;
        EXPECT_NEAR(static_cast<double>(read.rows[f.row].with.samples()) / read.rows[f.row].seconds, f.value, 15);
    }
}

TEST(Measurements, TokensReplaceTheModelsOwn) {
    const measured_file own = read_measurements(scheme()), other = read_measurements(scheme(), {.tokens = 512});
    EXPECT_EQ(own.models[0].tokens, 128);
    EXPECT_EQ(other.models[0].tokens, 512);
    EXPECT_EQ(parameters(own.models[0]), parameters(other.models[0]));
    const measured_file gpt =
        read_measurements(scheme("x,GPT-2-64,P100,512,chimera,64,8,1,512,0,seq_per_s_measured,180"));
    EXPECT_EQ(parameters(gpt.models[0]), 1389327360);
    EXPECT_EQ(gpt.models[0].tokens, 632);
    EXPECT_EQ(gpt.rows[0].nodes, 512);
    const measured_file half =
        read_measurements(scheme("x,gpt2-32,P100,32,chimera_halving,4,8,2,64,1,seq_per_s_measured,180"));
    EXPECT_EQ(half.models[0].layers.size(), 34u);
    EXPECT_EQ(half.rows[0].with.schedule.scale, scale::halving);
    EXPECT_EQ(read_measurements(scheme("x,BERT-Base,P100,4,dapple,1,4,1,4,0,seq_per_s_measured,9")).models[0].tokens,
              512);
}

TEST(Measurements, WorkersShareNodesAsTheRowsSay) {
    const measured_file read =
        read_measurements(scheme("x,Bert-48,V100,4,chimera,8,4,8,512,0,seq_per_s_measured,173.3"));
    EXPECT_EQ(read.rows[0].workers_per_node, 8);
    EXPECT_EQ(read.models[0].tokens, 512);
}

TEST(Measurements, FilesThatAreNone) {
    refused("", "the file is empty");
    refused("\n \n", "the file is empty");
    refused("a,b,c\n1,2,3\n", "column \"gpus\" is missing");
    refused("scheme,metric\n", "column \"model\" is missing");
    refused("w,W\n", "comes twice");
    refused(schemes_header, "no row is a measurement");
    refused(iterations_header, "no row is a measurement");
    refused(std::string(schemes_header) + "x,Bert-48,P100,32,chimera,8,4,8,512,0,seq_per_s_eq1_model,170\n",
            "no row is a measurement");
}

TEST(Measurements, CellsThatAreWrong) {
    refused(iteration("16,64,2,512,8,12,1024,2,4,2"), "line 2 has 10 cells (the header has 11)");
    refused(iteration("16,64,2,512,8,12,1024,2,4,2,nan"), "line 2: iteration time (ms) is \"nan\" (out of range)");
    refused(iteration("16,64,2,512,8,12,1024,2,4,2,inf"), "out of range");
    refused(iteration("16,64,2,512,8,12,1024,2,4,2,-3"), "is \"-3\" (out of range)");
    refused(iteration("16,64,2,512,8,12,1024,2,4,2,0"), "give a number above 0");
    refused(iteration("16,64,2,512,8,12,1024,2,4,2,12x"), "is \"12x\" (not a number)");
    refused(iteration("16,64,2,512,8,12,1024,2,4,2,"), "(missing)");
    refused(iteration("16,64,2,,8,12,1024,2,4,2,9"), "line 2: hidden size is \"\" (missing)");
    refused(iteration("16,64,0,512,8,12,1024,2,4,2,9"), "micro batch is \"0\" (out of range) give 1 to");
    refused(iteration("16,64,2,512,8,1e3,1024,2,4,2,9"), "layers is \"1e3\" (not a whole number)");
    refused(iteration("99999999999999999999,64,2,512,8,12,1024,2,4,2,9"), "gpus is");
    refused(iteration("8,64,2,512,8,12,1024,2,4,2,9"), "line 2: gpus is 8 (tensor · data · pipeline is 16)");
    refused(iteration("16,63,2,512,8,12,1024,2,4,2,9"), "global batch 63 is no multiple of 8");
    refused(iteration("16,64,2,512,7,12,1024,2,4,2,9"), "line 2: 7 heads do not divide 512 channels");
    refused(iteration("128,64,2,512,8,12,1024,2,4,16,9"), "line 2: gpt2 has 12 blocks");
}

TEST(Measurements, SchemesThatAreWrong) {
    refused(scheme("x,Bert-48,P100,32,zebra,8,4,8,512,0,seq_per_s_measured,1"), "scheme is \"zebra\" (unknown)");
    refused(scheme("x,Bert-X,P100,32,chimera,8,4,8,512,0,seq_per_s_measured,1"), "line 2: unknown model bert-x");
    refused(scheme("x,Bert-48,P100,32,chimera,8,4,8,512,2,seq_per_s_measured,1"), "recompute is \"2\" (unknown)");
    refused(scheme("x,Bert-48,P100,32,chimera,8,4,8,512,0,furlongs,1"), "metric is \"furlongs\" (unknown)");
    refused(scheme("x,Bert-48,P100,32,gpipe,1,4,1,9999999,0,seq_per_s_measured,1"), "more than 10 million passes");
    refused(scheme("x,Bert-48,P100,1,gpipe,1000000,8,1,1000000,0,seq_per_s_measured,1"), "W · D is 8000000");
    refused(scheme("x,Bert-48,P100,32,chimera,8,4,7,512,0,seq_per_s_measured,1"), "Bhat 512 is no multiple of 56");
    refused(scheme("x,Bert-48,P100,32,chimera,8,3,8,512,0,seq_per_s_measured,1"), "line 2: stages must be even");
    refused(scheme("x,Bert-48,P100,32,chimera,8,4,-,512,0,seq_per_s_measured,1"), "b is \"-\" (not a whole number)");
    refused(scheme("x,Bert-48,P100,32,chimera,8,4,8,512,0,seq_per_s_measured,nan"), "value is \"nan\"");
    refused(scheme("x,Bert-48,P100,32,chimera,8,4,8,512,0,seq_per_s_measured,1\n"
                   "x,Bert-48,V100,32,chimera,8,4,8,512,0,seq_per_s_measured,1"),
            "line 3: hardware is \"V100\" (rows above have P100)");
}

}  // namespace
}  // namespace chimera::executor
