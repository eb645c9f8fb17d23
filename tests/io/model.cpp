// SPDX-License-Identifier: Apache-2.0
#include <chimera/model/catalogue.hpp>
#include <executor/io/model_file.hpp>
#include <executor/model/known_models.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace chimera::executor {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string file(const std::string& layers, const std::string& more = "") {
    return R"({"format":"chimera.model","version":1,)" + more + "\"layers\":[" + layers + "]}";
}
std::string one(const std::string& name, const std::string& more = "") {
    return R"({"name":")" + name + R"(","parameters":10,"forward":5,"backward":8,"activations":100,"output":40)" +
           more + "}";
}

void refused(const std::string& text, const std::string& part, const std::string& also = "") {
    try {
        read_model(text);
        FAIL() << "accepted: " << text.substr(0, 300);
    } catch (const chimera_error& e) {
        EXPECT_THAT(e.what(),
                    AllOf(HasSubstr(part), HasSubstr(also), Not(HasSubstr("\n")), HasSubstr("("), HasSubstr(") ")))
            << text.substr(0, 300);
        EXPECT_LT(std::string(e.what()).size(), 400u);
    }
}

/// One layer named a, with `key` set to `value`.
void refused_value(const std::string& key, const std::string& value, const std::string& part = "") {
    std::string text = one("a");
    const auto at = text.find("\"" + key + "\":");
    if (at == std::string::npos) {
        text = one("a", ",\"" + key + "\":" + value);
    } else {
        const auto from = at + key.size() + 3, to = text.find_first_of(",}", from);
        text.replace(from, to - from, value);
    }
    refused(file(text), part.empty() ? key : part, "layer 0");
}

TEST(ModelFile, FieldsArriveWhereTheyBelong) {
    const model m = read_model(file(
        R"({"name":"in","kind":"embedding","parameters":7e3,"forward":0,"backward":0,"activations":3,"output":11},)"
        R"({"name":"b","count":2,"parameters":5,"forward":1,"input_gradient":2,"weight_gradient":3,"activations":40,)"
        R"("selective":30,"selective_forward":0.5,"replicated":20,"exchanged":6,"workspace":9,"output":12},)"
        R"({"name":"out","kind":"head","parameters":1,"tied_to":"in","forward":4,"backward":9,"activations":8})",
        R"("name":"mine","tokens":16,"precision":{"weight":4,"gradient":4,"optimiser":8,"activation":4},)"));
    ASSERT_EQ(m.layers.size(), 4u);
    EXPECT_EQ(m.name.view(), "mine");
    EXPECT_EQ(m.tokens, 16);
    EXPECT_EQ(m.bytes, single_precision);
    EXPECT_EQ(parameters(m), 7000 + 2 * 5 + 1);
    EXPECT_EQ(flops(m), 2 * 6 + 13);
    EXPECT_EQ(m.layers[0].kind, layer_kind::embedding);
    const layer& b = m.layers[2];
    EXPECT_EQ(b.name.view(), "b.1");
    EXPECT_EQ(b.kind, layer_kind::block);
    EXPECT_EQ(b.input_gradient, 2);
    EXPECT_EQ(b.weight_gradient, 3);
    EXPECT_EQ(b.selective, 30);
    EXPECT_EQ(b.selective_forward, 0.5);
    EXPECT_EQ(b.replicated, 20);
    EXPECT_EQ(b.exchanged, 6);
    EXPECT_EQ(b.workspace, 9);
    EXPECT_EQ(b.output, 12);
    EXPECT_EQ(b.tied_to, std::nullopt);
    const layer& out = m.layers[3];
    EXPECT_EQ(out.input_gradient, 4.5);
    EXPECT_EQ(out.selective, 8);
    EXPECT_EQ(out.tied_to, 0);
    EXPECT_EQ(out.tied_parameters, 7000);
    EXPECT_EQ(out.output, 0);
}

TEST(ModelFile, LayersFollowWhatTheySayTheyComeAfter) {
    const model m =
        read_model(file(one("c", R"(,"after":["b"])") + "," + one("a") + "," + one("b", R"(,"after":"a")")));
    ASSERT_EQ(m.layers.size(), 3u);
    EXPECT_EQ(m.layers[0].name.view(), "a");
    EXPECT_EQ(m.layers[1].name.view(), "b");
    EXPECT_EQ(m.layers[2].name.view(), "c");
}

TEST(ModelFile, OnlyAStraightChainIsAPipeline) {
    const auto after = [](const std::string& name, const std::string& before) {
        return one(name, ",\"after\":" + before);
    };
    refused(file(after("a", "\"b\"") + "," + after("b", "\"a\"")), "cycle", "layer a");
    refused(file(one("s") + "," + after("a", "\"b\"") + "," + after("b", "\"a\"")), "cycle", "layer a");
    refused(file(after("a", "\"a\"")), "cycle", "layer a");
    refused(file(one("a") + "," + after("b", "\"a\"") + "," + after("c", "\"a\"")), "both come after a", "layer c");
    refused(file(one("a") + "," + one("b") + "," + after("c", "[\"a\",\"b\"]")), "straight chain", "layer c");
    refused(file(one("a") + "," + one("b") + "," + after("c", "\"a\"")), "one beginning", "layer b");
    refused(file(one("a") + "," + after("b", "\"x\"")), "names no layer", "layer b");
    refused(file(one("a") + "," + after("b", "3")), "after", "layer 1");
    refused(file(one("a") + "," + one("a")), "twice", "layer a");
}

TEST(ModelFile, BadNumbersNameLayerAndKey) {
    for (const char* key : {"parameters", "forward", "backward", "activations", "selective", "selective_forward",
                            "replicated", "output", "exchanged", "workspace", "tied_parameters"})
        for (const char* value : {"-1", "1e19", "null", "\"5\"", "[]", "true", "1e999", "-1e999"})
            refused_value(key, value);
    for (const char* value : {"0", "-1", "1.5", "1e12", "null"}) refused_value("count", value);
    refused_value("parameters", "1.5", "not whole");
    refused_value("selective", "101", "more than activations");
    refused_value("replicated", "101", "more than is kept");
    refused_value("kind", "\"brick\"");
    refused_value("kind", "1");
    refused_value("name", "\"\"");
    refused_value("name", "\"a\\nb\"");
    refused_value("name", "\"" + std::string(32, 'x') + "\"");
    refused_value("input_gradient", "4", "backward");
    refused(file(one("a", R"(,"tied_to":"nobody")")), "tied_to names no layer", "layer a");
    refused(file(one("a", R"(,"tied_to":"a")")), "itself", "layer a");
    refused_value("colour", "1", "unknown");
    refused(file(one("a", R"(,"forward":5)")), "twice", "layer 0");
}

TEST(ModelFile, NaNIsNoJson) { refused(file(R"({"name":"a","parameters":NaN})"), "no valid JSON"); }

TEST(ModelFile, EveryKeyThatIsNeededIsMissed) {
    for (const char* key : {"parameters", "forward", "backward", "activations"}) {
        std::string text = one("a");
        const auto at = text.find(std::string("\"") + key), to = text.find(',', at);
        refused(file(text.erase(at, to + 1 - at)), std::string("\"") + key + "\" is missing", "layer 0 \"a\"");
    }
    refused(file(R"({"name":"a","parameters":1,"forward":1,"backward":1,"activations":1},)" + one("b")),
            "\"output\" is missing", "layer a");
    refused(file(R"({"name":"a","parameters":1,"forward":1,"input_gradient":1,"activations":1})"),
            "\"weight_gradient\" is missing");
    refused(R"({"format":"chimera.model","version":1})", "\"layers\" is missing");
    refused(R"({"version":1,"layers":[]})", "\"format\" is missing");
    refused(R"({"format":"chimera.model","layers":[]})", "\"version\" is missing");
}

TEST(ModelFile, WholeFilesThatAreNoModel) {
    refused("", "empty");
    refused(" \n", "empty");
    refused("[]", "an array");
    refused("{", "no valid JSON");
    refused(file(""), "empty");
    refused(R"({"format":"chimera.model","version":2,"layers":[]})", "version");
    refused(R"({"format":"chimera.costs","version":1,"layers":[]})", "chimera.model");
    refused(R"({"format":"chimera.model","version":1,"layers":{}})", "not a list");
    refused(R"({"format":"chimera.model","version":1,"layers":[3]})", "layer 0 is 3");
    refused(file(one("a"), R"("tokens":-1,)"), "tokens");
    refused(file(one("a"), R"("tockens":1,)"), "unknown");
    refused(file(one("a"), R"("precision":{"weight":0},)"), "weight");
    refused(file(one("a"), R"("precision":{"weight":1e999},)"), "weight");
    refused(file(one("a"), R"("precision":2,)"), "precision");
    refused(std::string(100000, '['), "nests too deep");
    refused(file(R"({"parameters":0,"forward":5,"backward":8,"activations":100})"), "no parameters");
    refused(file(R"({"parameters":3,"forward":0,"backward":0,"activations":100})"), "computes nothing");
    refused(file(R"({"parameters":1e18,"count":2,"forward":1,"backward":0,"activations":1,"output":1})"),
            "1e18 parameters");
    refused(file(one("a", R"(,"count":1048576)") + "," + one("b")), "1048576", "layer b");
}

TEST(ModelFile, FamiliesAreThoseOfTheCatalogue) {
    const auto family = [](const std::string& rest) {
        return read_model(R"({"format":"chimera.model","version":1,"family":)" + rest + "}");
    };
    EXPECT_EQ(parameters(family(R"("gpt2","sizes":{"layers":24,"heads":16,"channels":1024})")), 354823168);
    EXPECT_EQ(parameters(family(R"("bert","precision":{"weight":4})")), 669790012);
    EXPECT_EQ(parameters(family(R"("llama","sizes":{"shared_heads":8,"inner":14336,"vocabulary":128256})")),
              8030261248);
    EXPECT_EQ(parameters(family(R"("t5")")), 60506624);
    EXPECT_EQ(parameters(family(R"("vit")")), 86567656);
    EXPECT_EQ(parameters(family(R"("resnet")")), 269722);
    EXPECT_EQ(parameters(family(R"("executor")")), parameters(executor::known_model("gpt2")));
    EXPECT_EQ(family(R"("gpt2")").layers[1].activations, gpt2().layers[1].activations);
    EXPECT_LT(family(R"("gpt2","fused_attention":true)").layers[1].activations, gpt2().layers[1].activations);
    EXPECT_TRUE(uses_fp8(family(R"("gpt2","fp8":true)")));
    EXPECT_FALSE(uses_fp8(family(R"("gpt2","fp8":false)")) || uses_fp8(family(R"("gpt2")")));
}

TEST(ModelFile, FamiliesRefuseWhatDoesNotFit) {
    const auto family = [](const std::string& rest, const std::string& part) {
        refused(R"({"format":"chimera.model","version":1,"family":)" + rest + "}", part);
    };
    family(R"("gpt5")", "no such family");
    family("7", "family");
    family(R"("gpt2","layers":[])", "layers are given too");
    family(R"("gpt2","sizes":{"layers":0})", "layers");
    family(R"("gpt2","sizes":{"layers":1e999})", "layers");
    family(R"("gpt2","sizes":{"heads":7})", "heads");
    family(R"("gpt2","sizes":{"tokens":4096})", "tokens");
    family(R"("gpt2","sizes":{"width":4096})", "unknown");
    family(R"("gpt2","sizes":3)", "sizes");
    family(R"("gpt2","dropout":3)", "dropout");
    family(R"("llama","sizes":{"shared_heads":5})", "shared heads");
    family(R"("vit","sizes":{"patch":17})", "patch");
    family(R"("resnet","sizes":{"depth":21})", "6n + 2");
    family(R"("executor","dropout":true)", "unknown");
    family(R"("executor","fp8":true)", "unknown");
    family(R"("resnet","fp8":true)", "unknown");
    family(R"("llama","sizes":{"layers":65536,"channels":1048576,"inner":16777216})", "1e18 parameters");
}

TEST(ModelFile, ExamplesAreRead) {
    const std::string folder = CHIMERA_SOURCE_DIR "/examples/models/";
    EXPECT_EQ(load_model(folder + "pyramid.json").layers.size(), 6u);
    EXPECT_EQ(parameters(load_model(folder + "gpt2-large-batch.json")), 354823168);
}

TEST(LoadModel, NamesAndFiles) {
    EXPECT_EQ(parameters(load_model("bert-48")), 669790012);
    for (const char* name : {"bert-49", "", "nowhere/x.json", "x.json", "."}) {
        try {
            load_model(name);
            ADD_FAILURE() << name;
        } catch (const chimera_error& e) {
            EXPECT_THAT(e.what(), Not(HasSubstr("\n")));
        }
    }
    try {
        load_model("bert-49");
    } catch (const chimera_error& e) {
        EXPECT_THAT(e.what(), AllOf(HasSubstr("bert-48"), HasSubstr("gpt2-64")));
    }
}

TEST(ModelFile, AModelInsideARequestIsAsDeepAsAFileMayBe) {
    const auto nested = [](std::size_t lists) { return std::string(lists, '[') + std::string(lists, ']'); };
    const auto answer = [](const std::string& name, auto read) -> std::string {
        try {
            read(R"({"format":"chimera.model","version":1,"name":)" + name + "}");
        } catch (const chimera_error& e) {
            return e.what();
        }
        return "";
    };
    for (std::size_t lists = 1; lists < 10; ++lists) {
        const std::string file = answer(nested(lists), [](const std::string& text) { (void)read_model(text); });
        const std::string inside =
            answer(nested(lists), [](const std::string& text) { (void)model_from_json(nlohmann::json::parse(text)); });
        EXPECT_EQ(inside, file) << lists;
        EXPECT_EQ(file.find("too deep") != std::string::npos, lists > 6) << lists << ": " << file;
    }
}

}  // namespace
}  // namespace chimera::executor
