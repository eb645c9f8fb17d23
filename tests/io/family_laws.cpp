// SPDX-License-Identifier: Apache-2.0
// Random specs of every family, with every option, keep every law, as schedules and as programs.

#include <chimera/core/query.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/verify.hpp>

#include <executor/io/family_options.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>

namespace chimera::executor {
namespace {

class dice {
public:
    explicit dice(std::uint32_t seed) : engine_(seed) {}
    /// Uniform in [low, high], the same on every standard library.
    int roll(int low, int high) {
        return low + static_cast<int>(engine_() % static_cast<std::uint32_t>(high - low + 1));
    }
    bool one_in(int n) { return roll(1, n) == 1; }

private:
    std::mt19937 engine_;
};

/// Sizes and options that the family takes; small ones more often than large ones.
family_options random_options(dice& d, std::string_view family) {
    family_options of;
    of.which = family_named(family);
    int workers = d.one_in(4) ? d.roll(1, 16) : d.roll(1, 8);
    of.micro_batches = d.one_in(4) ? d.roll(1, 64) : d.roll(1, 20);
    int each = 1;  // stages a worker
    if (has_option(of.which, "chunks")) of.chunks = each = d.roll(1, 4);
    if (family == "interleaved" && d.one_in(3)) of.group = d.roll(1, workers + 5);
    if (family == "wave") each = 2 * (of.waves = d.roll(1, 3));
    if (family == "zb_v" || family == "v_half" || family == "v_min" || family == "v_1f1b" || family == "dualpipe_v" ||
        family == "bitpipe")
        each = 2;
    if (has_option(of.which, "activations") && d.one_in(2))
        of.activations = of.chunks > 0 ? d.roll(of.chunks, of.chunks * (workers + 1)) : d.roll(2, 2 * workers + 3);
    if (has_option(of.which, "hop_ticks") && d.one_in(2)) {
        const int most = d.one_in(4) ? 300 : 5;
        of.forward_ticks = d.roll(1, most);
        of.input_ticks = d.roll(1, most);
        of.weight_ticks = d.roll(1, most);
        of.hop_ticks = d.roll(0, most);
        of.thorough = d.one_in(20);
    }
    if (family == "bidirectional" || family == "dualpipe" || family == "bitpipe") workers += workers % 2;
    if (family == "dualpipe") of.micro_batches = 2 * (workers + of.micro_batches / 4);
    if (family == "dualpipe_v") of.micro_batches += 2 * workers;
    if (family == "pipedream_2bw" && d.one_in(2)) of.update_every = workers + d.roll(0, 6);
    if (family == "bidirectional") {
        of.scale = static_cast<scale>(std::max(d.roll(0, 3) - 1, 0));
        of.split = d.one_in(2);
        do of.pipelines = 2 * d.roll(1, workers / 2);
        while (workers % of.pipelines != 0);
    }
    of.stages = family == "data_parallel" ? 1 : workers * each;
    if (d.one_in(4)) of.recompute.mode = recompute_mode::full;
    if (of.recompute.mode == recompute_mode::none && d.one_in(6))
        of.recompute = {recompute_mode::mixed, {0, d.roll(0, of.stages - 1)}};
    if (d.one_in(4)) of.width = d.roll(2, 3);
    return of;
}

std::string words(const family_options& of, reduction_start mode) {
    return std::string(name(of.which)) + " D=" + std::to_string(of.stages) + " N=" + std::to_string(of.micro_batches) +
           " 2f=" + std::to_string(of.pipelines) + " scale=" + std::string(name(of.scale)) +
           " split=" + std::to_string(of.split) + " chunks=" + std::to_string(of.chunks) +
           " group=" + std::to_string(of.group) + " waves=" + std::to_string(of.waves) +
           " activations=" + std::to_string(of.activations) + " F=" + std::to_string(of.forward_ticks) +
           " I=" + std::to_string(of.input_ticks) + " W=" + std::to_string(of.weight_ticks) +
           " hop=" + std::to_string(of.hop_ticks) + " thorough=" + std::to_string(of.thorough) +
           " update_every=" + std::to_string(of.update_every) + " width=" + std::to_string(of.width) +
           " recompute=" + text_of(of.recompute) + " sync=" + std::to_string(static_cast<int>(mode));
}

TEST(family_laws, a_hundred_thousand_random_specs_keep_all_laws) {
    dice d(2107);
    const auto families = family_names();
    std::size_t slot_total = 0, instructions = 0;
    std::map<family, int> specs;
    // Sanitizers and debug builds take a tenth: the same specs, fewer of them.
#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    constexpr int count = 100'000;
#else
    constexpr int count = 10'000;
#endif
    for (int k = 0; k < count; ++k) {
        const auto of = random_options(d, families[static_cast<std::size_t>(k) % families.size()]);
        const auto mode = static_cast<reduction_start>(d.roll(0, 2));
        const schedule made = make_schedule(of);
        const report table = verify(made);
        ASSERT_TRUE(table.ok()) << words(of, mode) << ": " << message(table.faults.front());
        const bool limited = of.activations > 0 && of.recompute.mode == recompute_mode::none;
        for (const std::int32_t peak : table.peaks) {
            ASSERT_TRUE(!limited || peak <= of.activations) << words(of, mode) << ": " << peak;
        }
        const program lowered = lower(made, mode);
        const report whole = verify(lowered);
        ASSERT_TRUE(whole.ok()) << words(of, mode) << ": " << message(whole.faults.front());
        ASSERT_EQ(whole.peaks, table.peaks) << words(of, mode);
        ++specs[of.which];
        slot_total += made.entries.size();
        instructions += lowered.instructions.size();
    }
    EXPECT_EQ(specs.size(), families.size());
    std::cout << count << " specs, " << slot_total << " slots, " << instructions << " instructions: no fault\n";
}

}  // namespace
}  // namespace chimera::executor
