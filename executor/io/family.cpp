// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed.hpp>
#include <chimera/schedule.hpp>

#include <chimera/verify.hpp>

#include <executor/io/family.hpp>
#include <executor/io/read.hpp>

#include <range/v3/algorithm/find.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/join.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>

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
int choice(const char* what, std::int64_t value, int otherwise) {
    return value == 0 ? otherwise : size(what, value, rows_most);
}

/// stages × pipelines: an int would overflow before it is refused.
template <class Spec>
std::int64_t places_of(const Spec& spec) {
    if constexpr (requires { spec.pipelines; })
        return std::int64_t{spec.stages} * spec.pipelines;
    else
        return spec.placements();
}

/// Generates, after refusing what would be too large once it is widened.
template <class Spec>
schedule build(const Spec& spec, std::int64_t width) {
    if (const refusal why = spec.refused(); why != refusal::none) refuse(text(why));
    const std::int64_t workers = spec.workers() * width;
    const std::int64_t places = places_of(spec) * width;
    if (workers > rows_most)
        refuse("workers · width is " + std::to_string(workers) + " (more than " + std::to_string(rows_most) +
               ") use fewer stages or copies");
    if (places / spec.stages > rows_most || places > places_most)
        refuse(
            "pipelines are too many (placement is limited to 2^24 entries and 65535 pipelines) use fewer pipelines, "
            "stages or copies");
    if (static_cast<std::int64_t>(spec.slot_count()) * width > most_slots) refuse(text(refusal::too_many_slots));
    return generate(spec);
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

struct sizes {
    int stages;
    int micro_batches;
    const family_options& of;
};

template <class Spec>
schedule plain(const sizes& n) {
    return build(Spec{n.stages, n.micro_batches}, n.of.width);
}
schedule make_bidirectional(const sizes& n) {
    return build(bidirectional{n.stages, n.micro_batches, choice("pipelines", n.of.pipelines, 2), scale_of(n.of.scale),
                               n.of.split},
                 n.of.width);
}
schedule make_interleaved(const sizes& n) {
    return build(
        interleaved{n.stages, n.micro_batches, choice("chunks", n.of.chunks, 2), choice("group", n.of.group, 0)},
        n.of.width);
}
schedule make_breadth_first(const sizes& n) {
    return build(breadth_first{n.stages, n.micro_batches, choice("chunks", n.of.chunks, 2)}, n.of.width);
}
schedule make_wave(const sizes& n) {
    return build(wave{n.stages, n.micro_batches, choice("waves", n.of.waves, 1)}, n.of.width);
}
schedule make_pipedream_2bw(const sizes& n) {
    return build(pipedream_2bw{n.stages, n.micro_batches, choice("update_every", n.of.update_every, 0)}, n.of.width);
}
/// Its width is its own: a copy of the whole model on every worker.
schedule make_data_parallel(const sizes& n) {
    return build(data_parallel{n.stages, n.micro_batches, static_cast<int>(n.of.width)}, 1);
}

struct family {
    std::string_view name;
    schedule (*make)(const sizes&);
    unsigned extras = none;
};

constexpr family families[] = {
    {"gpipe", plain<gpipe>},
    {"one_f_one_b", plain<one_f_one_b>},
    {"gems", plain<gems>},
    {"bidirectional", make_bidirectional, pipelines | scales | splits},
    {"interleaved", make_interleaved, chunks | groups},
    {"breadth_first", make_breadth_first, chunks},
    {"zb_h1", plain<zb_h1>},
    {"zb_h2", plain<zb_h2>},
    {"zb_v", plain<zb_v>},
    {"v_half", plain<v_half>},
    {"v_min", plain<v_min>},
    {"dualpipe", plain<dualpipe>},
    {"dualpipe_v", plain<dualpipe_v>},
    {"wave", make_wave, waves},
    {"bitpipe", plain<bitpipe>},
    {"data_parallel", make_data_parallel},
    {"pipedream", plain<pipedream>},
    {"pipedream_2bw", make_pipedream_2bw, updates},
};

const family* find(std::string_view name) {
    const auto* const found = ranges::find(families, name, &family::name);
    return found == std::end(families) ? nullptr : found;
}

/// Refuses options that the family does not have.
void check_options(const family_options& of, const family& made) {
    const auto check = [&](bool given, extra which, const char* what) {
        if (!given || (made.extras & which) != 0) return;
        std::string owners;
        for (const family& f : families)
            if ((f.extras & which) != 0) owners += (owners.empty() ? "" : " or ") + std::string(f.name);
        refuse(std::string(what) + " does not apply (" + of.family + " has no such option) leave it out or use " +
               owners);
    };
    check(of.pipelines != 0, pipelines, "pipelines");
    check(!of.scale.empty(), scales, "scale");
    check(of.split, splits, "split");
    check(of.chunks != 0, chunks, "chunks");
    check(of.group != 0, groups, "group");
    check(of.waves != 0, waves, "waves");
    check(of.update_every != 0, updates, "update_every");
}

}  // namespace

bool is_family(std::string_view name) { return find(name) != nullptr; }

std::vector<std::string_view> family_names() {
    return families | ranges::views::transform(&family::name) | ranges::to<std::vector>();
}

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

/// A family's schedule, of one copy unless the copies are the family.
schedule family_schedule(const family_options& of) {
    const family* const made_by = find(of.family);
    if (made_by == nullptr)
        refuse("family " + in_quotes(of.family) + " is unknown (known are " + family_list() + ") give one of these");
    check_options(of, *made_by);
    size("width", of.width, rows_most);
    const int micro_batches = size("micro_batches", of.micro_batches, most_slots);
    const bool replicas = of.family == "data_parallel";
    const int stages = replicas && of.stages == 0 ? 1 : size("stages", of.stages, rows_most);
    recomputed_stages(of.recompute, stages);  // refused before work is done
    return made_by->make({stages, micro_batches, of});
}

}  // namespace

schedule make_schedule(const family_options& of) {
    schedule made = of.file.empty() ? family_schedule(of) : order_of(of.file);
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
