// SPDX-License-Identifier: Apache-2.0
// What generate refuses: exactly the specs that refused() names, with that rule in the error.

#include "attack_specs.hpp"

#include <chimera/partition/range_sums.hpp>
#include <chimera/schedule.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/search.hpp>

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <set>
#include <type_traits>

namespace chimera {
namespace {

using attack::dice;
using attack::roll;

/// The error of a call; nothing if it returns.
template <class Call>
std::optional<chimera_error> error_of(const Call& call) {
    try {
        call();
    } catch (const chimera_error& why) {
        return why;
    }
    return std::nullopt;
}

/// Throws as generate does, and only then. Returns the rule.
template <class Spec>
refusal agreed_rule(const Spec& spec) {
    const refusal rule = spec.refused();
    const auto error = error_of([&] { (void)generate(spec); });
    EXPECT_EQ(error.has_value(), rule != refusal::none) << text(rule);
    if (error) {
        EXPECT_EQ(error->code(), error_code::spec);
        EXPECT_EQ(error->refusal(), rule);
        EXPECT_EQ(error->complaint(), std::nullopt);
        EXPECT_STREQ(error->what(), text(rule));
    }
    return rule;
}

/// Sizes and options around what families take: odd and even, 0 and below, and some too large.
family_spec random_spec(dice& d, family which) {
    family_spec out{.which = which, .stages = roll(d, -1, 12), .micro_batches = roll(d, -1, 24)};
    if (roll(d, 0, 3) != 0) out.stages += out.stages & 1;
    if (which == family::data_parallel && roll(d, 0, 3) != 0) out.stages = 1;
    if (roll(d, 0, 29) == 0) out.stages = 65536;
    if (roll(d, 0, 29) == 0) out.micro_batches = static_cast<int>(most_slots);
    out.pipelines = roll(d, 0, 5);
    out.scale = static_cast<scale>(roll(d, 0, 2));
    out.split = roll(d, 0, 1) == 1;
    out.chunks = roll(d, -1, 4);
    out.group = roll(d, -1, 12);
    out.waves = roll(d, -1, 3);
    out.update_every = roll(d, 0, 24);
    out.width = roll(d, 0, 3);
    out.activations = roll(d, 0, 1) * roll(d, 1, 12);
    out.forward_ticks = roll(d, 0, 5);
    out.input_ticks = roll(d, 0, 19) == 0 ? 10001 : roll(d, 0, 5);
    out.weight_ticks = roll(d, 0, 5);
    out.hop_ticks = roll(d, -1, 10) < 0 ? -1 : roll(d, 0, 3);
    if (has_option(which, "hop_ticks") && roll(d, 0, 29) == 0) {  // few enough slots, too many ticks
        out.micro_batches = 1 << 20;
        out.forward_ticks = 10000;
    }
    return out;
}

TEST(refused, generate_throws_the_rule_that_the_spec_breaks) {
    dice d(31);
    std::set<refusal> seen;
    for (std::size_t f = 0; f < family_labels.size(); ++f) {
        int built = 0, refused = 0;
        for (int k = 0; k < 1000; ++k) {
            const family_spec spec = random_spec(d, static_cast<family>(f));
            const refusal rule = agreed_rule(spec);
            spec.visit([&](const auto& own) { EXPECT_EQ(agreed_rule(own), rule); });
            rule == refusal::none ? ++built : ++refused;
            seen.insert(rule);
        }
        EXPECT_GT(built, 100) << family_labels[f];
        EXPECT_GT(refused, 100) << family_labels[f];
    }
    for (int r = 0; r <= static_cast<int>(refusal::too_many_slots); ++r) {
        const auto rule = static_cast<refusal>(r);
        const bool custom_only = rule >= refusal::custom_empty && rule <= refusal::custom_stage_missing;
        EXPECT_EQ(seen.count(rule), custom_only ? 0U : 1U) << text(rule);
    }
}

TEST(refused, an_order_by_hand_names_its_rule) {
    EXPECT_EQ(agreed_rule(custom{"0F0 0B0; 1F0 1B0"}), refusal::none);
    EXPECT_EQ(agreed_rule(custom{" ; "}), refusal::custom_empty);
    EXPECT_EQ(agreed_rule(custom{"0F0 0X0"}), refusal::custom_cell);
    EXPECT_EQ(agreed_rule(custom{"0F0 0B2000000000"}), refusal::custom_numbers);
    EXPECT_EQ(agreed_rule(custom{"0F0 0B0; 0F1 0B1"}), refusal::custom_stage_twice);
    EXPECT_EQ(agreed_rule(custom{"0F0 0B0; 2F0 2B0"}), refusal::custom_stage_missing);
}

/// Sizes of a spec outside the library, without `make()`.
struct own_sizes {
    int micro_batches = 1;

    refusal refused() const { return micro_batches < 1 ? refusal::micro_batches_below_one : refusal::none; }
    int workers() const { return 1; }
    int placements() const { return 1; }
    std::size_t slot_count() const { return 2 * static_cast<std::size_t>(micro_batches); }
};
struct own_spec : own_sizes {
    schedule make() const { return generate(gpipe{1, micro_batches}); }
};
static_assert(schedule_spec<gpipe> && schedule_spec<family_spec> && schedule_spec<own_spec>);
static_assert(!schedule_spec<own_sizes>);

TEST(refused, a_spec_outside_the_library_may_have_a_public_make) {
    EXPECT_EQ(agreed_rule(own_spec{{4}}), refusal::none);
    EXPECT_EQ(agreed_rule(own_spec{{0}}), refusal::micro_batches_below_one);
    EXPECT_EQ(generate(own_spec{{4}}).entries.size(), 8U);
}

TEST(refused, functions_with_sizes_of_their_own_name_the_rule) {
    const auto rule_of = [](const auto& call) {
        const auto error = error_of(call);
        return error ? error->refusal() : std::nullopt;
    };
    EXPECT_EQ(rule_of([] { detail::check_counts(4, 0); }), refusal::stages_below_one);
    EXPECT_EQ(rule_of([] { detail::check_counts(4, 5); }), std::nullopt);  // no rule of a spec
    search_problem problem;
    problem.stages = 0;
    EXPECT_EQ(rule_of([&] { detail::seek::check_sizes(problem); }), refusal::stages_below_one);
    problem.stages = 2;
    problem.micro_batches = 0;
    EXPECT_EQ(rule_of([&] { detail::seek::check_sizes(problem); }), refusal::micro_batches_below_one);
}

}  // namespace
}  // namespace chimera
