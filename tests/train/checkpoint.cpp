// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <executor/checkpoint/checkpoint.hpp>
#include <executor/io/checksum.hpp>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <sys/resource.h>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <iterator>
#include <numeric>
#include <span>

using namespace chimera::executor;
using chimera::test::contents;
using chimera::test::refusal_of;
using chimera::test::scratch;
using testing::HasSubstr;

namespace {

/// Weights and moments of a small model, with values of their own.
struct model {
    std::vector<float> weight, bias, moment;
    explicit model(float start) : weight(24), bias(6), moment(24) {
        std::iota(weight.begin(), weight.end(), start);
        std::iota(bias.begin(), bias.end(), start * 2);
        std::iota(moment.begin(), moment.end(), start * 3);
    }
    std::vector<named_tensor> tensors() {
        return {{"block.0.weight", {4, 6}, weight},
                {"block.0.bias", {6}, bias},
                {"optimiser.m.block.0.weight", {4, 6}, moment}};
    }
    friend bool operator==(const model&, const model&) = default;
};

const checkpoint_info info{
    12, 100, 5.5451774444795623, {3, 41, 0xfedcba9876543210u}, R"({"layers":4})", "0123456789abcdef"};

/// A file with a right checksum around any header and data.
std::string sealed(std::string header, const std::string& data) {
    const std::uint64_t length = header.size();
    const std::string start(reinterpret_cast<const char*>(&length), 8);
    const auto at = detail::checksum_position(header);
    if (at != header.npos)
        header.replace(at, 16, hash_text(start + std::string(header).replace(at, 16, 16, '0') + data));
    return start + header + data;
}

TEST(checkpoint, comes_back_as_it_was) {
    const scratch folder;
    model written(1), read(0);
    write_checkpoint(folder / "c", info, written.tensors());
    const auto header = open_checkpoint(folder / "c");
    EXPECT_EQ(header.info.step, 12);
    EXPECT_EQ(header.info.steps, 100);
    EXPECT_EQ(header.info.first_loss, info.first_loss);
    EXPECT_EQ(header.info.data, info.data);
    EXPECT_EQ(header.info.model, info.model);
    EXPECT_EQ(header.info.job, info.job);
    load_checkpoint(folder / "c", header, read.tensors());
    EXPECT_EQ(read, written);
    EXPECT_FALSE(std::filesystem::exists(folder / "c.partial"));
}

TEST(checkpoint, is_a_safetensors_file) {
    const scratch folder;
    model written(1);
    write_checkpoint(folder / "c", info, written.tensors());
    const auto bytes = contents(folder / "c");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    EXPECT_EQ(length % 8, 0u);
    const auto header = nlohmann::json::parse(bytes.substr(8, length));
    for (const auto& value : header["__metadata__"]) EXPECT_TRUE(value.is_string());
    const auto& bias = header["block.0.bias"];
    EXPECT_EQ(bias["dtype"], "F32");
    EXPECT_EQ(bias["shape"], nlohmann::json({6}));
    EXPECT_EQ(bias["data_offsets"], nlohmann::json({96, 120}));
    const auto stored = std::as_bytes(std::span(bytes)).subspan(8 + length + 96, 24);
    EXPECT_TRUE(std::ranges::equal(stored, std::as_bytes(std::span(written.bias).first(6))));
    EXPECT_EQ(bytes.size(), 8 + length + 216);
}

TEST(checkpoint, any_flipped_bit_is_found) {
    const scratch folder;
    model written(1);
    write_checkpoint(folder / "c", info, written.tensors());
    const auto good = contents(folder / "c");
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
        folder.write("bad", bad);
        ASSERT_THAT(refusal_of([&] { open_checkpoint(folder / "bad"); }), HasSubstr("cannot be used")) << "bit " << bit;
    }
}

TEST(checkpoint, any_cut_is_found) {
    const scratch folder;
    model written(1);
    write_checkpoint(folder / "c", info, written.tensors());
    const auto good = contents(folder / "c");
    for (std::size_t size = 0; size < good.size(); ++size) {
        folder.write("bad", good.substr(0, size));
        ASSERT_THAT(refusal_of([&] { open_checkpoint(folder / "bad"); }), HasSubstr("cannot be used")) << size;
    }
    folder.write("bad", good + '\0');
    EXPECT_THAT(refusal_of([&] { open_checkpoint(folder / "bad"); }), HasSubstr("checksum is wrong"));
    EXPECT_THAT(refusal_of([&] { open_checkpoint(folder / "none"); }), HasSubstr("No such file"));
    EXPECT_THAT(refusal_of([&] { open_checkpoint(folder.path()); }), HasSubstr("not a regular file"));
}

TEST(checkpoint, of_another_model_is_refused) {
    const scratch folder;
    model written(1), read(0);
    write_checkpoint(folder / "c", info, written.tensors());
    const auto header = open_checkpoint(folder / "c");
    const auto refused = [&](auto change) {
        auto tensors = read.tensors();
        change(tensors);
        return refusal_of([&] { load_checkpoint(folder / "c", header, tensors); });
    };
    EXPECT_THAT(refused([](auto& t) {
                    t[0].shape = {6, 4};
                }),
                HasSubstr("tensor block.0.weight is 4 x 6 there, 6 x 4 here"));
    EXPECT_THAT(refused([](auto& t) { t[1].name = "block.1.bias"; }),
                HasSubstr("of another model (it has no tensor block.1.bias"));
    EXPECT_THAT(refused([](auto& t) { t.pop_back(); }), HasSubstr("it has 3 tensors, the model 2"));
    EXPECT_EQ(read, model(0));
}

TEST(checkpoint, headers_that_lie_are_refused_although_the_checksum_is_right) {
    const scratch folder;
    const std::string meta =
        R"("__metadata__":{"format":"chimera.checkpoint","version":"1","checksum":"0000000000000000","step":"1",)"
        R"("steps":"2","first_loss":"1","data.epoch":"0","data.cursor":"0","random.state":"1"})";
    const auto refused = [&](const std::string& rest, std::size_t bytes, const std::string& metadata) {
        folder.write("x", sealed("{" + metadata + rest + "}", std::string(bytes, '\0')));
        return refusal_of([&] { open_checkpoint(folder / "x"); });
    };
    EXPECT_EQ(refused(R"(,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 8, meta), "");
    EXPECT_THAT(refused(R"(,"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]})", 8, meta),
                HasSubstr("not of dtype F32"));
    EXPECT_THAT(refused(R"(,"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]})", 8, meta),
                HasSubstr("does not match"));
    EXPECT_THAT(refused(R"(,"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]})", 12, meta),
                HasSubstr("gap or overlaps"));
    EXPECT_THAT(
        refused(
            R"(,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]})",
            12, meta),
        HasSubstr("gap or overlaps"));
    EXPECT_THAT(refused(R"(,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 12, meta), HasSubstr("12 follow"));
    EXPECT_THAT(refused(R"(,"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", 8, meta), HasSubstr("wrong size"));
    EXPECT_THAT(refused(R"(,"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]})", 8, meta),
                HasSubstr("wrong offsets"));
    EXPECT_THAT(
        refused(R"(,"a":{"dtype":"F32","shape":[4000000000,4000000000,4000000000],"data_offsets":[0,8]})", 8, meta),
        HasSubstr("impossible shape"));
    EXPECT_THAT(refused(R"(,"a":7)", 8, meta), HasSubstr("not described"));
    EXPECT_THAT(refused(R"(,"a":1,"a":1)", 8, meta), HasSubstr("twice"));
    EXPECT_THAT(refused(",\"a\":" + std::string(100000, '['), 8, meta), HasSubstr("too deep"));
    EXPECT_THAT(refused(R"("a":{"checksum":"0000000000000000"})", 0, ""), HasSubstr("no metadata"));
    for (const auto* key : {"step", "data.cursor", "random.state"}) {
        auto bad = meta;
        const auto at = bad.find(":", bad.find("\"" + std::string(key) + "\""));
        bad.replace(at, 3, ":\"-");
        EXPECT_THAT(refused("", 0, bad), HasSubstr("its " + std::string(key) + " is not a number"));
    }
}

TEST(checkpoint, a_failed_write_leaves_the_earlier_file) {
    const scratch folder;
    model first(1), second(2), read(0);
    write_checkpoint(folder / "c", info, first.tensors());
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    getrlimit(RLIMIT_FSIZE, &old);
    const rlimit small{100, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const auto refused = refusal_of([&] { write_checkpoint(folder / "c", info, second.tensors()); });
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, before);
    EXPECT_THAT(refused, HasSubstr("c (File too large)"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
    load_checkpoint(folder / "c", open_checkpoint(folder / "c"), read.tensors());
    EXPECT_EQ(read, first);
}

TEST(checkpoint, a_missing_folder_is_one_line_and_planted_links_are_not_followed) {
    const scratch folder;
    model first(1), read(0);
    EXPECT_THAT(refusal_of([&] { write_checkpoint(folder / "none/c", info, first.tensors()); }),
                HasSubstr("No such file"));
    std::filesystem::create_symlink("/dev/full", folder / "c.partial");
    std::filesystem::create_symlink("/dev/full", folder / "c");
    write_checkpoint(folder / "c", info, first.tensors());
    load_checkpoint(folder / "c", open_checkpoint(folder / "c"), read.tensors());
    EXPECT_EQ(read, first);
}

}  // namespace
