// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/lower.hpp>
#include <chimera/render/html.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/simulate/simulate.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

namespace chimera {
namespace {

using testing::HasSubstr;
using testing::Not;

/// What RFC 4648 says, the other way round.
std::string from_base64(std::string_view text) {
    std::string out;
    unsigned bits = 0;
    int held = 0;
    for (const char c : text) {
        if (c == '=') break;
        const unsigned digit = c >= 'a'   ? static_cast<unsigned>(c - 'a' + 26)
                               : c >= 'A' ? static_cast<unsigned>(c - 'A')
                               : c >= '0' ? static_cast<unsigned>(c - '0' + 52)
                               : c == '+' ? 62U
                                          : 63U;
        bits = (bits << 6U) | digit;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out.push_back(static_cast<char>(bits >> static_cast<unsigned>(held) & 255U));
    }
    return out;
}

/// Reads rows back, by the description in packed.hpp alone.
class unpacker {
public:
    explicit unpacker(std::string bytes) : bytes_(std::move(bytes)) {}
    bool at_end() const { return at_ == bytes_.size(); }

    /// Steps of the next row with begin and end in quanta, and their colour rows.
    std::vector<std::pair<step, std::int64_t>> row() {
        std::vector<std::array<std::int64_t, 9>> kinds(static_cast<std::size_t>(number()));
        for (auto& k : kinds) {
            k = {0, 0, 0, 0, 0, -1, 1, 0, 0};  // then: first, leap, gap, duration
            for (std::size_t f = 0; f < 5; ++f) k[f] = number();
        }
        const auto size = static_cast<std::size_t>(number());
        std::vector<std::size_t> order;
        std::vector<std::pair<step, std::int64_t>> out;
        std::int64_t now = 0;
        const auto add = [&](std::size_t which) {
            auto& k = kinds.at(which);
            order.push_back(which);
            k[5] += k[6];
            step s;
            s.op = static_cast<action>(k[0]);
            s.count = static_cast<std::uint8_t>(k[1]);
            s.pipeline = static_cast<std::uint16_t>(k[2]);
            s.stage = static_cast<std::uint16_t>(k[3]);
            s.first = static_cast<std::int32_t>(k[5]);
            s.begin = static_cast<double>(now + k[7]);
            now += k[7] + k[8];
            s.end = static_cast<double>(now);
            out.emplace_back(s, k[4]);
        };
        while (out.size() < size) {
            const std::int64_t token = number();
            if (token == 0) {
                const auto period = static_cast<std::size_t>(number());
                for (std::int64_t n = number(); n > 0; --n) add(order.at(order.size() - period));
                continue;
            }
            const auto which = static_cast<std::size_t>((token - 1) / 2);
            if (token % 2 == 0)
                for (const std::size_t f : {6U, 7U, 8U}) kinds.at(which)[f] += signed_number();
            add(which);
        }
        return out;
    }

    std::int64_t number() {
        std::int64_t out = 0;
        for (int shift = 0;; shift += 7) {
            const auto byte = static_cast<unsigned char>(bytes_.at(at_++));
            out |= std::int64_t{byte & 127U} << shift;
            if (byte < 128) return out;
        }
    }
    std::int64_t signed_number() {
        const std::int64_t n = number();
        return n % 2 == 0 ? n / 2 : -(n + 1) / 2;
    }

private:
    std::string bytes_;
    std::size_t at_ = 0;
};

void expect_same_rows(const timeline& of, const std::string& context) {
    const double quantum = detail::time_quantum(of);
    const detail::colour_rows colours(of);
    const auto check = [&](auto row) {
        std::string text;
        detail::put_packed(text, of.head.workers, colours, quantum, row);
        unpacker from(from_base64(text));
        for (int w = 0; w < of.head.workers; ++w) {
            const auto expected = row(w);
            const auto found = from.row();
            ASSERT_EQ(found.size(), expected.size()) << context;
            for (std::size_t i = 0; i < found.size(); ++i) {
                const step &a = found[i].first, &b = expected[i];
                ASSERT_EQ(std::tuple(a.op, a.count, a.pipeline, a.stage, a.first),
                          std::tuple(b.op, b.count, b.pipeline, b.stage, b.first))
                    << context << " worker " << w << " slot " << i;
                ASSERT_NEAR(a.begin * quantum, b.begin, 0.500001 * quantum) << context;
                ASSERT_NEAR(a.end * quantum, b.end, 0.500001 * quantum) << context;
                if (is_compute(b.op)) {
                    ASSERT_EQ(found[i].second, colours.of(b)) << context;
                }
            }
        }
        EXPECT_TRUE(from.at_end()) << context;
    };
    check([&](int w) { return of.row(w); });
    check([&](int w) { return of.reductions_of(w); });
}

TEST(Packed, RowsReadBackAsTheyWere) {
    const costs slow{.forward = 1.25e-3, .backward = 2.5e-3, .reduce = {.seconds = 1e-3}};
    const auto check = [&](const schedule& made, const std::string& name) {
        expect_same_rows(ticks_timeline(made), name + " in ticks");
        expect_same_rows(simulate(lower(made), slow), name + " in seconds");
    };
    check(generate(gpipe{5, 40}), "gpipe");
    check(generate(one_f_one_b{8, 100}), "one_f_one_b");
    check(generate(bidirectional{8, 32}), "bidirectional");
    check(generate(bitpipe{8, 16}), "bitpipe");
    check(generate(zb_v{8, 24}), "zb_v");
    check(generate(dualpipe{8, 20}), "dualpipe");
    check(generate(pipedream{4, 12}), "pipedream");
    check(generate(custom{"0F0 0F1 (0B0;0F2)OVERLAP_F_B 0B1 0B2"}), "custom");
}

TEST(Packed, TimesThatFollowNoRuleReadBack) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 50; ++round) {
        timeline of = simulate(lower(generate(bidirectional{4, 8})), {.forward = 1, .backward = 2});
        std::uniform_real_distribution<double> any(0, round < 25 ? 1.0 : 1e-4);
        for (int w = 0; w < of.head.workers; ++w) {
            double now = 0;
            for (auto i = static_cast<std::size_t>(of.offsets[static_cast<std::size_t>(w)]);
                 i < static_cast<std::size_t>(of.offsets[static_cast<std::size_t>(w) + 1]); ++i) {
                of.steps[i].begin = now += any(random);
                of.steps[i].end = now += any(random);
            }
        }
        std::shuffle(of.steps.begin(), of.steps.begin() + of.offsets[1], random);  // and no order either
        expect_same_rows(of, "round " + std::to_string(round));
    }
}

TEST(Packed, QuantumIsATickOrASimpleFraction) {
    timeline of = ticks_timeline(generate(gpipe{2, 2}));
    EXPECT_EQ(detail::time_quantum(of), 1);
    for (step& s : of.steps) s.begin /= 2, s.end /= 2;
    EXPECT_EQ(detail::time_quantum(of), 0.5);
    for (step& s : of.steps) s.begin /= 500, s.end /= 500;
    EXPECT_EQ(detail::time_quantum(of), 1e-3);
    for (step& s : of.steps) s.begin *= std::sqrt(2), s.end *= std::sqrt(2);
    const double last = std::max_element(of.steps.begin(), of.steps.end(), [](const step& a, const step& b) {
                            return a.end < b.end;
                        })->end;
    EXPECT_DOUBLE_EQ(detail::time_quantum(of) * 1073741824.0, last);
}

TEST(Packed, LongRegularRowsTakeFewBytes) {
    const timeline of = ticks_timeline(generate(one_f_one_b{16, 4096}));  // 131,072 slots
    std::string text;
    detail::put_packed(text, 16, detail::colour_rows(of), 1, [&](int w) { return of.row(w); });
    EXPECT_LT(text.size(), 16U * 150);
}

TEST(Packed, Base64AsInItsStandard) {
    const auto coded = [](std::string_view bytes) {
        std::string out;
        detail::put_base64(out, bytes);
        return out;
    };
    EXPECT_EQ(coded(""), "");
    EXPECT_EQ(coded("f"), "Zg==");
    EXPECT_EQ(coded("ab"), "YWI=");
    EXPECT_EQ(coded("foo"), "Zm9v");
    EXPECT_EQ(coded("foobar"), "Zm9vYmFy");
    EXPECT_EQ(coded("\xff\xfe\xfd"), "//79");
}

TEST(CriticalSteps, FollowOneAnother) {
    for (const schedule& made : {generate(bidirectional{8, 16}), generate(zb_v{4, 8}), generate(gpipe{4, 8})}) {
        const timeline of = simulate(lower(made), {.forward = 1, .backward = 2});
        const std::vector<std::int32_t> chain = critical_steps(of, 1e-9);
        const critical_path counted = find_critical_path(of, 1e-9);
        EXPECT_EQ(static_cast<int>(chain.size()), counted.forwards + counted.backwards + counted.others);
        for (std::size_t k = 1; k < chain.size(); ++k) {
            const step &before = of.steps[static_cast<std::size_t>(chain[k - 1])],
                       &now = of.steps[static_cast<std::size_t>(chain[k])];
            EXPECT_DOUBLE_EQ(before.end, now.begin);
        }
        EXPECT_EQ(of.steps[static_cast<std::size_t>(chain.front())].begin, 0);
    }
}

TEST(Html, NamesCannotBecomeMarkup) {
    timeline of = ticks_timeline(generate(gpipe{2, 2}));
    const std::string evil = "</script><script>evil()//<!--&";
    of.head.family = std::string_view(evil);
    const panel one{&of, evil, evil};
    html_options how{.unit = time_unit::ticks, .title = evil, .note = evil, .remark = evil};
    how.tables.push_back({evil, {evil}, {{evil}}});
    for (const std::string& page : {html(of, {.title = evil, .note = evil}), html(std::span(&one, 1), how)}) {
        EXPECT_THAT(page, Not(HasSubstr("<script>evil")));
        EXPECT_THAT(page, Not(HasSubstr("<!--")));
        std::size_t scripts = 0;
        for (std::size_t at = 0; (at = page.find("<script", at)) != std::string::npos; ++at) ++scripts;
        EXPECT_EQ(scripts, 2U);
    }
}

TEST(Html, SaysWhatIsComparedWithWhat) {
    const timeline predicted = simulate(lower(generate(gpipe{2, 2})), {.forward = 1, .backward = 2});
    const timeline measured = simulate(lower(generate(gpipe{2, 2})), {.forward = 1.5, .backward = 2});
    const std::string page = html(predicted, measured);
    EXPECT_THAT(page,
                HasSubstr(R"({"title":"predicted","caption":"2 stages on 2 workers, 2 micro-batches · predicted and )"
                          R"(measured","against":-1)"));
    EXPECT_THAT(page, HasSubstr("\"title\":\"measured\""));
    EXPECT_THAT(page, HasSubstr("\"against\":0"));
    EXPECT_THAT(page, HasSubstr("\"makespan\":9,"));
    EXPECT_EQ(page, html(predicted, measured));
}

}  // namespace
}  // namespace chimera
