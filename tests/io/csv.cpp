// SPDX-License-Identifier: Apache-2.0
#include "csv_support.hpp"

#include <chimera/algebra.hpp>
#include <chimera/io/read_csv.hpp>
#include <chimera/io/read_table.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/verify.hpp>

#include <executor/io/family_options.hpp>
#include <executor/io/read.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace chimera::executor {
namespace {

using chimera::test::csv_refusal;
using chimera::test::expect_same;
using testing::AllOf;
using testing::HasSubstr;

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
    EXPECT_THAT(csv_refusal("0F0,1X3"),
                AllOf(HasSubstr("row 1, column 2: '1X3' is no cell"), HasSubstr("pass is unknown")));
    EXPECT_THAT(csv_refusal("0F0\n,,0F"), HasSubstr("row 2, column 3: '0F' is no cell (it names no micro-batch)"));
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
        EXPECT_THAT(csv_refusal(bad), HasSubstr("row 1, column 1: ")) << bad;
        EXPECT_THAT(csv_refusal(std::string("0F0,\n,") + bad + ",0B0"), HasSubstr("row 2, column 2: ")) << bad;
    }
    EXPECT_THAT(csv_refusal(std::string_view("0F0,0\0F1", 8)), HasSubstr("row 1, column 2: '0?F1' is no cell"));
    EXPECT_THAT(csv_refusal("0F0,0B0\n1F0,1B0,1F0"),
                HasSubstr("row 2, column 3: 1F0 is there twice (first in row 2, column 1)"));
    EXPECT_THAT(csv_refusal("0F0,0B0\n1F0,0F1"),
                HasSubstr("row 2, column 2: 0F1 is in another row than 0F0 of row 1, column 1"));
    EXPECT_THAT(csv_refusal("0F0,0B0\n2F0,2B0"), HasSubstr("stage 1 is in no row"));
    EXPECT_THAT(csv_refusal("0F0,0B2000000000"),
                HasSubstr("row 1, column 2: 0B2000000000 has too large a micro-batch"));
    for (const char* nothing : {"", "\n\n", ",,,\n,,", "0UNSHARD", "0SEND_F0"})
        EXPECT_THAT(csv_refusal(nothing), HasSubstr("computes nothing"));
}

TEST(Csv, LongRows) {
    EXPECT_THAT(csv_refusal("0F0" + std::string(1000000, ',') + "0B0"),
                HasSubstr("1000001 columns (the file has only 2 passes)"));
    std::string many;
    for (int m = 0; m < 500000; ++m) many += "0F" + std::to_string(m) + ",0B" + std::to_string(m) + ',';
    const schedule read = read_csv(many).order;
    EXPECT_EQ(read.entries.size(), 1000000u);
    EXPECT_TRUE(verify(read).ok());
    EXPECT_THAT(csv_refusal(many + "0F77"),
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
        (void)read_table(mixed);
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
