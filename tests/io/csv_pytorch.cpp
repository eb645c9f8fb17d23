// SPDX-License-Identifier: Apache-2.0
#include "csv_support.hpp"

#include <chimera/core/complaint.hpp>
#include <chimera/io/read_csv.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/verify.hpp>

#include <executor/io/read.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <variant>
#include <vector>

namespace chimera::executor {
namespace {

using chimera::test::csv_refusal;
using chimera::test::expect_same;
using testing::AllOf;
using testing::HasSubstr;

/// PyTorch's own files: its orders obey the laws, are lowered and read again from what is written.
TEST(CsvOfPyTorch, ReadsWhatPyTorchWrites) {
    struct expectation {
        const char* name;
        int workers, stages, micro_batches;
        std::size_t slot_total;
        bool halves;
    };
    for (const expectation& e : {expectation{"interleaved", 4, 8, 8, 128, false},
                                 {"breadth_first", 2, 4, 4, 32, false},
                                 {"interleaved_zero_bubble", 4, 8, 8, 192, true},
                                 {"zb_v", 4, 8, 8, 192, true},
                                 {"dualpipe_v", 4, 8, 10, 182, true}}) {
        const std::string path = CHIMERA_SOURCE_DIR "/tests/fixtures/pytorch/" + std::string(e.name) + ".csv";
        const auto order = std::get<schedule>(load_table(path));
        EXPECT_EQ(order.head.workers, e.workers) << path;
        EXPECT_EQ(order.head.stages, e.stages) << path;
        EXPECT_EQ(order.head.micro_batches, e.micro_batches) << path;
        EXPECT_EQ(order.entries.size(), e.slot_total) << path;
        EXPECT_EQ(std::any_of(order.entries.begin(), order.entries.end(),
                              [](const slot& s) { return s.op == pass::input_gradient; }),
                  e.halves);
        for (const fault& f : verify(order).faults) ADD_FAILURE() << path << ": " << message(f);
        for (const fault& f : verify(lower(order)).faults) ADD_FAILURE() << path << ": " << message(f);
        expect_same(read_csv(csv(order)).order, order, path);
    }
}

/// With transfers the order is the same as without.
TEST(CsvOfPyTorch, ReadsTransfers) {
    for (const std::string name : {"interleaved", "zb_v", "dualpipe_v"}) {
        const std::string path = CHIMERA_SOURCE_DIR "/tests/fixtures/pytorch/" + name;
        const csv_order with = read_csv(read_file(path + ".comms.csv"));
        const schedule without = timed(read_csv(read_file(path + ".csv")).order);
        EXPECT_THAT(with.note, HasSubstr("transfers fit")) << name;
        EXPECT_EQ(with.order.entries, without.entries) << name;
    }
    const schedule made = generate(one_f_one_b{4, 8});
    const csv_order read = read_csv(csv(lower(made)));
    EXPECT_EQ(read.order.entries, timed(made).entries);
    EXPECT_THAT(csv(lower(made)), HasSubstr("1RECV_F0,1F0,1SEND_F0"));
}

TEST(CsvOfPyTorch, TransfersMustFitThePasses) {
    const std::string good = "0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n";
    EXPECT_EQ(csv_refusal(good), "accepted");
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        return csv_refusal(text.replace(text.find(from), from.size(), to));
    };
    EXPECT_THAT(changed("1RECV_F0,", ","), HasSubstr("row 1, column 2: 0SEND_F0 is received by nobody"));
    EXPECT_THAT(changed("0SEND_F0,", ","), HasSubstr("row 2, column 1: 1RECV_F0 is sent by nobody"));
    EXPECT_THAT(changed("0SEND_F0", "1SEND_F0"), HasSubstr("1SEND_F0 is on another worker"));
    EXPECT_THAT(changed("0SEND_F0", "0SEND_F1"), HasSubstr("0SEND_F1 sends what no pass yields"));
    EXPECT_THAT(changed("0F0,0SEND_F0", "0SEND_F0,0F0"), HasSubstr("0SEND_F0 comes before 0F0"));
    EXPECT_THAT(changed("1RECV_F0,1F0", "1F0,1RECV_F0"), HasSubstr("1RECV_F0 comes after 1F0"));
    EXPECT_THAT(csv_refusal("0F0,0SEND_F0,,0B0\n1RECV_F0,1F0,1B0,\n"),
                HasSubstr("row 1, column 4: 0B0 receives nothing from 1B0"));
    try {
        (void)read_csv("0F0,0SEND_F0,,0B0\n1RECV_F0,1F0,1B0,\n");
        FAIL();
    } catch (const contradiction& e) {
        EXPECT_EQ(e.complaint(), complaint::no_transfer);
    }
}

TEST(CsvOfPyTorch, ReadsCompoundsOfAnyParts) {
    const schedule plain = read_csv("0F0,0F1,,,0B0,0B1\n,1F0,1F1,1B0,1B1,\n").order;
    const auto order_of_slots = [](const schedule& s) {
        std::vector<std::string> out;
        for (const slot& x : s.entries) out.push_back(letter(x.op) + std::to_string(x.first) + (x.overlap ? "+" : ""));
        return out;
    };
    const csv_order read = read_csv(
        "(0F0;0F1)OVERLAP_F_B,None,(0B0)OVERLAP_F_B,( ;0B1; 0REDUCE_GRAD)OVERLAP_F_B\n"
        "None,(1F0;1F1;1B0)OVERLAP_F_B,()OVERLAP_F_B,1B1\n");
    EXPECT_EQ(order_of_slots(read.order), order_of_slots(plain));
    EXPECT_TRUE(verify(read.order).ok());
    EXPECT_THAT(read.note, AllOf(HasSubstr("one pass after the other"), HasSubstr("compute nothing")));
    const csv_order pair = read_csv("0F0,0I0,(0F1;0W0)OVERLAP_F_B,0I1,0W1\n");
    EXPECT_EQ(order_of_slots(pair.order), (std::vector<std::string>{"F0", "I0", "F1+", "W0", "I1", "W1"}));
    EXPECT_EQ(pair.note, "");
    const csv_order halves = read_csv("0F0,0F1,(0I0;0I1)OVERLAP_F_B,0W0,(0W1;0UNSHARD)OVERLAP_F_B\n");
    EXPECT_EQ(order_of_slots(halves.order), (std::vector<std::string>{"F0", "F1", "I0", "I1", "W0", "W1"}));
    EXPECT_THAT(
        read_csv("(0F0;0SEND_F0)OVERLAP_F_B,(0RECV_B0;0B0)OVERLAP_F_B\n1RECV_F0,1F0,(1B0;1SEND_B0)OVERLAP_F_B\n").note,
        HasSubstr("transfers fit"));
}

/// Orders of every family with halves and with whole backwards, in the letters of PyTorch 2.5.
TEST(CsvOfPyTorch, ReadsTheLettersOfPyTorch2_5) {
    const auto old = [](std::string text) {
        std::string out;
        for (const char c : text) c == 'B' ? out += "BW" : out += c == 'I' ? 'B' : c;
        return out;
    };
    int halved = 0;
    for (const family_spec& spec : {family_spec{family::one_f_one_b, 5, 7},
                                    {family::zb_h1, 5, 9},
                                    {family::zb_v, 6, 11},
                                    {family::gpipe, 3, 1}}) {
        const std::string modern = csv(generate(spec));
        const csv_order read = read_csv(old(modern));
        EXPECT_EQ(read.order.entries, read_csv(modern).order.entries);
        EXPECT_THAT(read.note, HasSubstr("PyTorch 2.5"));
        halved += modern.find('I') != std::string::npos ? 1 : 0;
    }
    EXPECT_EQ(halved, 2);
    EXPECT_EQ(read_csv("0F0,0F1,0BW0,0B1,0W1\n").order.entries, read_csv("0F0,0F1,0B0,0I1,0W1\n").order.entries);
    EXPECT_THAT(csv_refusal("0F0,0F1,0I0,0BW1"),
                HasSubstr("row 1, column 4: BW is a word of PyTorch 2.5 (0I0 of row 1 is of later versions)"));
}

}  // namespace
}  // namespace chimera::executor
