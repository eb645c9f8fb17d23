// SPDX-License-Identifier: Apache-2.0
// Models against closed forms of papers, written here from the papers' own letters: a heads, b samples, h channels, l layers,
// s tokens, t tensor width, V vocabulary.
#include <chimera/model/catalogue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace chimera {
namespace {

struct letters {
    double a, h, l, s, V;
};

gpt2_sizes sizes_of(const letters& x) {
    return {.layers = static_cast<int>(x.l),
            .heads = static_cast<int>(x.a),
            .channels = static_cast<int>(x.h),
            .vocabulary = static_cast<int>(x.V),
            .context = static_cast<int>(x.s),
            .how = {}};
}

constexpr letters shapes[] = {{12, 768, 12, 1024, 50257},  {16, 1024, 24, 512, 50257},   {25, 1600, 48, 1024, 50304},
                              {64, 6144, 80, 2048, 51200}, {96, 12288, 96, 2048, 51200}, {1, 8, 1, 1, 2}};

double sum(const model& m, double layer::*field) {
    double all = 0;
    for (const layer& l : m.layers) all += l.*field;
    return all;
}

void expect_close(double got, double wanted) { EXPECT_NEAR(got, wanted, 1e-12 * wanted); }

// Qi et al., Zero Bubble Pipeline Parallelism (arXiv 2401.10241), table 1.
TEST(Flops, ABlockHasTheHalvesOfTheZeroBubblePaper) {
    for (const letters& x : shapes) {
        const layer block = gpt2(sizes_of(x)).layers[1];
        expect_close(block.forward, x.s * x.h * (24 * x.h + 4 * x.s));
        expect_close(block.input_gradient, x.s * x.h * (24 * x.h + 8 * x.s));
        expect_close(block.weight_gradient, x.s * x.h * 24 * x.h);
    }
}

// Narayanan et al. (arXiv 2104.04473, appendix): with all layers recomputed, 96 B s l h² (1 + s/6h + V/16lh).
TEST(Flops, AnIterationIsThatOfMegatron) {
    for (const letters& x : shapes) {
        const model m = gpt2(sizes_of(x));
        double blocks = 0;
        for (const layer& l : m.layers)
            if (l.kind == layer_kind::block) blocks += l.forward;
        expect_close(flops(m) + blocks, 96 * x.s * x.l * x.h * x.h * (1 + x.s / (6 * x.h) + x.V / (16 * x.l * x.h)));
        expect_close(flops(m), 72 * x.s * x.l * x.h * x.h * (1 + x.s / (6 * x.h) + x.V / (12 * x.l * x.h)));
    }
}

// Kaplan et al. (arXiv 2001.08361): 6 FLOPs a token for each parameter of a matrix product, attention's core left out.
TEST(Flops, SixTimesParametersTimesTokens) {
    for (const char* name : {"gpt2-1558m", "gpt3-175b", "llama-2-7b", "llama-3-70b", "gpt2-64"}) {
        const model m = named(name);
        double parameters = 0, core = 0;
        for (const layer& l : m.layers)
            if (l.kind != layer_kind::embedding) {
                parameters += static_cast<double>(l.parameters + l.tied_parameters);
                core += 3 * l.selective_forward;
            }
        const double wanted = 6 * parameters * static_cast<double>(m.tokens);
        EXPECT_NEAR((flops(m) - core) / wanted, 1, 0.0015) << name;  // biases and norms are in no product
    }
}

// Touvron et al.'s shapes by hand: grouped queries shrink keys and values alone.
TEST(Flops, GroupedQueriesAndGates) {
    const model m = llama(llama_3_8b);
    const double s = 8192, h = 4096, kv = 1024, f = 14336;
    const double products = 2 * s * (2 * h * h + 2 * h * kv + 3 * h * f), core = 4 * s * s * h;
    expect_close(m.layers[1].forward, products + core);
    expect_close(m.layers[1].input_gradient, products + 2 * core);
    expect_close(m.layers[1].weight_gradient, products);
    expect_close(m.layers.back().forward, 2 * s * h * 128256);
}

TEST(Flops, CrossAttentionReadsTheEncodersRows) {
    const layer l = t5(t5_base).layers[16];
    EXPECT_EQ(l.name.view(), "decoder.2");
    const double r = 114, s = 512, h = 768, f = 3072;
    const double own = 2 * r * 4 * h * h + 4 * r * r * h;
    const double cross = 2 * (2 * r + 2 * s) * h * h + 4 * r * s * h;
    expect_close(l.forward, own + cross + 2 * r * 2 * h * f);
}

// He et al. (arXiv 1512.03385): the network of 20 layers; every 3 × 3 convolution multiplies 9 · inputs · outputs · pixels.
TEST(Flops, ResNet20ConvolutionByConvolution) {
    double macs = 9.0 * 3 * 16 * 1024 + 6 * 9.0 * 16 * 16 * 1024;
    macs += 9.0 * 16 * 32 * 256 + 5 * 9.0 * 32 * 32 * 256;
    macs += 9.0 * 32 * 64 * 64 + 5 * 9.0 * 64 * 64 * 64 + 640;
    const model m = resnet();
    expect_close(sum(m, &layer::forward), 2 * macs);
    expect_close(sum(m, &layer::weight_gradient), 2 * macs);
    expect_close(sum(m, &layer::input_gradient), 2 * (macs - 9.0 * 3 * 16 * 1024));  // images need no gradient
}

// Korthikanti et al., Reducing Activation Recomputation (arXiv 2205.05198), table 2; 16 bits, dropout.
TEST(Activations, ABlockKeepsWhatTheFormulasSay) {
    for (const letters& x : shapes) {
        const layer block = gpt2(sizes_of(x)).layers[1];
        expect_close(block.activations, x.s * x.h * (34 + 5 * x.a * x.s / x.h));
        expect_close(block.selective, 34 * x.s * x.h);
        expect_close(block.output, 2 * x.s * x.h);  // all of a full recompute
        expect_close(block.selective_forward, 4 * x.s * x.s * x.h);
        for (const double t : {1.0, 2.0, 4.0, 8.0}) {
            const double divided = block.replicated + (block.activations - block.replicated) / t;
            expect_close(divided, x.s * x.h * (10 + 24 / t + 5 * x.a * x.s / (x.h * t)));
            const double selective = block.replicated + (block.selective - block.replicated) / t;
            expect_close(selective, x.s * x.h * (10 + 24 / t));
        }
    }
}

// The same paper, section 4.3: dropout of the embedding sbh; the head's norm and product 2sbh each, logits 4sbV.
TEST(Activations, EndsKeepWhatTheFormulasSay) {
    for (const letters& x : shapes) {
        const model m = gpt2(sizes_of(x));
        expect_close(m.layers.front().activations, x.s * x.h);
        expect_close(m.layers.back().activations, 4 * x.s * x.h * (1 + x.V / x.h));
    }
}

TEST(Activations, OptionsTakeAwayWhatTheyName) {
    gpt2_sizes plain, dry, fused, wide;
    dry.how.dropout = false;
    fused.how = {.bytes = {}, .dropout = false, .fused_attention = true};
    wide.how = {single_precision, false, false};
    const double s = 1024, h = 768, a = 12;
    const auto kept = [](const gpt2_sizes& of) { return gpt2(of).layers[1].activations; };
    expect_close(kept(plain) - kept(dry), 2 * s * h + 3 * a * s * s);  // two masks; a mask and the scores it leaves
    expect_close(kept(dry) - kept(fused), 2 * a * s * s - 4 * a * s);
    expect_close(kept(wide), 2 * kept(dry));
    EXPECT_EQ(gpt2(fused).layers[1].selective_forward, 0);
    EXPECT_EQ(gpt2(fused).layers[1].selective, gpt2(fused).layers[1].activations);
}

TEST(Activations, NothingIsNegativeOrOutOfOrder) {
    for (const auto& entry : model_catalogue) {
        const model m = named(entry.name);
        for (const layer& l : m.layers) {
            EXPECT_GE(l.activations, l.selective) << entry.name << " " << l.name.view();
            EXPECT_GE(l.selective, l.replicated) << entry.name << " " << l.name.view();
            EXPECT_GE(std::min({l.forward, l.input_gradient, l.weight_gradient, l.output, l.replicated}), 0);
            EXPECT_EQ(l.output > 0, &l != &m.layers.back()) << entry.name << " " << l.name.view();
        }
    }
}

// A tensor after the other as the reference implementations name them.
TEST(Parameters, TensorByTensor) {
    const double h = 768;
    double gpt = 50257 * h + 1024 * h + 2 * h;  // wte, wpe, ln_f
    for (int i = 0; i < 12; ++i)
        gpt += 2 * h + (h * 3 * h + 3 * h) + (h * h + h) + 2 * h + (h * 4 * h + 4 * h) + (4 * h * h + h);
    EXPECT_EQ(static_cast<double>(parameters(gpt2())), gpt);
    double layer = 0;
    for (int i = 0; i < 4; ++i) layer += h * h + h;               // query, key, value, attention output
    layer += 2 * h + (h * 3072 + 3072) + (3072 * h + h) + 2 * h;  // norm, intermediate, output, norm
    const double pooler = h * h + h, transform = h * h + h + 2 * h, relation = 2 * h + 2, bias = 30522;
    EXPECT_EQ(static_cast<double>(parameters(bert(bert_base))),
              (30522 + 512 + 2) * h + 2 * h + 12 * layer + pooler + transform + bias + relation);
}

// tests/fixtures/make_models.py: what PyTorch counts in Hugging Face's models of these sizes.
TEST(Parameters, AsPyTorchCountsThem) {
    std::ifstream file(CHIMERA_SOURCE_DIR "/tests/fixtures/models.csv");
    std::string line;
    int lines = 0;
    for (std::getline(file, line); std::getline(file, line); ++lines) {
        const auto comma = line.find(',');
        const std::string name = line.substr(0, comma);
        const model of = name == "gpt2" ? gpt2({.tied = false, .how = {}}) : named(name);  // as the executor trains it
        EXPECT_EQ(parameters(of), std::stoll(line.substr(comma + 1))) << line;
    }
    EXPECT_EQ(lines, 21);
}

TEST(Sizes, ThoseThatDoNotFitAreRefused) {
    const auto refused = [](auto make) { EXPECT_THROW((void)make(), chimera_error); };
    refused([] { return gpt2({.heads = 5, .how = {}}); });
    refused([] { return gpt2({.layers = 0, .how = {}}); });
    refused([] { return gpt2({.tokens = 1025, .how = {}}); });
    refused([] { return gpt2({.tokens = -1, .how = {}}); });
    refused([] { return bert({.channels = -1024, .how = {}}); });
    refused([] { return llama({.shared_heads = 5}); });
    refused([] { return llama({.shared_heads = 64}); });
    refused([] { return vit({.patch = 15}); });
    refused([] { return resnet({.depth = 19}); });
    refused([] { return t5({.targets = 0, .how = {}}); });
}

}  // namespace
}  // namespace chimera
