// SPDX-License-Identifier: Apache-2.0
#include <chimera/io/read_table.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/json.hpp>
#include <chimera/verify.hpp>

#include <executor/io/family_options.hpp>
#include <executor/io/read.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chimera::executor {
namespace {

using testing::HasSubstr;

std::string good() {
    return R"({"format":"chimera.schedule","version":1,"family":"x","workers":1,"stages":1,"pipelines":1,"micro_batches":1,)"
           R"("micro_batch_parts":1,"placement":[[0]],"slots":[[{"op":"F","pipeline":0,"stage":0,"first":0,"count":1,"tick":0,"ticks":1},)"
           R"({"op":"B","pipeline":0,"stage":0,"first":0,"count":1,"tick":1,"ticks":1}]]})";
}

/// `text` with the n-th `from` replaced.
std::string with(std::string text, const std::string& from, const std::string& to, int n = 0) {
    std::size_t at = text.find(from);
    for (; n > 0; --n) at = text.find(from, at + 1);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

template <class Read>
void expect_refused(Read read, const std::string& text, const std::string& part) {
    try {
        read(text);
        FAIL() << "accepted: " << text.substr(0, 300);
    } catch (const chimera_error& e) {
        EXPECT_THAT(e.what(), HasSubstr(part)) << text.substr(0, 300);
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
        EXPECT_LT(std::string(e.what()).size(), 400u);
    }
}

void refused(const std::string& text, const std::string& part) {
    expect_refused([](const std::string& t) { return read_table(t); }, text, part);
}

TEST(ScheduleFile, GoodOneIsRead) {
    const auto read = std::get<schedule>(read_table(good()));
    EXPECT_EQ(read.entries.size(), 2u);
    EXPECT_TRUE(verify(read).ok());
}

TEST(ScheduleFile, ANameOf31CharactersIsReadWhole) {
    const std::string longest(31, 'x');
    const auto read =
        std::get<schedule>(read_table(with(good(), "\"family\":\"x\"", "\"family\":\"" + longest + "\"")));
    EXPECT_EQ(read.head.family.view(), longest);
}

TEST(ScheduleFile, EveryTruncationIsRefused) {
    for (std::size_t size = 0; size < good().size(); ++size)
        EXPECT_THROW((void)read_table(good().substr(0, size)), chimera_error) << size;
}

TEST(ScheduleFile, EveryKeyIsNeeded) {
    for (const char* key : {"format", "version", "family", "workers", "stages", "pipelines", "micro_batches",
                            "micro_batch_parts", "placement"}) {
        const std::string text = good();
        const std::size_t from = text.find('"' + std::string(key) + '"');
        const std::size_t next = text.find(",\"", text.find(':', from));
        refused(text.substr(0, from) + text.substr(next + 1), "'" + std::string(key) + "' is missing");
    }
    refused(with(good(), "\"slots\"", "\"instructions\""), "worker 0, instruction 0: op 'F' is unknown");
    for (const char* key :
         {"\"op\":\"B\",", "\"pipeline\":0,", "\"stage\":0,", "\"first\":0,", "\"count\":1,", "\"tick\":1,"}) {
        refused(
            with(good(), key, "",
                 std::string(key).find("tick") == std::string::npos && std::string(key).find("op") == std::string::npos
                     ? 1
                     : 0),
            "worker 0, slot 1: key '");
    }
}

TEST(ScheduleFile, NumbersAreWholeAndInRange) {
    for (const char* value :
         {"-1", "1e9", "1.0", "0.5", "99999999999", "18446744073709551616", "null", "\"1\"", "true", "[1]", "{}"}) {
        for (const char* key : {"version", "workers", "stages", "pipelines", "micro_batches", "micro_batch_parts"}) {
            refused(with(good(), std::string("\"") + key + "\":1", std::string("\"") + key + "\":" + value), key);
        }
        for (const char* key : {"pipeline\":0", "stage\":0", "first\":0", "count\":1", "tick\":0", "ticks\":1"}) {
            const std::string name = std::string(key).substr(0, std::string(key).find('"'));
            refused(with(good(), "\"" + std::string(key), "\"" + name + "\":" + value), "worker 0, slot 0: ");
        }
        if (std::string(value) != "[1]")
            refused(with(good(), "[[0]]", std::string("[[") + value + "]]"), "placement, pipeline 0");
    }
    refused(with(good(), "\"workers\":1", "\"workers\":NaN"), "no valid JSON at byte");
    refused(with(good(), "\"workers\":1", "\"workers\":0"), "0 is out of range");
    refused(with(good(), "\"micro_batches\":1", "\"micro_batches\":1000000000"), "out of range");
    refused(with(good(), "\"count\":1", "\"count\":0"), "count is 0");
    refused(with(good(), "\"count\":1", "\"count\":128"), "count is 128");
    refused(with(good(), "\"ticks\":1", "\"ticks\":0"), "ticks is 0");
}

TEST(ScheduleFile, IndicesStayWithinTheSizes) {
    refused(with(good(), "\"stage\":0", "\"stage\":1", 1), "worker 0, slot 1: stage is 1 (the file has 1)");
    refused(with(good(), "\"pipeline\":0", "\"pipeline\":7"), "worker 0, slot 0: pipeline is 7");
    refused(with(good(), "\"first\":0", "\"first\":1"), "worker 0, slot 0: the last unit is 1");
    refused(with(good(), "\"count\":1", "\"count\":2"), "worker 0, slot 0: the last unit is 1");
    refused(with(good(), "[[0]]", "[[1]]"), "placement, pipeline 0, stage 0: worker is 1");
    refused(with(good(), "[[0]]", "[[0,0]]"), "placement, pipeline 0: 2 workers");
    refused(with(good(), "[[0]]", "[[0],[0]]"), "placement has 2 lists");
    refused(with(good(), "\"workers\":1", "\"workers\":2"), "slots has 1 lists");
    refused(with(good(), "\"micro_batches\":1", "\"micro_batches\":100000000"), "the file has only 2 slots");
    refused(with(with(good(), "\"micro_batches\":1", "\"micro_batches\":134217728"), "\"micro_batch_parts\":1",
                 "\"micro_batch_parts\":127"),
            "too large");
}

TEST(ScheduleFile, SaysWhenWeightsChange) {
    const auto saying = [](const std::string& keys) { return with(good(), "\"placement\"", keys + ",\"placement\""); };
    for (const char* rule : {"stashed", "double_buffered"})
        EXPECT_NO_THROW((void)read_table(saying("\"update\":\"" + std::string(rule) + "\",\"update_every\":1")));
    EXPECT_NO_THROW((void)read_table(saying("\"update\":\"flushed\"")));
    refused(saying("\"update\":\"stashed\""), "'update_every' is missing");
    refused(saying("\"update_every\":1"), "'update_every' does not apply");
    refused(saying("\"update\":\"flushed\",\"update_every\":1"), "'update_every' does not apply");
    refused(saying("\"update\":\"often\",\"update_every\":1"), "'often' is unknown");
    refused(saying("\"update\":1,\"update_every\":1"), "key update: found a number (a string belongs here)");
    refused(saying("\"update\":\"stashed\",\"update_every\":0"), "0 is out of range");
    refused(saying("\"update\":\"stashed\",\"update_every\":-1"), "-1 is out of range");
    refused(saying("\"update\":\"stashed\",\"update\":\"stashed\",\"update_every\":1"), "'update' comes twice");
}

TEST(ProgramFile, VersionsAndPairsAreStrict) {
    const std::string text =
        json(lower(make_schedule({{.which = chimera::family::pipedream, .stages = 2, .micro_batches = 3}})));
    EXPECT_NO_THROW((void)read_table(text));
    refused(with(text, "\"version\":0,\"first\"", "\"version\":256,\"first\""), "version is 256");
    refused(with(text, "\"version\":0,\"first\"", "\"version\":-1,\"first\""), "version is -1");
    refused(with(text, "\"version\":0,\"first\"", "\"version\":\"0\",\"first\""), "version is the text '0'");
    refused(with(text, "\"peer\":1", "\"version\":0,\"peer\":1"), "key 'version' does not apply (to send_activation)");
    refused(with(text, "\"peer\":1", "\"overlap\":true,\"peer\":1"),
            "key 'overlap' does not apply (to send_activation)");
    refused(with(text, "\"buffer\":0}", "\"buffer\":0,\"overlap\":1}"), "overlap is the number 1");
    // What the form allows, the laws judge: a version nobody wrote, and versions in a program that says nothing of updates.
    const auto strange =
        std::get<program>(read_table(with(text, "\"version\":0,\"first\"", "\"version\":255,\"first\"")));
    EXPECT_FALSE(verify(strange).ok());
    const auto flushed = std::get<program>(read_table(with(text, "\"update\":\"stashed\",\"update_every\":1,", "")));
    EXPECT_FALSE(verify(flushed).ok());
}

TEST(ScheduleFile, FormIsStrict) {
    refused("", "empty");
    refused(" \n", "empty");
    refused("[]", "found a list (a JSON object belongs here)");
    refused("7", "found the number 7");
    refused("\"x\"", "found the text 'x'");
    refused("\xff\xfe", "no valid JSON at byte 1");
    refused(good() + "x", "no valid JSON");
    refused(good() + good(), "no valid JSON");
    refused(with(good(), "\"family\":\"x\"", "\"family\":\"x\",\"family\":\"y\""), "'family' comes twice");
    refused(with(good(), "\"tick\":0", "\"tick\":0,\"tick\":0"), "worker 0, slot 0: key 'tick' comes twice");
    refused(with(good(), "\"tick\":0", "\"tick\":0,\"colour\":0"), "worker 0, slot 0: key 'colour' is unknown");
    refused(with(good(), "\"tick\":0", "\"tick\":0,\"peer\":0"), "key 'peer' does not apply");
    refused(with(good(), "\"tick\":0", "\"tick\":0,\"overlap\":1"),
            "overlap is the number 1 (true or false belongs here)");
    refused(with(good(), "\"family\":\"x\"", "\"family\":\"x\",\"extra\":1"), "key 'extra' is unknown");
    refused(with(good(), "chimera.schedule", "chimera.costs"), "'chimera.costs' is unknown");
    refused(with(good(), "chimera.schedule", "chimera.program"), "key 'instructions' is missing");
    refused(with(good(), "\"version\":1", "\"version\":2"), "version 2 is unknown");
    refused(with(good(), "\"op\":\"F\"", "\"op\":\"Q\""), "worker 0, slot 0: op 'Q' is unknown");
    refused(with(good(), "\"op\":\"F\"", "\"op\":\"\""), "op '' is unknown");
    refused(with(good(), "\"family\":\"x\"", "\"family\":\"" + std::string(40, 'x') + "\""), "no family's name");
    refused(with(good(), "\"family\":\"x\"", "\"family\":\"" + std::string(32, 'x') + "\""),
            "is no family's name (up to 31 printable characters) shorten it");
    refused(with(good(), "\"family\":\"x\"", "\"family\":\"\\u001b[2J\""), "no family's name");
    refused(std::string(1000000, '['), "found a list");
    refused(with(good(), "[[0]]", std::string(1000000, '[')), "placement");
    refused(with(good(), "\"tick\":0", "\"tick\":" + std::string(1000000, '{')), "tick is an object");
}

TEST(ScheduleFile, KeysComeInAnyOrder) {
    const std::string text = good();
    const std::size_t slot_total = text.find("\"slots\"");
    const std::string last = text.substr(slot_total, text.size() - slot_total - 1);
    const auto turned = std::get<schedule>(read_table("{" + last + "," + text.substr(1, slot_total - 2) + "}"));
    EXPECT_EQ(turned.entries.size(), 2u);
}

TEST(ScheduleFile, BrokenLawsAreVerifysToSay) {
    const auto read = std::get<schedule>(read_table(with(good(), "\"op\":\"B\"", "\"op\":\"F\"")));
    EXPECT_FALSE(verify(read).ok());
    const auto empty = std::get<schedule>(read_table(good().substr(0, good().find("[[{")) + "[[]]}"));
    EXPECT_FALSE(verify(empty).ok());
}

std::string program_text() {
    return json(lower(make_schedule({{.which = chimera::family::bidirectional,
                                      .stages = 2,
                                      .micro_batches = 4,
                                      .scale = chimera::scale::doubling}})));
}

TEST(ProgramFile, IsChecked) {
    EXPECT_TRUE(verify(std::get<program>(read_table(program_text()))).ok());
    refused(with(program_text(), "\"peer\":1", "\"peer\":2"), "peer is 2 (the file has 2)");
    refused(with(program_text(), "\"to_stage\":1", "\"to_stage\":0"), "stage and to_stage differ");
    refused(with(program_text(), "\"buffers\":[0,1]", "\"buffers\":[0]"), "buffers does not fit");
    refused(with(program_text(), ",\"buffers\":[0,1]", ""), "key 'buffers' is missing");
    refused(with(program_text(), "\"buffer\":0", "\"buffer\":-1"), "buffer is -1");
    refused(with(program_text(), "\"buffers\":[0,1]", "\"buffers\":[0,2000000]"), "a buffer is 2000000");
    refused(with(program_text(), "\"members\":[0,1]", "\"members\":[0,9]"), "members");
    refused(with(program_text(), "\"op\":\"forward\"", "\"op\":\"sideways\""), "op 'sideways' is unknown");
    EXPECT_THROW((void)read_table(with(program_text(), "\"members\":[0,1]", "\"members\":[1,0]")), contradiction);
}

TEST(ProgramFile, LostTransfersAreVerifysToSay) {
    for (const char* op : {"send_activation", "recv_activation", "send_gradient", "recv_gradient"}) {
        std::string text = program_text();
        const std::size_t at = text.find(std::string("{\"op\":\"") + op);
        text.erase(at, text.find("{\"op\"", at + 1) - at);
        const report found = verify(std::get<program>(read_table(text)));
        EXPECT_TRUE(found.broken(law::matched)) << op;
    }
}

const std::string plain = R"({"format":"chimera.costs","version":1,"forward":1,"backward":2})";

void costs_refused(const std::string& text, const std::string& part) {
    expect_refused([](const std::string& t) { return read_costs(t); }, text, part);
}

TEST(CostsFile, FillsInWhatFollows) {
    const costs c = read_costs(plain).each;
    EXPECT_EQ(c.input_gradient[0], 1);
    EXPECT_EQ(c.weight_gradient[3], 1);
    EXPECT_EQ(c.recompute[0], 1);
    EXPECT_EQ(c.transfer[0], 0);
    const costs halves =
        read_costs(
            R"({"format":"chimera.costs","version":1,"forward":[1,2],"input_gradient":[3,4],"weight_gradient":1})")
            .each;
    EXPECT_EQ(halves.backward[1], 5);
    EXPECT_EQ(halves.recompute[1], 2);
}

TEST(CostsFile, ResolvesLinks) {
    const stated_costs stated =
        read_costs(with(plain, "\"forward\":1",
                        R"("forward":1,"transfer":{"latency":0.5,"bandwidth":4,"bytes":[2,8]},)"
                        R"("reduce":{"latency":1,"bandwidth":2,"bytes":3,"algorithm":"ring"},"update":0.25)"));
    const costs& c = stated.each;
    EXPECT_EQ(stated.transfer_bytes.values, (std::vector<double>{2, 8}));
    EXPECT_TRUE(read_costs(plain).transfer_bytes.values.empty());
    EXPECT_EQ(c.transfer[0], 1);
    EXPECT_EQ(c.transfer[1], 2.5);
    EXPECT_EQ(c.reduce.algorithm, collective::ring);
    EXPECT_EQ(c.reduce.bytes[0], 3);
    EXPECT_EQ(c.update[0], 0.25);
    EXPECT_FALSE(c.paired.given());
    EXPECT_EQ(read_costs(with(plain, "\"forward\":1", R"("forward":1,"paired":[2,2.5])")).each.paired[1], 2.5);
    EXPECT_NO_THROW((void)check_lengths(c, 3));
    EXPECT_THROW((void)check_lengths(c, 4), chimera_error);
}

TEST(CostsFile, IsStrict) {
    for (const char* value :
         {"0", "[0]", "[1,0]", "-1", "-0.001", "null", "\"1\"", "true", "{}", "[\"x\"]", "[-1]", "1e10"})
        costs_refused(with(plain, "\"forward\":1", "\"forward\":" + std::string(value)), "forward");
    costs_refused(with(plain, "\"forward\":1", "\"forward\":1e999"), "");
    costs_refused(with(plain, "\"forward\":1", "\"forward\":NaN"), "no valid JSON");
    costs_refused(with(plain, "\"forward\":1,", ""), "\"forward\" is missing");
    costs_refused(with(plain, ",\"backward\":2", ""), "\"backward\" is missing");
    costs_refused(with(plain, "\"backward\":2", "\"backward\":0.0"), "backward is 0");
    costs_refused(with(plain, "\"backward\":2", R"("input_gradient":0,"weight_gradient":0)"), "the sum of its halves");
    costs_refused(with(plain, "\"backward\":2", R"("backward":2,"paired":-1)"), "paired");
    costs_refused(with(plain, "\"version\":1", "\"version\":1.0"), "version");
    costs_refused(with(plain, "chimera.costs", "chimera.schedule"), "format");
    costs_refused(with(plain, "\"forward\":1", "\"forward\":1,\"fordward\":1"), "unknown");
    costs_refused(with(plain, "\"forward\":1", R"("forward":1,"transfer":{"latency":1,"bandwidth":0,"bytes":1})"),
                  "bandwidth is 0");
    costs_refused(with(plain, "\"forward\":1", R"("forward":1,"transfer":{"latency":1,"bytes":1})"),
                  "\"bandwidth\" is missing");
    costs_refused(with(plain, "\"forward\":1",
                       R"("forward":1,"reduce":{"latency":1,"bandwidth":1,"bytes":1,"algorithm":"tree"})"),
                  "algorithm");
    costs_refused(std::string(1000000, '['), "nests too deep");
    costs_refused("[]", "array");
    costs_refused("", "empty");
    for (std::size_t size = 0; size < plain.size(); ++size)
        EXPECT_THROW((void)read_costs(plain.substr(0, size)), chimera_error) << size;
}

TEST(Family, RefusesInOneLine) {
    family_options o{{.which = chimera::family::bidirectional, .stages = 4, .micro_batches = 4}};
    const auto change = [&](auto apply, const std::string& part) {
        family_options changed = o;
        try {
            apply(changed);
            make_schedule(changed);
            ADD_FAILURE() << part;
        } catch (const chimera_error& e) {
            EXPECT_THAT(e.what(), HasSubstr(part));
        }
    };
    change([](auto& c) { c.which = family_named("zigzag"); }, "known are gpipe, one_f_one_b, ");
    change([](auto& c) { c.stages = 5; }, "even");
    change([](auto& c) { c.stages = 0; }, "stages is 0");
    change([](auto& c) { c.stages = -4; }, "stages is -4");
    change([](auto& c) { c.micro_batches = 1000000000; }, "micro_batches is 1000000000");
    change([](auto& c) { c.stages = 65534, c.micro_batches = 1 << 20; }, "2^27");
    change([](auto& c) { c.pipelines = 3; }, "pipelines");
    change([](auto& c) { c.stages = 8, c.pipelines = 6; }, "divide");
    change([](auto& c) { c.stages = 65534, c.pipelines = 65534; }, "pipelines are too many");
    change([](auto&) { value_of_label(family_option_table[1], "triple"); }, "direct, doubling or halving");
    change([](auto& c) { c.width = 0; }, "width is 0");
    change([](auto& c) { c.width = 60000; }, "more than 65535");
    change([](auto& c) { c.recompute = recompute_named("4", 4); }, "stages from 0 to 3");
    change([](auto& c) { c.recompute = recompute_named("0,,1", 4); }, "recompute");
    change([](auto& c) { c.recompute = recompute_named("", 4); }, "recompute");
    change([](auto& c) { c.which = chimera::family::gpipe, c.pipelines = 2; }, "pipelines does not apply");
    change([](auto& c) { c.which = chimera::family::gpipe, c.scale = chimera::scale::halving; },
           "scale does not apply");
    change([](auto& c) { c.which = chimera::family::data_parallel; }, "stages must be 1");
    EXPECT_EQ(recomputed_stages(recompute_named("3,1,1", 4), 4), (std::vector<int>{1, 3}));
}

}  // namespace
}  // namespace chimera::executor
