// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/family.hpp>

#include <chimera/verify.hpp>

#include <executor/io/family_options.hpp>
#include <executor/io/read.hpp>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/join.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
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

/// A choice by its label; the first one where there is none.
int choice(const family_option& option, const std::string& label) {
    if (label.empty()) return 0;
    for (std::size_t i = 0; i < option.labels.size(); ++i)
        if (option.labels[i] == label) return static_cast<int>(i);
    refuse(std::string(option.key) + " " + in_quotes(label) + " is unknown (there are " + number_of_labels(option) +
           ") give " + labels_of(option, ", ", " or "));
}

/// A number that the caller left out (0), or one in range.
int number(const family_option& option, std::int64_t value) {
    return value == 0 ? 0 : size(std::string(option.key).c_str(), value, rows_most);
}

/// Refuses what the family does, and what would be too large once it is widened.
void check_sizes(const family_spec& spec, std::int64_t width) {
    if (const refusal why = spec.refused(); why != refusal::none) refuse(text(why), why);
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

/// The family of that name or alias, if there is one.
std::optional<family> find(std::string_view name) {
    for (std::size_t i = 0; i < all_family_traits.size(); ++i)
        if (!name.empty() && (name == all_family_traits[i].name || name == all_family_traits[i].alias))
            return static_cast<family>(i);
    return std::nullopt;
}

/// The families that have an option, with `comma` between them.
std::string owners_of(const family_option& option, std::string_view comma) {
    std::string out;
    for (std::size_t i = 0; i < family_labels.size(); ++i)
        if (chimera::has_option(static_cast<family>(i), option.key))
            out += (out.empty() ? "" : std::string(comma)) + std::string(family_labels[i]);
    return out;
}

/// Refuses options that the family does not have.
void check_options(const family_options& of, family made) {
    each_option(
        [&](const family_option& option, const auto& value) {
            if (value == std::remove_cvref_t<decltype(value)>{} || chimera::has_option(made, option.key)) return;
            refuse(std::string(option.key) + " does not apply (" + std::string(name(made)) +
                   " has no such option) leave it out or use " + owners_of(option, " or "));
        },
        of);
}

}  // namespace

bool is_family(std::string_view name) { return find(name).has_value(); }

std::string family_name(std::string_view name) {
    const auto found = find(name);
    return std::string(found ? chimera::name(*found) : name);
}

bool has_option(std::string_view family, std::string_view option) {
    const auto found = find(family);
    return found && chimera::has_option(*found, option);
}

std::string flag_of(const family_option& option) {
    std::string out = "--" + std::string(option.key);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

std::string with_families(const family_option& option, std::string_view what) {
    return owners_of(option, ", ") + ": " + std::string(what);
}

std::string help_of(const family_option& option, bool otherwise) {
    std::string out = with_families(option, option.help);
    return otherwise && !option.otherwise.empty() ? out + " (" + std::string(option.otherwise) + ")" : out;
}

std::string number_of_labels(const family_option& option) {
    constexpr std::string_view words[] = {"none", "one", "two", "three", "four", "five"};
    const std::size_t count = option.labels.size();
    return count < std::size(words) ? std::string(words[count]) : std::to_string(count);
}

std::string labels_of(const family_option& option, std::string_view between, std::string_view last) {
    std::string out;
    for (std::size_t i = 0; i < option.labels.size(); ++i)
        out += std::string(i == 0                          ? ""
                           : i + 1 == option.labels.size() ? last
                                                           : between) +
               std::string(option.labels[i]);
    return out;
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
    if (const report found = verify(*order); !found.ok())
        refuse(file + ": " + message(found.faults.front()), found.faults.front().what);
    return std::move(*order);
}

namespace {

/// Returns the spec of one copy of a family, or of all copies if they are the family. Throws if it cannot be built.
family_spec checked_spec(const family_options& of) {
    const std::optional<family> found = find(of.family);
    if (!found)
        refuse("family " + in_quotes(of.family) + " is unknown (known are " + family_list() + ") give one of these");
    family_spec spec{.which = *found};
    check_options(of, spec.which);
    const int width = size("width", of.width, rows_most);
    spec.micro_batches = size("micro_batches", of.micro_batches, most_slots);
    const bool replicas = spec.which == family::data_parallel;
    spec.stages = replicas && of.stages == 0 ? 1 : size("stages", of.stages, rows_most);
    recomputed_stages(of.recompute, spec.stages);  // refused before work is done
    const auto read = [](const family_option& option, auto& to, const auto& from) {
        using type = std::remove_cvref_t<decltype(to)>;
        if constexpr (std::is_same_v<type, bool>) to = from;
        if constexpr (std::is_same_v<type, int>) to = number(option, from);
        if constexpr (std::is_enum_v<type>) to = static_cast<type>(choice(option, from));
    };
    each_option(read, spec, of);
    if (replicas) spec.width = width;  // its width is its own: a copy of the whole model on every worker
    check_sizes(spec, replicas ? 1 : width);
    return spec;
}

}  // namespace

void check_family(const family_options& options) { checked_spec(options); }

schedule make_schedule(const family_options& of) {
    schedule made = of.file.empty() ? generate(checked_spec(of)) : order_of(of.file);
    const bool replicas = of.file.empty() && find(of.family) == family::data_parallel;
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
    if (static_cast<std::int64_t>(made.entries.size()) * copies > most_slots) refuse(text(refusal::too_many_slots));
    return copies == 1 ? made : widen(made, width);
}

}  // namespace chimera::executor
