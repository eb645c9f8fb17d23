// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed.hpp>
#include <chimera/schedule.hpp>

#include <executor/io/family.hpp>

#include <range/v3/algorithm/contains.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/join.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace chimera::executor {

namespace {

constexpr std::array<std::string_view, 4> families{"gpipe", "one_f_one_b", "bidirectional", "data_parallel"};

constexpr std::int64_t rows_most = 65535;      // workers and pipelines, after widening
constexpr std::int64_t places_most = 1 << 24;  // stages × pipelines, after widening

std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text.substr(0, 40)) out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
    return out + "'";
}

/// Sizes that every family has, small enough for an int.
int size(const char* what, std::int64_t value, std::int64_t most) {
    if (value >= 1 && value <= most) return static_cast<int>(value);
    refuse(std::string(what) + " is " + std::to_string(value) + " (it must be from 1 to " + std::to_string(most) +
           ") give a number in that range");
}

scale scale_of(const std::string& name) {
    if (name.empty() || name == "direct") return scale::direct;
    if (name == "doubling") return scale::doubling;
    if (name == "halving") return scale::halving;
    refuse("scale " + in_quotes(name) + " is unknown (there are three) give direct, doubling or halving");
}

/// Refuses options that the family does not have.
void check_options(const family_options& of) {
    if (of.family == "bidirectional") return;
    const auto refuse_option = [&](const char* what) {
        refuse(std::string(what) + " does not apply (" + of.family +
               " has no such option) leave it out or use bidirectional");
    };
    if (of.pipelines != 0) refuse_option("pipelines");
    if (!of.scale.empty()) refuse_option("scale");
}

void check_places(std::int64_t stages, std::int64_t pipelines, std::int64_t width) {
    if (stages * width > rows_most)
        refuse("stages · width is " + std::to_string(stages * width) + " (more than " + std::to_string(rows_most) +
               " workers) use fewer");
    if (pipelines * width > rows_most || stages * pipelines * width > places_most) {
        refuse(
            "pipelines are too many (placement is limited to 2^24 entries and 65535 pipelines) use fewer pipelines, "
            "stages or copies");
    }
}

schedule base_schedule(const family_options& of, int stages, int micro_batches) {
    if (of.family == "gpipe") return generate(gpipe{stages, micro_batches});
    if (of.family == "one_f_one_b") return generate(one_f_one_b{stages, micro_batches});
    const int pipelines = of.pipelines == 0 ? 2 : size("pipelines", of.pipelines, rows_most);
    check_places(stages, pipelines, of.width);
    return generate(bidirectional{stages, micro_batches, pipelines, scale_of(of.scale)});
}

void check_slots(std::size_t slots, std::int64_t width) {
    if (static_cast<std::int64_t>(slots) * width > most_slots) refuse(text(refusal::too_many_slots));
}

}  // namespace

bool is_family(std::string_view name) { return ranges::contains(families, name); }

std::string family_list() { return families | ranges::views::join(std::string_view(", ")) | ranges::to<std::string>(); }

std::vector<int> recomputed_stages(std::string_view choice, int stages) {
    std::vector<int> out;
    if (choice == "none") return out;
    for (int s = 0; choice == "full" && s < stages; ++s) out.push_back(s);
    if (choice == "full") return out;
    const char* at = choice.data();
    const char* const end = at + choice.size();
    while (true) {
        int stage = -1;
        const auto [next, failed] = std::from_chars(at, end, stage);
        if (failed != std::errc{} || stage < 0 || stage >= stages || (next != end && *next != ',')) {
            refuse("recompute " + in_quotes(choice) + " is no choice (none, full or stages from 0 to " +
                   std::to_string(stages - 1) + ") give a list such as 0,2");
        }
        out.push_back(stage);
        if (next == end) break;
        at = next + 1;
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

schedule make_schedule(const family_options& of) {
    if (!is_family(of.family))
        refuse("family " + in_quotes(of.family) + " is unknown (known are " + family_list() + ") give one of these");
    check_options(of);
    const int width = size("width", of.width, rows_most);
    const int micro_batches = size("micro_batches", of.micro_batches, most_slots);
    if (of.family == "data_parallel") {
        const int stages = of.stages == 0 ? 1 : size("stages", of.stages, rows_most);
        const auto recomputed = recomputed_stages(of.recompute, 1);
        const schedule made = generate(data_parallel{stages, micro_batches, width});
        return recomputed.empty() ? made : recompute(made, std::array<std::uint8_t, 1>{1});
    }
    const int stages = size("stages", of.stages, rows_most);
    check_places(stages, 1, width);
    const auto recomputed = recomputed_stages(of.recompute, stages);
    schedule made = base_schedule(of, stages, micro_batches);
    check_slots(made.slots.size(), width);
    if (!recomputed.empty()) {
        std::vector<std::uint8_t> flags(static_cast<std::size_t>(stages), 0);
        for (const int s : recomputed) flags[static_cast<std::size_t>(s)] = 1;
        made = recompute(made, flags);
        check_slots(made.slots.size(), width);
    }
    return width == 1 ? made : widen(made, width);
}

}  // namespace chimera::executor
