// SPDX-License-Identifier: Apache-2.0
// What is known of published models, at compile time.
#include <chimera/model/catalogue.hpp>

#include <gtest/gtest.h>

namespace chimera {
namespace {

static_assert(parameters(gpt2(gpt2_124m)) == 124'439'808);
static_assert(parameters(gpt2(gpt2_355m)) == 354'823'168);
static_assert(parameters(gpt2(gpt2_774m)) == 774'030'080);
static_assert(parameters(gpt2(gpt2_1558m)) == 1'557'611'200);
static_assert(parameters(gpt2(gpt2_64)) == 1'389'327'360);  // table 4 of the Chimera paper
static_assert(parameters(gpt2(gpt3_175b)) == 174'604'259'328);
static_assert(parameters(bert(bert_48)) == 669'790'012);  // table 4 of the Chimera paper
static_assert(parameters(bert(bert_48_512)) == 669'790'012);
static_assert(parameters(llama(llama_2_7b)) == 6'738'415'616);
static_assert(parameters(llama(llama_2_13b)) == 13'015'864'320);
static_assert(parameters(llama(llama_2_70b)) == 68'976'648'192);
static_assert(parameters(llama(llama_3_8b)) == 8'030'261'248);
static_assert(parameters(llama(llama_3_70b)) == 70'553'706'496);
static_assert(parameters(llama(llama_3_405b)) == 405'853'388'800);
static_assert(parameters(t5(t5_small)) == 60'506'624);
static_assert(parameters(t5(t5_base)) == 222'903'552);
static_assert(parameters(t5(t5_large)) == 737'668'096);
static_assert(parameters(vit(vit_b_16)) == 86'567'656);
static_assert(parameters(vit(vit_l_16)) == 304'326'632);
static_assert(parameters(resnet(resnet_20)) == 269'722);

static_assert(gpt2(gpt2_64).tokens == 632 && bert(bert_48).tokens == 128 && bert(bert_48_512).tokens == 512);
static_assert(gpt2(gpt2_64).layers.size() == 66 && named("bert-48").layers.size() == 50);
static_assert(named("t5-small").layers[12].name == label("decoder.4"));

// A tied table counts once, and the head says how much of it stands elsewhere.
static_assert(gpt2().layers.back().tied_to == 0 && gpt2().layers.back().tied_parameters == 50257 * 768);
static_assert(parameters(gpt2({.tied = false})) == parameters(gpt2()) + 50257 * 768);

// Boundaries of T5's decoder carry the encoder's output, 512 rows beside the decoder's own 114.
static_assert(t5().layers[6].output == 2.0 * 512 * 512);
static_assert(t5().layers[7].output == 2.0 * (512 + 114) * 512);
static_assert(t5().layers[12].output == 2.0 * (512 + 114) * 512);
static_assert(t5().layers[13].output == 2.0 * 114 * 512 && t5().layers[14].output == 0);

TEST(Catalogue, EveryNameHasAModel) {
    for (const auto& entry : model_catalogue) {
        const model made = named(entry.name);
        EXPECT_EQ(made.name.view(), entry.name);
        EXPECT_GT(parameters(made), 0);
    }
}

TEST(Catalogue, UnknownNamesAreAnsweredWithTheKnown) {
    try {
        (void)named("gpt-2");
        FAIL();
    } catch (const chimera_error& e) {
        for (const auto& entry : model_catalogue)
            EXPECT_NE(std::string(e.what()).find(entry.name), std::string::npos) << entry.name;
    }
}

}  // namespace
}  // namespace chimera
