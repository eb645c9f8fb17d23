// SPDX-License-Identifier: Apache-2.0
// Hardware as names and as files: both say the same, and a name that is not known is refused with the nearest one.
#include <executor/io/fields.hpp>
#include <executor/io/hardware_file.hpp>
#include <executor/io/near_name.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace chimera::executor {
namespace {

using testing::HasSubstr;

std::string refusal_of(const std::string& name) {
    try {
        load_hardware(name);
    } catch (const chimera_error& e) {
        return e.what();
    }
    return "";
}

/// Counts them by trying everything: exponential, for short words.
std::size_t edits_by_trying(std::string_view a, std::string_view b) {
    if (a.empty() || b.empty()) return a.size() + b.size();
    const std::size_t kept = a[0] == b[0] ? 0 : 1;
    return std::min({kept + edits_by_trying(a.substr(1), b.substr(1)), 1 + edits_by_trying(a.substr(1), b),
                     1 + edits_by_trying(a, b.substr(1))});
}

TEST(HardwareFile, ANameIsAFile) {
    for (const catalogued_hardware& one : hardware_catalogue) {
        const fitted_hardware known = load_hardware(std::string(one.name));
        const nlohmann::json file = parse_json(hardware_json(one).dump(), "a file");
        const fitted_hardware read = read_fitted_hardware(file, "a file");
        EXPECT_EQ(read.numbers, known.numbers) << one.name;
        EXPECT_EQ(read.numbers, numbers_of(one)) << one.name;
        EXPECT_EQ(read.memory, known.memory) << one.name;
        EXPECT_EQ(read.workers_per_node, known.workers_per_node) << one.name;
        EXPECT_EQ(known.memory.has_value(), one.device->memory.value > 0) << one.name;
        EXPECT_EQ(known.workers_per_node.value_or(0), one.workers_per_node) << one.name;
        EXPECT_EQ(known.called, one.name);
        EXPECT_EQ(read_hardware(hardware_json(known), "a file"), known.numbers) << one.name;
    }
}

TEST(HardwareFile, NamesInAnyCapitals) {
    EXPECT_EQ(load_hardware("dgx-h100").called, "DGX-H100");
    EXPECT_EQ(load_hardware("Mi300x").called, "MI300X");
    EXPECT_EQ(&hardware_named("h200"), find_in_catalogue("H200"));
}

TEST(HardwareFile, ANearMissIsNamed) {
    EXPECT_THAT(refusal_of("H10"), HasSubstr("use H100, or another name"));
    EXPECT_THAT(refusal_of("DGX_H200"), HasSubstr("use DGX-H200, or"));
    EXPECT_THAT(refusal_of("mi300"), HasSubstr("use MI300X, or"));
    EXPECT_THAT(refusal_of("A100-80GB"), HasSubstr("use A100-80, or"));
    EXPECT_THAT(refusal_of("quantum"), HasSubstr(hardware_names()));
    EXPECT_THAT(refusal_of(""), HasSubstr("neither a name nor a file"));
    EXPECT_THAT(refusal_of(std::string(5000, 'H')), HasSubstr(hardware_names()));
    EXPECT_LT(refusal_of(std::string(5000, 'H')).size(), 400u);
    EXPECT_EQ(refusal_of("none/such").find("neither"), std::string::npos);
    EXPECT_THROW(hardware_named("H10"), chimera_error);
}

TEST(HardwareFile, EditsAreTheFewest) {
    std::mt19937 random(7);
    const auto word = [&] {
        std::string out(std::uniform_int_distribution<std::size_t>(0, 6)(random), ' ');
        for (char& c : out) c = "ab0"[std::uniform_int_distribution<int>(0, 2)(random)];
        return out;
    };
    for (int i = 0; i < 2000; ++i) {
        const std::string a = word(), b = word();
        EXPECT_EQ(edits_between(a, b), edits_by_trying(a, b)) << a << ' ' << b;
    }
    EXPECT_EQ(edits_between("dgx", "DGX"), 0u);
}

TEST(HardwareFile, WhatAFileSaysOfItsCluster) {
    const auto read = [](const char* text) { return read_fitted_hardware(parse_json(text, "mine"), "mine"); };
    EXPECT_EQ(read(R"({"flops":1e12,"memory":5e9,"workers_per_node":3})").memory, 5e9);
    EXPECT_EQ(read(R"({"flops":1e12,"memory":5e9,"workers_per_node":3})").workers_per_node, 3);
    EXPECT_EQ(read(R"({"flops":1e12,"sources":{"flops":"mine"},"fit":{"held_out":{"mean":0.5}}})").held_out, 0.5);
    EXPECT_FALSE(read(R"({"flops":1e12,"fit":3})").held_out);
    EXPECT_FALSE(read(R"({"flops":1e12})").memory);
    for (const char* wrong : {R"({"flops":1e12,"memory":0})", R"({"flops":1e12,"memory":"5GB"})",
                              R"({"flops":1e12,"memory":-1})", R"({"flops":1e12,"workers_per_node":0})",
                              R"({"flops":1e12,"workers_per_node":1e9})", R"({"flops":1e12,"source":{}})"})
        EXPECT_THROW(read(wrong), chimera_error) << wrong;
}

}  // namespace
}  // namespace chimera::executor
