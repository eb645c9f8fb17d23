// SPDX-License-Identifier: Apache-2.0
// What the writers write, the readers read back the same; and the files say what the format's description says.
#include <chimera/io/read_table.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/metrics_text.hpp>
#include <chimera/render/trace.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/io/family_options.hpp>
#include <executor/io/read.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <set>

namespace chimera::executor {
namespace {

/// Every family that allows it, with and without recompute and copies.
std::vector<family_options> many() {
    std::vector<family_options> out;
    const auto add = [&](family_options o) {
        try {
            (void)make_schedule(o);
            out.push_back(std::move(o));
        } catch (const chimera_error&) {
        }
    };
    for (const std::string_view family : family_names()) {
        for (const int stages : {1, 2, 4, 8}) {
            for (const int micro_batches : {1, 3, 4, 9, 16}) {
                for (const char* recompute : {"none", "full", "0"}) {
                    family_options o;
                    o.which = family_named(family);
                    o.stages = stages;
                    o.micro_batches = micro_batches;
                    o.recompute = recompute_named(recompute, stages);
                    o.width = micro_batches % 2 + 1;
                    add(o);
                    if (o.which != chimera::family::bidirectional) continue;
                    for (const scale how : {scale::doubling, scale::halving}) {
                        o.scale = how;
                        o.pipelines = stages > 2 ? 4 : 2;
                        add(o);
                    }
                }
            }
        }
    }
    return out;
}

TEST(RoundTrip, MeetsEveryFamily) {
    std::set<family> met;
    for (const family_options& o : many()) met.insert(o.which);
    EXPECT_EQ(met.size(), family_names().size());
}

void expect_same(const schedule& a, const schedule& b) {
    EXPECT_EQ(a.head, b.head);
    EXPECT_EQ(a.placement, b.placement);
    EXPECT_EQ(a.offsets, b.offsets);
    EXPECT_TRUE(a.entries == b.entries);
}

TEST(RoundTrip, Schedules) {
    for (const family_options& o : many()) {
        const schedule made = make_schedule(o);
        expect_same(made, std::get<schedule>(read_table(json(schedule_view(made)))));
    }
}

TEST(RoundTrip, OverlapSurvives) {
    schedule made = make_schedule({{.which = chimera::family::gpipe, .stages = 2, .micro_batches = 2}});
    made.entries[1].overlap = 1;
    made.entries[2].ticks = 3;
    expect_same(made, std::get<schedule>(read_table(json(schedule_view(made)))));
}

TEST(RoundTrip, Programs) {
    for (const family_options& o : many()) {
        for (const reduction_start mode : {reduction_start::lazy, reduction_start::eager, reduction_start::eager_opt}) {
            const program made = lower(make_schedule(o), mode);
            const auto back = std::get<program>(read_table(json(program_view(made))));
            EXPECT_EQ(made.head, back.head);
            EXPECT_EQ(made.placement, back.placement);
            EXPECT_EQ(made.offsets, back.offsets);
            EXPECT_TRUE(made.instructions == back.instructions)
                << name(o.which) << ' ' << o.stages << ' ' << o.micro_batches << ' ' << name(o.scale);
            EXPECT_EQ(made.buffers, back.buffers);
            EXPECT_EQ(made.member_offsets, back.member_offsets);
            EXPECT_EQ(made.members, back.members);
            EXPECT_EQ(made.buffer_counts, back.buffer_counts);
            EXPECT_EQ(made.messages, back.messages);
            EXPECT_EQ(made.version_counts, back.version_counts) << name(o.which);
        }
    }
}

TEST(Files, ScheduleAsDescribed) {
    const schedule made = make_schedule({{.which = chimera::family::bidirectional, .stages = 4, .micro_batches = 4}});
    const auto file = nlohmann::json::parse(json(schedule_view(made)));
    EXPECT_EQ(file["format"], "chimera.schedule");
    EXPECT_EQ(file["version"], 1);
    EXPECT_EQ(file["family"], "bidirectional");
    EXPECT_EQ(file["placement"], nlohmann::json::parse("[[0,1,2,3],[3,2,1,0]]"));
    EXPECT_EQ(file["slots"].size(), 4u);
    EXPECT_EQ(file["slots"][0][0],
              nlohmann::json::parse(R"({"op":"F","pipeline":0,"stage":0,"first":0,"count":1,"tick":0,"ticks":1})"));
    for (const auto* key : {"workers", "stages", "micro_batches"}) EXPECT_EQ(file[key], 4) << key;
    EXPECT_EQ(file["pipelines"], 2);
    EXPECT_EQ(file["micro_batch_parts"], 1);
}

TEST(Files, AsynchronousProgramAsDescribed) {
    const program made = lower(make_schedule({{.which = chimera::family::pipedream, .stages = 4, .micro_batches = 6}}));
    const auto file = nlohmann::json::parse(json(program_view(made)));
    EXPECT_EQ(file["update"], "stashed");
    EXPECT_EQ(file["update_every"], 1);
    std::size_t index = 0;
    for (const auto& row : file["instructions"]) {
        for (const auto& i : row) {
            const instruction& x = made.instructions[index++];
            ASSERT_EQ(i.contains("version"), is_compute(x.op) || x.op == action::update_weights);
            if (i.contains("version")) {
                EXPECT_EQ(i["version"], x.version);
            }
        }
    }
    const auto flushed = nlohmann::json::parse(
        json(lower(make_schedule({{.which = chimera::family::one_f_one_b, .stages = 4, .micro_batches = 6}}))));
    EXPECT_FALSE(flushed.contains("update") || flushed.contains("update_every"));
    EXPECT_FALSE(flushed["instructions"][0][0].contains("version"));
}

TEST(Files, PairsInProgramsAsDescribed) {
    const program made = lower(make_schedule({{.which = chimera::family::dualpipe, .stages = 4, .micro_batches = 8}}));
    const auto file = nlohmann::json::parse(json(program_view(made)));
    std::size_t index = 0, pairs = 0;
    for (const auto& row : file["instructions"]) {
        for (const auto& i : row) {
            const bool first = made.instructions[index++].overlap != 0;
            ASSERT_EQ(i.contains("overlap"), first);
            pairs += first;
        }
    }
    EXPECT_GE(pairs, 4U);
}

TEST(Files, ProgramAsDescribed) {
    const program made = lower(make_schedule({{.which = chimera::family::bidirectional,
                                               .stages = 2,
                                               .micro_batches = 4,
                                               .scale = chimera::scale::doubling}}));
    const auto file = nlohmann::json::parse(json(program_view(made)));
    std::size_t index = 0;
    for (const auto& row : file["instructions"]) {
        for (const auto& i : row) {
            const instruction& x = made.instructions[index++];
            EXPECT_EQ(i["op"], name(x.op));
            EXPECT_EQ(i.contains("pipeline") && i.contains("first") && i.contains("count"),
                      is_compute(x.op) || is_transfer(x.op));
            EXPECT_EQ(i.contains("peer") && i.contains("to_stage") && i.contains("group"), is_transfer(x.op));
            EXPECT_EQ(i.contains("buffer"), is_compute(x.op));
            EXPECT_EQ(i.contains("buffers"), is_compute(x.op) && x.count > 1);
            EXPECT_EQ(i.contains("members"), x.op == action::reduce_gradient || x.op == action::wait_gradient);
            EXPECT_EQ(i["stage"], x.stage);
            if (is_transfer(x.op)) {
                EXPECT_EQ(i["to_stage"], x.stage);
            }
            if (i.contains("buffers")) {
                EXPECT_EQ(i["buffers"].size(), x.count);
            }
        }
    }
    EXPECT_EQ(index, made.instructions.size());
}

TEST(Files, TraceHasEveryStep) {
    const program made =
        lower(make_schedule({{.which = chimera::family::bidirectional, .stages = 4, .micro_batches = 4}}));
    costs c;
    c.reduce.seconds = 2;
    const timeline of = simulate(made, c);
    const auto file = nlohmann::json::parse(trace(of));
    std::size_t spans = 0;
    double end = 0;
    for (const auto& event : file["traceEvents"]) {
        if (event["ph"] != "X") continue;
        ++spans;
        end = std::max(end, event["ts"].get<double>() + event["dur"].get<double>());
        if (event["cat"] == "forward") {
            EXPECT_TRUE(event["args"].contains("micro_batch"));
        }
    }
    EXPECT_EQ(spans, of.steps.size() + of.reductions.size());
    EXPECT_DOUBLE_EQ(end, 1e6 * metrics(of).makespan);
}

TEST(Files, MetricsHaveTheirNames) {
    const auto of = metrics(
        simulate(lower(make_schedule({{.which = chimera::family::bidirectional, .stages = 4, .micro_batches = 4}}))));
    const auto file = nlohmann::json::parse(json(of, 5));
    EXPECT_EQ(file["makespan"], 10);
    EXPECT_EQ(file["workers"].size(), 4u);
    EXPECT_EQ(file["workers"][0]["busy"], 8);
    EXPECT_EQ(file["workers"][1]["idle"], 2);
    EXPECT_EQ(file["workers"][0]["peak_activations"], 3);
    EXPECT_DOUBLE_EQ(file["bubble_ratio"], 0.2);
    EXPECT_EQ(file["slots"], 32);
    for (const auto* key : {"longest_span", "span_bubble_ratio", "slots_per_second"})
        EXPECT_TRUE(file.contains(key)) << key;
    EXPECT_TRUE(file["critical_path"].contains("forwards") && file["critical_path"].contains("backwards"));
}

}  // namespace
}  // namespace chimera::executor
