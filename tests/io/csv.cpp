// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/verify.hpp>

#include <executor/io/family_options.hpp>
#include <executor/io/read.hpp>
#include <executor/io/read_csv.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace chimera::executor {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal_of(std::string_view text) {
    try {
        read_csv(text);
    } catch (const chimera_error& e) {
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
        return e.what();
    }
    return "accepted";
}

/// The same in everything that csv holds: not the family's name, nor when weights change.
void expect_same(const schedule& read, const schedule& written, const std::string& what) {
    shape head = written.head;
    head.family = "custom";
    head.update = update_rule::flushed;
    head.update_every = 0;
    EXPECT_EQ(read.head, head) << what;
    EXPECT_EQ(read.placement, written.placement) << what;
    EXPECT_EQ(read.offsets, written.offsets) << what;
    EXPECT_EQ(read.entries, written.entries) << what;
}

std::vector<std::string> families() {
    std::vector<std::string> out;
    std::istringstream list(family_list());
    for (std::string name; std::getline(list, name, ',');) out.push_back(name.substr(name.find_first_not_of(' ')));
    return out;
}

TEST(Csv, RoundTripOfEveryFamilyWithOnePipeline) {
    int trips = 0;
    for (const std::string& family : families()) {
        int of_family = 0;
        bool holds = true;
        for (int stages = 1; stages <= 12; ++stages) {
            for (int micro_batches = 1; micro_batches <= 24; ++micro_batches) {
                schedule made;
                try {
                    family_options options;
                    options.which = family_named(family);
                    options.stages = stages;
                    options.micro_batches = micro_batches;
                    made = make_schedule(options);
                } catch (const chimera_error&) {
                    continue;
                }
                if (made.head.pipelines != 1) {
                    holds = false;
                    continue;
                }
                const std::string text = csv(made);
                const std::string what = family + " " + std::to_string(stages) + " " + std::to_string(micro_batches);
                expect_same(read_csv(text).order, made, what);
                EXPECT_EQ(csv(read_csv(text).order), text) << what;
                ASSERT_FALSE(HasFailure()) << text;
                ++of_family;
            }
        }
        EXPECT_TRUE(!holds || of_family > 0) << family;
        trips += of_family;
    }
    EXPECT_GE(trips, 2 * 12 * 24);
}

TEST(Csv, RoundTripWithOptions) {
    int trips = 0;
    for (int stages = 2; stages <= 16; stages += 2) {
        for (int micro_batches = 1; micro_batches <= 12; ++micro_batches) {
            std::vector<family_options> all(7);
            all[0].which = chimera::family::one_f_one_b;
            all[0].recompute = recompute_named("full", stages);
            all[1].which = chimera::family::zb_h1;
            all[1].recompute = recompute_named("0", stages);
            all[2].which = chimera::family::interleaved;
            all[2].chunks = stages % 3 == 0 ? 3 : 4;
            all[3].which = chimera::family::breadth_first;
            all[3].chunks = 4;
            all[4].which = chimera::family::wave;
            all[4].waves = 2;
            all[5].which = chimera::family::dualpipe_v;
            all[5].recompute = recompute_named("full", stages);
            all[6].which = chimera::family::pipedream_2bw;
            for (family_options& options : all) {
                options.stages = stages;
                options.micro_batches = micro_batches;
                schedule made;
                try {
                    made = make_schedule(options);
                } catch (const chimera_error&) {
                    continue;
                }
                expect_same(read_csv(csv(made)).order, made,
                            std::string(name(options.which)) + " " + std::to_string(stages));
                ++trips;
            }
        }
    }
    EXPECT_GT(trips, 300);
}

/// PyTorch's own files: its orders obey the laws, are lowered and read again from what is written.
TEST(Csv, ReadsWhatPyTorchWrites) {
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
TEST(Csv, ReadsTransfers) {
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

TEST(Csv, TransfersMustFitThePasses) {
    const std::string good = "0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n";
    EXPECT_EQ(refusal_of(good), "accepted");
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        return refusal_of(text.replace(text.find(from), from.size(), to));
    };
    EXPECT_THAT(changed("1RECV_F0,", ","), HasSubstr("row 1, column 2: 0SEND_F0 is received by nobody"));
    EXPECT_THAT(changed("0SEND_F0,", ","), HasSubstr("row 2, column 1: 1RECV_F0 is sent by nobody"));
    EXPECT_THAT(changed("0SEND_F0", "1SEND_F0"), HasSubstr("1SEND_F0 is on another worker"));
    EXPECT_THAT(changed("0SEND_F0", "0SEND_F1"), HasSubstr("0SEND_F1 sends what no pass yields"));
    EXPECT_THAT(changed("0F0,0SEND_F0", "0SEND_F0,0F0"), HasSubstr("0SEND_F0 comes before 0F0"));
    EXPECT_THAT(changed("1RECV_F0,1F0", "1F0,1RECV_F0"), HasSubstr("1RECV_F0 comes after 1F0"));
    EXPECT_THAT(refusal_of("0F0,0SEND_F0,,0B0\n1RECV_F0,1F0,1B0,\n"),
                HasSubstr("row 1, column 4: 0B0 receives nothing from 1B0"));
    try {
        (void)read_csv("0F0,0SEND_F0,,0B0\n1RECV_F0,1F0,1B0,\n");
        FAIL();
    } catch (const contradiction& e) {
        EXPECT_EQ(e.complaint(), complaint::no_transfer);
    }
}

TEST(Csv, FormsOfOneOrder) {
    const schedule plain = read_csv("0F0,0F1,,,0B0,0B1\n,1F0,1F1,1B0,1B1,\n").order;
    EXPECT_EQ(plain.entries, generate(gpipe{2, 2}).entries);
    for (const std::string_view same : {"0F0,0F1,,,0B0,0B1\r\n,1F0,1F1,1B0,1B1,\r\n",
                                        "\xef\xbb\xbf"
                                        "0F0,0F1,,,0B0,0B1\n,1F0,1F1,1B0,1B1\n\n\n",
                                        "\"0F0\",0F1 , ,\t,0B0,0B1\n\"\",\"1F0\", 1F1,1B0,1B1"}) {
        EXPECT_EQ(read_csv(same).order.entries, plain.entries) << same;
    }
}

TEST(Csv, ReadsCompoundsOfAnyParts) {
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
TEST(Csv, ReadsTheLettersOfPyTorch2_5) {
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
    EXPECT_THAT(refusal_of("0F0,0F1,0I0,0BW1"),
                HasSubstr("row 1, column 4: BW is a word of PyTorch 2.5 (0I0 of row 1 is of later versions)"));
}

TEST(Csv, TimesAnewWhatColumnsDoNotOrder) {
    const schedule order = read_csv("0F0,0F1,0B0,0B1\n1F0,1F1,1B0,1B1\n").order;
    EXPECT_EQ(order.entries, generate(gpipe{2, 2}).entries);
    EXPECT_TRUE(verify(order).ok());
}

TEST(Csv, RowsThatWaitForEachOtherAreNamed) {
    const schedule order = read_csv("0B0,0F0\n1F0,1B0\n").order;
    const report found = verify(order);
    ASSERT_FALSE(found.ok());
    EXPECT_TRUE(found.broken(law::ordered));
    EXPECT_EQ(found.faults.front().worker, 0);
}

TEST(Csv, RefusesWhatIsNoOrder) {
    EXPECT_THAT(refusal_of("0F0,1X3"),
                AllOf(HasSubstr("row 1, column 2: '1X3' is no cell"), HasSubstr("pass is unknown")));
    EXPECT_THAT(refusal_of("0F0\n,,0F"), HasSubstr("row 2, column 3: '0F' is no cell (it names no micro-batch)"));
    for (const char* bad : {"F0",
                            "0f0",
                            "0F-1",
                            "-1F0",
                            "0F0 0F1",
                            "0F0x",
                            "0F0;0F1",
                            "0F 0",
                            "0.5F0",
                            "0F1e3",
                            "0x1F0",
                            "\"0F0",
                            "0F\"0",
                            "(0F0;0B1)",
                            "(0F0;0X1)OVERLAP_F_B",
                            "(0F0;0B1)OVERLAP",
                            "((0F0;0B1)OVERLAP_F_B;0W1)OVERLAP_F_B",
                            "none",
                            "0BW",
                            "0BWx1",
                            "0SEND_F",
                            "0SEND0",
                            "0UNSHARDx",
                            "99999F0",
                            "70000000000000000000F0",
                            "0F9999999999",
                            "{",
                            "#"}) {
        EXPECT_THAT(refusal_of(bad), HasSubstr("row 1, column 1: ")) << bad;
        EXPECT_THAT(refusal_of(std::string("0F0,\n,") + bad + ",0B0"), HasSubstr("row 2, column 2: ")) << bad;
    }
    EXPECT_THAT(refusal_of(std::string_view("0F0,0\0F1", 8)), HasSubstr("row 1, column 2: '0?F1' is no cell"));
    EXPECT_THAT(refusal_of("0F0,0B0\n1F0,1B0,1F0"),
                HasSubstr("row 2, column 3: 1F0 is there twice (first in row 2, column 1)"));
    EXPECT_THAT(refusal_of("0F0,0B0\n1F0,0F1"),
                HasSubstr("row 2, column 2: 0F1 is in another row than 0F0 of row 1, column 1"));
    EXPECT_THAT(refusal_of("0F0,0B0\n2F0,2B0"), HasSubstr("stage 1 is in no row"));
    EXPECT_THAT(refusal_of("0F0,0B2000000000"), HasSubstr("row 1, column 2: 0B2000000000 has too large a micro-batch"));
    for (const char* nothing : {"", "\n\n", ",,,\n,,", "0UNSHARD", "0SEND_F0"})
        EXPECT_THAT(refusal_of(nothing), HasSubstr("computes nothing"));
}

TEST(Csv, LongRows) {
    EXPECT_THAT(refusal_of("0F0" + std::string(1000000, ',') + "0B0"),
                HasSubstr("1000001 columns (the file has only 2 passes)"));
    std::string many;
    for (int m = 0; m < 500000; ++m) many += "0F" + std::to_string(m) + ",0B" + std::to_string(m) + ',';
    const schedule read = read_csv(many).order;
    EXPECT_EQ(read.entries.size(), 1000000u);
    EXPECT_TRUE(verify(read).ok());
    EXPECT_THAT(refusal_of(many + "0F77"),
                HasSubstr("row 1, column 1000001: 0F77 is there twice (first in row 1, column 155)"));
}

std::string without(std::string text, const std::string& key) {
    for (std::size_t at; (at = text.find(",\"" + key + "\":")) != std::string::npos;)
        text.erase(at, text.find_first_of(",}", at + 1) - at);
    return text;
}

/// A hand-written order as JSON: all slots without tick, without ticks, or without both.
TEST(Json, OrdersWithoutTicks) {
    const schedule made = generate(one_f_one_b{3, 4});
    const std::string text = json(schedule_view(made));
    const schedule compacted = compact(made);
    for (const std::string& bare :
         {without(text, "tick"), without(without(text, "tick"), "ticks"), without(without(text, "ticks"), "tick")})
        EXPECT_EQ(std::get<schedule>(read_table(bare)).entries, compacted.entries) << bare;
    EXPECT_EQ(std::get<schedule>(read_table(without(text, "ticks"))).entries, made.entries);
    std::string mixed = text;
    const std::size_t at = mixed.rfind(",\"tick\":");
    mixed.erase(at, mixed.find(',', at + 1) - at);
    try {
        read_table(mixed);
        ADD_FAILURE() << "accepted";
    } catch (const chimera_error& e) {
        EXPECT_THAT(e.what(), HasSubstr("worker 2, slot 7: key 'tick' is missing (all slots have one, or none)"));
    }
    std::string waits = without(without(json(generate(gpipe{2, 1})), "tick"), "ticks");
    const std::size_t f = waits.rfind("\"op\":\"F\""), b = waits.rfind("\"op\":\"B\"");
    std::swap(waits[f + 6], waits[b + 6]);
    EXPECT_TRUE(verify(std::get<schedule>(read_table(waits))).broken(law::ordered));
}

TEST(Csv, IsToldFromJson) {
    EXPECT_TRUE(is_csv("x.csv", "{"));
    for (const char* text : {"0F0,0B0", ",,1F0", "\"0F0\"",
                             "\xef\xbb\xbf"
                             "0F0",
                             "\r\n0F0", "(0F1;0B0)OVERLAP_F_B,"})
        EXPECT_TRUE(is_csv("x", text)) << text;
    for (const char* text : {"", "{}", " [", "keep me", "12", "\xff\xfe{}"})
        EXPECT_FALSE(is_csv("x.json", text)) << text;
}

}  // namespace
}  // namespace chimera::executor
