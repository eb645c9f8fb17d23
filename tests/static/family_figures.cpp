// SPDX-License-Identifier: Apache-2.0

// The orders that papers draw, worker by worker, as literal tables. Compiling this file is the test.

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <string_view>

using namespace chimera;

namespace {

/// Reads the cells of an expected row.
struct reader {
    std::string_view text;
    std::size_t at = 0;

    constexpr bool take(char c) { return at < text.size() && text[at] == c && (++at, true); }
    constexpr bool number(int expected) {
        int value = 0;
        const std::size_t start = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) value = 10 * value + (text[at] - '0');
        return at > start && value == expected;
    }
    constexpr void next() { take(' '); }
};

/// Pass and micro-batch within its pipeline; small letters on the way up: a second pipeline or a second leg.
constexpr bool cell_is(reader& r, schedule_view of, const slot& s) {
    const char capital = letter(s.op);
    const bool up = s.pipeline == 1 || s.stage >= of.head.workers;
    const int each = of.head.micro_batches / of.head.pipelines;
    return r.take(up ? static_cast<char>(capital - 'A' + 'a') : capital) && r.number(s.first - s.pipeline * each);
}

/// A row cell by cell: a dot is an idle tick, & joins two slots that overlap.
constexpr bool row_is(schedule_view of, int w, std::string_view expected) {
    reader r{expected};
    int clock = 0;
    const auto row = of.row(w);
    for (std::size_t i = 0; i < row.size(); ++i) {
        for (; clock < row[i].tick; ++clock, r.next())
            if (!r.take('.')) return false;
        clock = row[i].end();
        if (!cell_is(r, of, row[i])) return false;
        if (row[i].overlap == 1 && (!r.take('&') || !cell_is(r, of, row[++i]))) return false;
        r.next();
    }
    return r.at == expected.size();
}

// ---- ZB-H1 (Qi et al., arXiv 2401.10241, Fig. 2, top): 4 workers ----
constexpr auto& h1 = fixed<zb_h1{4, 8}>;
static_assert(row_is(h1, 0, "F0 F1 F2 F3 . . . I0 W0 F4 I1 W1 F5 I2 W2 F6 I3 W3 F7 I4 W4 I5 W5 I6 W6 I7 W7"));
static_assert(row_is(h1, 1, ". F0 F1 F2 . . I0 F3 I1 W0 F4 I2 W1 F5 I3 W2 F6 I4 W3 F7 I5 W4 I6 W5 I7 W6 W7"));
static_assert(row_is(h1, 2, ". . F0 F1 . I0 F2 I1 F3 I2 W0 F4 I3 W1 F5 I4 W2 F6 I5 W3 F7 I6 W4 I7 W5 W6 W7"));
static_assert(row_is(h1, 3, ". . . F0 I0 F1 I1 F2 I2 F3 I3 W0 F4 I4 W1 F5 I5 W2 F6 I6 W3 F7 I7 W4 W5 W6 W7"));

// ---- ZB-H2 (the same, Fig. 2, bottom) ----
constexpr auto& h2 = fixed<zb_h2{4, 8}>;
static_assert(row_is(h2, 0, "F0 F1 F2 F3 F4 F5 F6 I0 W0 F7 I1 W1 I2 W2 I3 W3 I4 W4 I5 W5 I6 W6 I7 W7"));
static_assert(row_is(h2, 1, ". F0 F1 F2 F3 F4 I0 F5 I1 F6 I2 W0 F7 I3 W1 I4 W2 I5 W3 I6 W4 I7 W5 W6 W7"));
static_assert(row_is(h2, 2, ". . F0 F1 F2 I0 F3 I1 F4 I2 F5 I3 F6 I4 W0 F7 I5 W1 I6 W2 I7 W3 W4 W5 W6 W7"));
static_assert(row_is(h2, 3, ". . . F0 I0 F1 I1 F2 I2 F3 I3 F4 I4 F5 I5 F6 I6 W0 F7 I7 W1 W2 W3 W4 W5 W6 W7"));

// ---- ZB-V (the same, Fig. 6): 4 workers, two stages on each ----
constexpr auto& v = fixed<zb_v{8, 8}>;
static_assert(row_is(v, 0,
                     "F0 F1 F2 F3 F4 F5 F6 f0 i0 w0 f1 i1 w1 f2 i2 w2 f3 i3 w3 F7 I0 W0 f4 i4 w4 I1 W1 f5 i5 w5 I2 W2 "
                     "f6 i6 w6 I3 W3 f7 i7 I4 w7 I5 W4 I6 W5 I7 W6 W7"));
static_assert(row_is(v, 1,
                     ". F0 F1 F2 F3 F4 f0 F5 f1 i0 w0 f2 i1 w1 f3 i2 w2 F6 I0 W0 f4 i3 w3 F7 I1 W1 f5 i4 w4 I2 W2 f6 "
                     "i5 w5 I3 W3 f7 i6 I4 i7 I5 w6 I6 W4 I7 w7 W5 W6 W7"));
static_assert(row_is(v, 2,
                     ". . F0 F1 F2 f0 F3 f1 F4 f2 i0 w0 f3 i1 w1 F5 I0 W0 f4 i2 w2 F6 I1 W1 f5 i3 w3 F7 I2 W2 f6 i4 w4 "
                     "I3 W3 f7 i5 I4 i6 I5 i7 I6 w5 I7 W4 w6 W5 w7 W6 W7"));
static_assert(row_is(v, 3,
                     ". . . F0 f0 F1 f1 F2 f2 F3 f3 i0 w0 F4 I0 W0 f4 i1 w1 F5 I1 W1 f5 i2 w2 F6 I2 W2 f6 i3 w3 F7 I3 "
                     "W3 f7 i4 I4 i5 I5 i6 I6 i7 I7 w4 W4 w5 W5 w6 W6 w7 W7"));

// ---- Interleaved 1F1B (Narayanan et al., arXiv 2104.04473, Fig. 4, bottom): 4 workers, two chunks on each ----
constexpr auto& looped = fixed<interleaved{8, 8, 2}>;
static_assert(row_is(
    looped, 0,
    "F0 F1 F2 F3 f0 f1 f2 f3 F4 F5 F6 b0 F7 b1 . . f4 b2 f5 b3 f6 B0 f7 B1 B2 B3 . b4 . b5 . b6 . b7 B4 B5 B6 B7"));
static_assert(row_is(
    looped, 1,
    ". F0 F1 F2 F3 f0 f1 f2 f3 F4 b0 F5 b1 F6 b2 F7 b3 f4 B0 f5 B1 f6 B2 f7 B3 . b4 . b5 . b6 . b7 B4 B5 B6 B7"));
static_assert(
    row_is(looped, 2,
           ". . F0 F1 F2 F3 f0 f1 f2 b0 f3 b1 F4 b2 F5 b3 F6 B0 F7 B1 f4 B2 f5 B3 f6 b4 f7 b5 . b6 . b7 B4 B5 B6 B7"));
static_assert(
    row_is(looped, 3,
           ". . . F0 F1 F2 F3 f0 b0 f1 b1 f2 b2 f3 b3 F4 B0 F5 B1 F6 B2 F7 B3 f4 b4 f5 b5 f6 b6 f7 b7 B4 B5 B6 B7"));

// ---- DualPipe (DeepSeek-V3, arXiv 2412.19437, Fig. 5): 8 workers, 20 micro-batches; workers 4 to 7 mirror these ----
constexpr auto& dual = fixed<dualpipe{8, 20}>;
static_assert(row_is(dual, 0,
                     "F0 F1 F2 F3 F4 F5 F6 f0 i0 w0 f1 i1 w1 f2 i2 w2 f3 F7&b3 . . . f4&B0 F8&b4 f5&B1 F9&b5 f6&B2 b6 "
                     ". f7&B3 b7 . f8&B4 b8 . f9&B5 b9 I6 W6 I7 W7 I8 W8 I9 W9"));
static_assert(row_is(dual, 1,
                     ". F0 F1 F2 F3 F4 f0 F5 f1 i0 w0 f2 i1 w1 f3 F6&b2 . . f4&B0 F7&b3 f5&B1 F8&b4 f6&B2 F9&b5 f7&B3 "
                     "b6 . f8&B4 b7 . f9&B5 b8 B6 . i9 I7 w9 I8 W7 I9 W8 W9"));
static_assert(row_is(dual, 2,
                     ". . F0 F1 F2 f0 F3 f1 F4 f2 i0 w0 f3 F5&b1 . f4&B0 F6&b2 f5&B1 F7&b3 f6&B2 F8&b4 f7&B3 F9&b5 "
                     "f8&B4 b6 . f9&B5 b7 B6 . b8 I7 . i9 I8 W7 I9 w9 W8 W9"));
static_assert(row_is(dual, 3,
                     ". . . F0 f0 F1 f1 F2 f2 F3 f3 F4 b0 f4&B0 F5&b1 f5&B1 F6&b2 f6&B2 F7&b3 f7&B3 F8&b4 f8&B4 F9&b5 "
                     "f9&B5 b6 B6 . b7 B7 . i8 I8 . i9 I9 w8 W8 w9 W9"));

// ---- Hanayo (Liu et al., arXiv 2308.15762): 4 workers, 4 micro-batches, one wave and two ----
constexpr auto& one_wave = fixed<wave{8, 4}>;
static_assert(row_is(one_wave, 0, "F0 F1 F2 F3 . . . f0 b0 f1 b1 f2 b2 f3 b3 B0 . B1 . B2 . B3"));
static_assert(row_is(one_wave, 1, ". F0 F1 F2 . . f0 F3 f1 b0 f2 b1 f3 b2 B0 b3 B1 . B2 . B3"));
static_assert(row_is(one_wave, 2, ". . F0 F1 . f0 F2 f1 F3 f2 b0 f3 b1 B0 b2 B1 b3 B2 . B3"));
static_assert(row_is(one_wave, 3, ". . . F0 f0 F1 f1 F2 f2 F3 f3 b0 B0 b1 B1 b2 B2 b3 B3"));

constexpr auto& two_waves = fixed<wave{16, 4, 2}>;
static_assert(row_is(
    two_waves, 0,
    "F0 . F1 . F2 . F3 f0 f0 f1 f1 f2 f2 f3 f3 f0 b0 f1 b1 f2 b2 f3 b3 b0 b0 b1 b1 b2 b2 b3 b3 B0 . B1 . B2 . B3"));
static_assert(row_is(
    two_waves, 1,
    ". F0 . F1 . F2 f0 F3 f1 f0 f2 f1 f3 f2 f0 f3 f1 b0 f2 b1 f3 b2 b0 b3 b1 b0 b2 b1 b3 b2 B0 b3 B1 . B2 . B3"));
static_assert(
    row_is(two_waves, 2,
           ". . F0 . F1 f0 F2 f1 F3 f2 f0 f3 f1 f0 f2 f1 f3 f2 b0 f3 b1 b0 b2 b1 b3 b2 b0 b3 b1 B0 b2 B1 b3 B2 . B3"));
static_assert(
    row_is(two_waves, 3,
           ". . . F0 f0 F1 f1 F2 f2 F3 f3 f0 f0 f1 f1 f2 f2 f3 f3 b0 b0 b1 b1 b2 b2 b3 b3 b0 B0 b1 B1 b2 B2 b3 B3"));

/// The test can fail: another cell, a missing one and one too many.
static_assert(!row_is(h1, 3, ". . . F0 I0 F1 I1 F2 I2 F3 I3 W0 F4 I4 W1 F5 I5 W2 F6 I6 W3 F7 I7 W4 W5 W6 I7"));
static_assert(!row_is(h1, 3, ". . . F0 I0 F1 I1") &&
              !row_is(one_wave, 3, ". . . F0 f0 F1 f1 F2 f2 F3 f3 b0 B0 b1 B1 b2 B2 b3 B3 ."));

}  // namespace

TEST(family_figures, compiled) { SUCCEED(); }
