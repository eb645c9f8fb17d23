// SPDX-License-Identifier: Apache-2.0
// Memory of workers: state by ZeRO level, the paper's closed forms against the schedules, the timeline against a plain count.
#include <chimera/algebra.hpp>
#include <chimera/memory/memory_timeline.hpp>
#include <chimera/model/catalogue.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/family.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace chimera {
namespace {

// Rajbhandari et al., ZeRO (arXiv 1910.02054), figure 1 at K = 12; Megatron-LM's distributed optimiser.
constexpr precision megatron{2, 4, 12, 2};
static_assert(state_of({}, 0, 64).total() == 16);
static_assert(state_of({}, 1, 64).total() == 4 + 12.0 / 64);
static_assert(state_of({}, 2, 64).total() == 2 + 14.0 / 64);
static_assert(state_of({}, 3, 64).total() == 16.0 / 64);
static_assert(state_of({}, 3, 1).total() == 16);
static_assert(state_of(megatron, 0, 8).total() == 18);
static_assert(state_of(megatron, 1, 8).total() == 6 + 12.0 / 8);
static_assert(state_of(single_precision, 0, 1).total() == 16);
static_assert(state_of({}, 1, 4, 2) == state_bytes{4, 2, 3});

TEST(State, EveryLevelAtManyReplicas) {
    for (const int d : {1, 2, 3, 7, 8, 64, 1000}) {
        EXPECT_DOUBLE_EQ(state_of({}, 0, d).total(), 16);
        EXPECT_DOUBLE_EQ(state_of({}, 1, d).total(), 4 + 12.0 / d);
        EXPECT_DOUBLE_EQ(state_of({}, 2, d).total(), 2 + 14.0 / d);
        EXPECT_DOUBLE_EQ(state_of({}, 3, d).total(), 16.0 / d);
        EXPECT_DOUBLE_EQ(state_of(megatron, 1, d).total(), 6 + 12.0 / d);
    }
}

TEST(State, VersionsAreThoseThatTheProgramNames) {
    for (int d = 1; d <= 9; ++d)
        for (int n = 1; n <= 24; ++n) {
            const program own = lower(generate(pipedream{d, n}));
            for (int s = 0; s < d; ++s)
                EXPECT_EQ(weight_versions(own.head, s), own.view().versions_of(s, 0)) << d << " " << n << " " << s;
            for (int each = d; each <= d + 3; ++each) {
                const program two = lower(generate(pipedream_2bw{d, n, each}));
                for (int s = 0; s < d; ++s)
                    EXPECT_EQ(weight_versions(two.head, s), two.view().versions_of(s, 0))
                        << d << " " << n << " " << each;
            }
        }
}

/// Stages that keep one byte a unit, nothing else: peaks in units.
std::vector<stage_memory> ones(int stages) {
    stage_memory one;
    one.kept = 1;
    return std::vector<stage_memory>(static_cast<std::size_t>(stages), one);
}

/// Least and most micro-batches of one stage that workers keep, from the papers (D stages, N micro-batches, f pairs of pipelines).
struct peak_range {
    double least = 0, most = 0;
    friend constexpr bool operator==(const peak_range&, const peak_range&) = default;
};

/// Closed forms of published peaks, table 2 of the Chimera paper (arXiv 2107.06925) first.
namespace published {

constexpr peak_range gpipe(int micro_batches) { return {double(micro_batches), double(micro_batches)}; }
constexpr peak_range one_f_one_b(int stages, int micro_batches) {
    return {1, double((std::min)(stages, micro_batches))};
}
/// Chimera at D or more micro-batches, direct; table 3 for f > 1: [D - D/(2f) + 1, D].
constexpr peak_range bidirectional(int stages, int pairs = 1) {
    return {stages - stages / (2.0 * pairs) + 1, double(stages)};
}
/// Zero bubble (arXiv 2401.10241): H1 as 1F1B, H2 up to 2D - 1.
constexpr double zb_h2(int stages, int micro_batches) { return (std::min)(2 * stages - 1, micro_batches); }
/// Controllable memory (arXiv 2405.15362), in micro-batches of two chunks.
constexpr double v_half(int workers) {
    const int whole = (workers + 2) / 2;
    return whole;
}
constexpr double v_min(int workers) {
    const int whole = (workers + 4) / 3;
    return whole;
}
/// DualPipe (DeepSeek-V3, arXiv 2412.19437).
constexpr double dualpipe(int stages) { return stages + 1; }
/// Interleaved 1F1B (Narayanan et al., arXiv 2104.04473), in micro-batches of a worker's v chunks: D (1 + (D - 1)/(D v)).
constexpr double interleaved(int workers, int chunks) { return workers * (1 + (workers - 1.0) / (workers * chunks)); }

}  // namespace published

/// Least and most micro-batches that workers keep.
peak_range peaks_of(const schedule& of, double chunks = 1) {
    peak_range out{1e9, 0};
    for (int w = 0; w < of.head.workers; ++w) {
        const double most =
            activation_peak(of.view().row(w), ones(of.head.stages)) / chunks / of.head.micro_batch_parts;
        out = {std::min(out.least, most), std::max(out.most, most)};
    }
    return out;
}

TEST(PublishedPeaks, AreThoseOfTheSchedules) {
    for (const int d : {2, 4, 8, 16})
        for (const int n : {1, 2 * d, 4 * d, 5 * d}) {
            EXPECT_EQ(peaks_of(generate(gpipe{d, n})), published::gpipe(n));
            EXPECT_EQ(peaks_of(generate(one_f_one_b{d, n})), published::one_f_one_b(d, n));
            if (n == 1) continue;
            EXPECT_EQ(peaks_of(generate(zb_h2{d, n})).most, published::zb_h2(d, n));
            EXPECT_EQ(peaks_of(generate(zb_h1{d, n})).most, d);
            EXPECT_EQ(peaks_of(generate(bidirectional{d, n})), published::bidirectional(d)) << d << " " << n;
            if (d >= 4) {
                EXPECT_EQ(peaks_of(generate(bidirectional{d, n, d})), published::bidirectional(d, d / 2))
                    << d << " " << n;
            }
            EXPECT_EQ(peaks_of(generate(v_half{2 * d, n}), 2).most, published::v_half(d)) << d << " " << n;
            EXPECT_EQ(peaks_of(generate(v_min{2 * d, n}), 2).most, published::v_min(d)) << d << " " << n;
            EXPECT_EQ(peaks_of(generate(dualpipe{d, n})).most, published::dualpipe(d)) << d << " " << n;
            EXPECT_EQ(peaks_of(generate(interleaved{2 * d, n, 2}), 2).most, published::interleaved(d, 2))
                << d << " " << n;
        }
}

/// Numbers that no two sums of different things share by chance.
std::vector<stage_memory> random_stages(int count, std::mt19937& draw, bool recomputed) {
    const auto number = [&] { return 1.0 + static_cast<double>(draw() % 1000); };
    std::vector<stage_memory> out(static_cast<std::size_t>(count));
    double boundary = 0;
    for (int s = 0; s < count; ++s) {
        stage_memory& one = out[static_cast<std::size_t>(s)];
        one.state = {number(), number(), number()};
        one.input = boundary;
        boundary = s + 1 < count ? number() : 0;
        one.output = boundary;
        one.kept = recomputed ? one.input : number();
        one.unfolded = recomputed ? number() : 0;
        one.workspace = number();
    }
    return out;
}

/// What is in memory at every instruction, from sets of what is alive: (kind, stage, unit) → first and last instruction.
std::vector<double> plain_count(program_view p, int w, const std::vector<stage_memory>& stages) {
    struct life {
        double bytes = 0;
        std::size_t from = 0, to = 0;
    };
    std::map<std::tuple<char, int, int>, life>
        all;  // kinds: k kept, u unfolded, a activation into a stage, g gradient out of it
    const auto row = p.row(w);
    const auto touch = [&](char kind, int stage, int unit, double bytes, std::size_t i, std::size_t to) {
        auto& l = all.try_emplace({kind, stage, unit}, life{bytes, i, to}).first->second;
        l.from = std::min(l.from, i), l.to = std::max(l.to, to);
    };
    for (std::size_t i = 0; i < row.size(); ++i) {
        const instruction& x = row[i];
        std::size_t end = i;  // of its group of transfers
        while (is_transfer(x.op) && x.group >= 0 && end + 1 < row.size() && is_transfer(row[end + 1].op) &&
               row[end + 1].group == x.group)
            ++end;
        const stage_memory& own = stages[x.stage];
        const int last = p.head.stages - 1;
        for (int u = x.first; u < x.first + x.count; ++u) {
            if (x.op == action::recv_activation || x.op == action::send_activation)
                touch('a', x.stage, u, own.input, i, end);
            if (x.op == action::recv_gradient || x.op == action::send_gradient)
                touch('g', x.stage, u, own.output, i, end);
            if (!is_compute(x.op)) continue;
            const bool pair = x.overlap != 0 && (x.op == action::backward || x.op == action::weight_gradient);
            touch('k', x.stage, u, own.kept, i, i + (pair ? 1 : 0));
            if (x.op == action::recompute) touch('u', x.stage, u, own.unfolded, i, i);
            if (x.op != action::recompute && x.op != action::forward && own.unfolded > 0)
                touch('u', x.stage, u, 0, i, i);
            const bool gradient = x.op == action::backward || x.op == action::input_gradient;
            if (x.op == action::forward && x.stage > 0) touch('a', x.stage, u, own.input, i, i);
            if (x.op == action::forward && x.stage < last) touch('a', x.stage + 1, u, own.output, i, i);
            if (gradient && x.stage < last) touch('g', x.stage, u, own.output, i, i);
            if (gradient && x.stage > 0) touch('g', x.stage - 1, u, own.input, i, i);
        }
    }
    // Transfers of several units live as long as the longest of them: their units are one tensor.
    for (std::size_t i = 0; i < row.size(); ++i) {
        const instruction& x = row[i];
        if (!is_transfer(x.op) || x.count == 1) continue;
        const char kind = x.op == action::recv_activation || x.op == action::send_activation ? 'a' : 'g';
        std::size_t from = row.size(), to = 0;
        for (int u = x.first; u < x.first + x.count; ++u) {
            from = std::min(from, all.at({kind, x.stage, u}).from);
            to = std::max(to, all.at({kind, x.stage, u}).to);
        }
        for (int u = x.first; u < x.first + x.count; ++u)
            all.at({kind, x.stage, u}).from = from, all.at({kind, x.stage, u}).to = to;
    }
    std::vector<double> out(row.size());
    for (const auto& [what, l] : all)
        for (std::size_t i = l.from; i <= l.to && i < out.size(); ++i) out[i] += l.bytes;
    return out;
}

/// Every family at several sizes, with and without recompute.
template <class Check>
void each_family(Check check) {
    for (std::size_t f = 0; f < family_labels.size(); ++f)
        for (const int d : {1, 2, 4, 8})
            for (const int n : {1, 3, 2 * d, 4 * d + 1}) {
                family_spec of;
                of.which = static_cast<family>(f);
                of.stages = of.which == family::data_parallel ? 1 : d;
                of.width = of.which == family::data_parallel ? d : 1;
                of.micro_batches = n;
                if (of.refused() != refusal::none) continue;
                const schedule plain = generate(of);
                SCOPED_TRACE(std::string(name(of.which)) + " D=" + std::to_string(d) + " N=" + std::to_string(n));
                check(plain, false);
                if (plain.head.update == update_rule::flushed)
                    check(recompute(plain, std::vector<std::uint8_t>(static_cast<std::size_t>(plain.head.stages), 1)),
                          true);
            }
}

TEST(MemoryTimeline, IsThePlainCount) {
    std::mt19937 draw(7);
    each_family([&](const schedule& of, bool recomputed) {
        const auto stages = random_stages(of.head.stages, draw, recomputed);
        const program p = lower(of);
        const auto rows = memory_timeline(p, stages);
        for (int w = 0; w < of.head.workers; ++w) {
            const auto plain = plain_count(p, w, stages);
            const memory_row& row = rows[static_cast<std::size_t>(w)];
            ASSERT_EQ(row.points.size(), plain.size());
            for (std::size_t i = 0; i < plain.size(); ++i)
                ASSERT_DOUBLE_EQ(row.points[i].total(), plain[i]) << w << " " << i;
            const double most = plain.empty() ? 0 : *std::ranges::max_element(plain);
            EXPECT_EQ(row.at_mark().total(), most);
        }
    });
}

TEST(MemoryTimeline, EndsEmpty) {
    std::mt19937 draw(8);
    each_family([&](const schedule& of, bool recomputed) {
        const auto stages = random_stages(of.head.stages, draw, recomputed);
        for (const memory_row& row : memory_timeline(lower(of, reduction_start::lazy), stages)) {
            if (row.points.empty()) continue;
            EXPECT_NEAR(row.points.back().total(), 0, 1e-6);  // an update: all is done
        }
    });
}

/// The timeline's activations are those of the row of slots: of the peak, not only of its size.
TEST(ActivationPeak, IsThatOfTheTimeline) {
    std::mt19937 draw(9);
    each_family([&](const schedule& of, bool recomputed) {
        const auto stages = random_stages(of.head.stages, draw, recomputed);
        const auto rows = memory_timeline(lower(of), stages);
        for (int w = 0; w < of.head.workers; ++w) {
            double most = 0;
            for (const memory_point& at : rows[static_cast<std::size_t>(w)].points)
                most = std::max(most, at.activations + at.unfolded);
            EXPECT_DOUBLE_EQ(activation_peak(of.view().row(w), stages), most) << w;
        }
    });
}

// What the first slot of a pair lets go is not there for the second, which may run beside it: two activations, not one.
TEST(ActivationPeak, OfAPairThatBeginsWithTheBackward) {
    schedule of{{"by_hand", 1, 1, 1, 2}, {0}, {0, 4}, {}};
    for (const auto& [op, unit, tick] : {std::tuple{pass::forward, 0, 0}, std::tuple{pass::backward, 0, 1},
                                         std::tuple{pass::forward, 1, 1}, std::tuple{pass::backward, 1, 2}})
        of.entries.push_back({.tick = tick, .first = unit, .op = op});
    const auto stages = ones(1);
    EXPECT_EQ(activation_peak(of.entries, stages), 1);
    of.entries[1].overlap = 1;
    EXPECT_EQ(activation_peak(of.entries, stages), 2);
    const auto rows = memory_timeline(lower(of), stages, 1);
    EXPECT_EQ(rows[0].peak(), 2);
    EXPECT_EQ(rows[0].reserved(), 2);
}

TEST(ActivationPeak, RecomputesWithoutSlotsToo) {
    std::mt19937 draw(10);
    for (const int n : {1, 4, 9}) {
        const schedule plain = generate(one_f_one_b{4, n});
        const schedule marked = recompute(plain, std::vector<std::uint8_t>(4, 1));
        const auto stages = random_stages(4, draw, true);
        for (int w = 0; w < 4; ++w)
            EXPECT_EQ(activation_peak(plain.view().row(w), stages), activation_peak(marked.view().row(w), stages));
    }
}

/// A model that people train, cut into stages of as many layers.
std::vector<stage_memory> stages_of(const model& m, int count, bool recomputed) {
    std::vector<int> cuts;
    for (int s = 0; s <= count; ++s) cuts.push_back(static_cast<int>(m.layers.size()) * s / count);
    std::vector<stage_memory> out;
    for (const stage_bytes& s : bytes_of(m, cuts, 1))
        out.push_back(memory_of(s, m.bytes, recomputed ? recompute_mode::full : recompute_mode::none));
    return out;
}

/// How far the peaks from slots alone are from the timeline's.
TEST(MemoryPeak, IsHardlyAboveTheTimelineAndNotBelow) {
    for (const char* name : {"gpt2-64", "bert-48", "llama-2-7b"}) {
        const model m = named(name);
        each_family([&](const schedule& of, bool recomputed) {
            if (of.head.stages < 2) return;
            const auto stages = stages_of(m, of.head.stages, recomputed);
            const program p = lower(of);
            const auto rows = memory_timeline(p, stages);
            const bool waits = of.head.family == label("breadth_first");
            for (int w = 0; w < of.head.workers; ++w) {
                const memory_row& exact = rows[static_cast<std::size_t>(w)];
                const double peak = memory_peak(of, w, stages) / exact.peak();
                EXPECT_GE(peak, waits ? 0.98 : 1) << name << ", worker " << w;
                EXPECT_LT(peak, 1.015) << name << ", worker " << w;
            }
        });
    }
}

}  // namespace
}  // namespace chimera
