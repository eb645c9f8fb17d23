// SPDX-License-Identifier: Apache-2.0
// The laws in constant evaluation: the table that docs/families.md prints for D = N = 4, whole and broken.

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/data_parallel.hpp>
#include <chimera/schedule/gpipe.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <string_view>

namespace {

using namespace chimera;

/// d/D: forward/backward of the down pipeline, u/U: of the up pipeline; units 0 and 1 run down, 2 and 3 up.
constexpr std::string_view printed[4] = {"d0 .  d1 u0 U0 u1 U1 D0 .  D1", ".  d0 u0 d1 u1 U0 D0 U1 D1 . ",
                                         ".  u0 d0 u1 d1 D0 U0 D1 U1 . ", "u0 .  u1 d0 D0 d1 D1 U0 .  U1"};

constexpr schedule read_printed() {
    schedule s{{"bidirectional", 4, 4, 2, 4, 1}, {0, 1, 2, 3, 3, 2, 1, 0}, {0}, {}};
    for (int w = 0; w < 4; ++w) {
        for (int tick = 0; tick < 10; ++tick) {
            const char kind = printed[w][static_cast<std::size_t>(3 * tick)];
            if (kind == '.') continue;
            const bool up = kind == 'u' || kind == 'U';
            slot x;
            x.tick = tick;
            x.first = printed[w][static_cast<std::size_t>(3 * tick + 1)] - '0' + (up ? 2 : 0);
            x.stage = static_cast<std::uint16_t>(up ? 3 - w : w);
            x.pipeline = up;
            x.op = kind == 'd' || kind == 'u' ? pass::forward : pass::backward;
            s.slots.push_back(x);
        }
        s.offsets.push_back(static_cast<std::int32_t>(s.slots.size()));
    }
    return s;
}

/// The laws that hold no more after `change`, as bits.
template <typename Change>
constexpr int broken_by(Change change) {
    schedule s = read_printed();
    change(s);
    const report found = verify(s);
    int laws = 0;
    for (int k = 0; k < law_count; ++k) laws |= found.broken(static_cast<law>(k)) << k;
    return laws;
}
constexpr int bit(law which) { return 1 << static_cast<int>(which); }

static_assert(broken_by([](schedule&) {}) == 0);
static_assert(verify(read_printed()).peaks == std::vector<std::int32_t>{3, 4, 4, 3});  // [D/2 + 1, D], docs/families.md
static_assert(verify(read_printed(), {.activations = 4}).ok());
static_assert(verify(read_printed(), {.activations = 3}).counts[static_cast<int>(law::bounded)] == 2);

// Each predicate alone.
static_assert(laws::once(read_printed()) && laws::ordered(read_printed()) && laws::exclusive(read_printed()));
static_assert(laws::bounded(read_printed(), 4) && !laws::bounded(read_printed(), 3));

// A slot that is missing, doubled, on the wrong pipeline, out of range.
static_assert(broken_by([](schedule& s) { s.slots[3].op = pass::recompute; }) & bit(law::once));
static_assert(broken_by([](schedule& s) { s.slots[3].first = 1; }) & bit(law::once));
static_assert(broken_by([](schedule& s) { s.slots[3].pipeline = 0; }) & bit(law::once));
static_assert(broken_by([](schedule& s) { s.slots[3].first = 4; }) & bit(law::once));
static_assert(broken_by([](schedule& s) { s.slots[3].stage = 65535; }) & bit(law::once));
static_assert(broken_by([](schedule& s) { s.offsets.back() = 33; }) == bit(law::once));

// Worker 1 starts d0 at tick 0, before worker 0 has ended it; worker 0 ends with D1 at tick 8, where worker 1 computes
// it.
static_assert(broken_by([](schedule& s) { s.slots[8].tick = 0; }) == bit(law::ordered));
static_assert(broken_by([](schedule& s) { s.slots[7].tick = 8; }) == bit(law::ordered));
// Later than the first forward of the stage is no harm where nobody waits: the last backward may be late.
static_assert(broken_by([](schedule& s) { s.slots[7].tick = 99; }) == 0);
// Two slots at one tick; a slot without length.
static_assert(broken_by([](schedule& s) { s.slots[1].tick = 3; }) & bit(law::exclusive));
static_assert(broken_by([](schedule& s) { s.slots[0].ticks = 0; }) & bit(law::exclusive));

// The numbers of a fault: worker 1's first slot is a forward of stage 1, unit 0; its input is made by slot 0 of worker
// 0.
constexpr fault first_of_early_slot() {
    schedule s = read_printed();
    s.slots[8].tick = 0;
    return verify(s).faults.front();
}
static_assert(first_of_early_slot() == fault{.law = law::ordered,
                                             .what = complaint::before_activation,
                                             .worker = 1,
                                             .index = 0,
                                             .stage = 1,
                                             .unit = 0,
                                             .pipeline = 0,
                                             .peer = 0,
                                             .other = 0});

// What the families yield is proven where it is made; the largest table of the budget needs no flag with GCC 12.
static_assert(prove<fixed<bidirectional{.stages = 4, .micro_batches = 4}>>());
static_assert(&proven<fixed<bidirectional{.stages = 8, .micro_batches = 8}>> ==
              &fixed<bidirectional{.stages = 8, .micro_batches = 8}>);
#ifdef __GNUC__
#ifndef __clang__
static_assert(verify(fixed<bidirectional{.stages = 64, .micro_batches = 256}>).ok());
#endif
#endif

TEST(laws, message_names_the_place) {
    EXPECT_EQ(message(first_of_early_slot()),
              "ordered: a forward before its input is there at worker 1, slot 0, stage 1, unit 0, pipeline 0, peer 0 "
              "(slot 0 of worker 0 makes it) start it later");
}

}  // namespace
