// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/family.hpp>

#include <chimera/verify.hpp>

#include <executor/io/family_options.hpp>
#include <executor/io/read.hpp>

#include <range/v3/algorithm/find.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/join.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace chimera::executor {

namespace {

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

/// A number that the caller left out (0), or one in range.
int choice(const char* what, std::int64_t value) { return value == 0 ? 0 : size(what, value, rows_most); }

/// Refuses what the family does, and what would be too large once it is widened.
void check_sizes(const family_spec& spec, std::int64_t width) {
    if (const refusal why = spec.refused(); why != refusal::none) refuse(text(why));
    const std::int64_t workers = spec.workers() * width;
    // stages × pipelines: an int would overflow before it is refused
    const std::int64_t places =
        (spec.pipelines > 0 ? std::int64_t{spec.stages} * spec.pipelines : spec.placements()) * width;
    if (workers > rows_most)
        refuse("workers · width is " + std::to_string(workers) + " (more than " + std::to_string(rows_most) +
               ") use fewer stages or copies");
    if (places / spec.stages > rows_most || places > places_most)
        refuse(
            "pipelines are too many (placement is limited to 2^24 entries and 65535 pipelines) use fewer pipelines, "
            "stages or copies");
    if (static_cast<std::int64_t>(spec.slot_count()) * width > most_slots) refuse(text(refusal::too_many_slots));
}

/// What only some families have.
enum extra : unsigned {
    none = 0,
    pipelines = 1,
    scales = 2,
    splits = 4,
    chunks = 8,
    groups = 16,
    waves = 32,
    updates = 64
};

constexpr unsigned extras_of(family which) {
    switch (which) {
        case family::bidirectional:
            return pipelines | scales | splits;
        case family::interleaved:
            return chunks | groups;
        case family::breadth_first:
            return chunks;
        case family::wave:
            return waves;
        case family::pipedream_2bw:
            return updates;
        default:
            return none;
    }
}

/// The family of that name; null where there is none.
const std::string_view* find(std::string_view name) {
    const auto* const found = ranges::find(family_labels, name);
    return found == family_labels.end() ? nullptr : found;
}
constexpr family family_at(const std::string_view* label) { return static_cast<family>(label - family_labels.begin()); }

constexpr std::pair<std::string_view, extra> extra_names[] = {
    {"pipelines", pipelines}, {"scale", scales}, {"split", splits},         {"chunks", chunks},
    {"group", groups},        {"waves", waves},  {"update_every", updates},
};

/// Refuses options that the family does not have.
void check_options(const family_options& of, family made) {
    const bool given[] = {of.pipelines != 0, !of.scale.empty(),   of.split, of.chunks != 0, of.group != 0,
                          of.waves != 0,     of.update_every != 0};
    for (std::size_t i = 0; i < std::size(given); ++i) {
        const auto& [what, which] = extra_names[i];
        if (!given[i] || (extras_of(made) & which) != 0) continue;
        std::string owners;
        for (const std::string_view& label : family_labels)
            if ((extras_of(family_at(&label)) & which) != 0)
                owners += (owners.empty() ? "" : " or ") + std::string(label);
        refuse(std::string(what) + " does not apply (" + of.family + " has no such option) leave it out or use " +
               owners);
    }
}

}  // namespace

bool is_family(std::string_view name) { return find(name) != nullptr; }

bool has_option(std::string_view family, std::string_view option) {
    const std::string_view* const label = find(family);
    const auto* const found = ranges::find(extra_names, option, [](const auto& one) { return one.first; });
    return label != nullptr && found != std::end(extra_names) && (extras_of(family_at(label)) & found->second) != 0;
}

std::vector<std::string_view> family_names() { return {family_labels.begin(), family_labels.end()}; }

std::string family_list() {
    const auto names = family_names();
    return names | ranges::views::join(std::string_view(", ")) | ranges::to<std::string>();
}

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

schedule order_of(const std::string& file) {
    table read = load_table(file);
    auto* order = std::get_if<schedule>(&read);
    if (order == nullptr)
        refuse(file + " is a program (an order is needed) give the schedule that it was lowered from");
    if (const report found = verify(*order); !found.ok()) refuse(file + ": " + message(found.faults.front()));
    return std::move(*order);
}

namespace {

/// What a family is asked for, of one copy unless the copies are the family. Throws where it cannot be had.
family_spec checked_spec(const family_options& of) {
    const std::string_view* const label = find(of.family);
    if (label == nullptr)
        refuse("family " + in_quotes(of.family) + " is unknown (known are " + family_list() + ") give one of these");
    family_spec spec{.which = family_at(label)};
    check_options(of, spec.which);
    const int width = size("width", of.width, rows_most);
    spec.micro_batches = size("micro_batches", of.micro_batches, most_slots);
    const bool replicas = spec.which == family::data_parallel;
    spec.stages = replicas && of.stages == 0 ? 1 : size("stages", of.stages, rows_most);
    recomputed_stages(of.recompute, spec.stages);  // refused before work is done
    spec.scale = scale_of(of.scale);
    spec.split = of.split;
    spec.pipelines = choice("pipelines", of.pipelines);
    spec.chunks = choice("chunks", of.chunks);
    spec.group = choice("group", of.group);
    spec.waves = choice("waves", of.waves);
    spec.update_every = choice("update_every", of.update_every);
    if (replicas) spec.width = width;  // its width is its own: a copy of the whole model on every worker
    check_sizes(spec, replicas ? 1 : width);
    return spec;
}

}  // namespace

void check_family(const family_options& options) { checked_spec(options); }

schedule make_schedule(const family_options& of) {
    schedule made = of.file.empty() ? generate(checked_spec(of)) : order_of(of.file);
    const bool replicas = of.file.empty() && of.family == "data_parallel";
    const int width = size("width", of.width, rows_most);
    const std::int64_t copies = replicas ? 1 : width;
    if (!of.file.empty() && made.head.workers * copies > rows_most)
        refuse("workers · width is " + std::to_string(made.head.workers * copies) + " (more than " +
               std::to_string(rows_most) + ") use fewer copies");
    const auto recomputed = recomputed_stages(of.recompute, made.head.stages);
    if (!recomputed.empty()) {
        std::vector<std::uint8_t> flags(static_cast<std::size_t>(made.head.stages), 0);
        for (const int s : recomputed) flags[static_cast<std::size_t>(s)] = 1;
        made = recompute(made, flags);
    }
    if (static_cast<std::int64_t>(made.slots.size()) * copies > most_slots) refuse(text(refusal::too_many_slots));
    return copies == 1 ? made : widen(made, width);
}

}  // namespace chimera::executor
