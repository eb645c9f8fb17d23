// SPDX-License-Identifier: Apache-2.0
#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/schedule/family.hpp>

#include <chimera/verify.hpp>

#include <executor/io/choice_names.hpp>
#include <executor/io/family_options.hpp>
#include <executor/io/read.hpp>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/join.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <numeric>
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

/// Refuses a size outside 1 … most.
void check_size(std::string_view what, int value, std::int64_t most) {
    if (value >= 1 && value <= most) return;
    refuse(std::string(what) + " is " + std::to_string(value) + " (it must be from 1 to " + std::to_string(most) +
           ") give a number in that range");
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

/// The families that have an option, with `comma` between them.
std::string owners_of(const family_option& option, std::string_view comma) {
    std::string out;
    for (std::size_t i = 0; i < family_labels.size(); ++i)
        if (chimera::has_option(static_cast<family>(i), option.key))
            out += (out.empty() ? "" : std::string(comma)) + std::string(family_labels[i]);
    return out;
}

}  // namespace

std::optional<family> find_family(std::string_view name) { return find_choice<family>(name); }

family family_named(std::string_view name) {
    if (const auto found = find_family(name)) return *found;
    refuse("family " + in_quotes(name) + " is unknown (known are " + family_list() + ") give one of these");
}

std::string family_name(std::string_view name) {
    const auto found = find_family(name);
    return std::string(found ? chimera::name(*found) : name);
}

void check_option(family which, const family_option& option) {
    if (has_option(which, option.key)) return;
    refuse(std::string(option.key) + " does not apply (" + std::string(name(which)) +
           " has no such option) leave it out or use " + owners_of(option, " or "));
}

int value_of_label(const family_option& option, std::string_view label) {
    for (std::size_t i = 0; i < option.labels.size(); ++i)
        if (option.labels[i] == label) return static_cast<int>(i);
    refuse(std::string(option.key) + " " + in_quotes(label) + " is unknown (there are " + number_of_labels(option) +
           ") give " + labels_of(option, ", ", " or "));
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

namespace {

[[noreturn]] void refuse_recompute(std::string_view text, int stages) {
    refuse("recompute " + in_quotes(text) + " is no choice (none, full or stages from 0 to " +
           std::to_string(stages - 1) + ") give a list such as 0,2");
}

}  // namespace

recompute_choice recompute_named(std::string_view text, int stages) {
    if (text == name(recompute_mode::none)) return {};
    if (text == name(recompute_mode::full)) return {recompute_mode::full, {}};
    recompute_choice out{recompute_mode::mixed, {}};
    const char* at = text.data();
    const char* const end = at + text.size();
    while (true) {
        const auto [next, failed] = std::from_chars(at, end, out.stages.emplace_back());
        if (failed != std::errc{} || (next != end && *next != ',')) refuse_recompute(text, stages);
        if (next == end) return out;
        at = next + 1;
    }
}

std::string text_of(const recompute_choice& choice) {
    if (choice.mode != recompute_mode::mixed) return name(choice.mode);
    std::string out;
    for (const int stage : choice.stages) out += (out.empty() ? "" : ",") + std::to_string(stage);
    return out;
}

std::vector<int> recomputed_stages(const recompute_choice& choice, int stages) {
    std::vector<int> out = choice.stages;
    if (choice.mode == recompute_mode::full) {
        out.resize(static_cast<std::size_t>(stages));
        std::iota(out.begin(), out.end(), 0);
    }
    const auto outside = [&](int stage) { return stage < 0 || stage >= stages; };
    if (choice.mode == recompute_mode::selective || std::any_of(out.begin(), out.end(), outside))
        refuse_recompute(text_of(choice), stages);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

schedule order_of(const std::string& file) {
    table read = load_table(file);
    auto* order = std::get_if<schedule>(&read);
    if (order == nullptr)
        refuse(file + " is a program (an order is needed) give the schedule that it was lowered from");
    if (!order->links.empty())
        refuse(file + " has skips or tied stages (no model of this program has any) give an order without them");
    if (const report found = verify(*order); !found.ok())
        refuse(file + ": " + message(found.faults.front()), found.faults.front().what);
    return std::move(*order);
}

namespace {

/// Returns the spec with the sizes that the options leave open. Throws if it cannot be built.
family_spec checked_spec(const family_options& options) {
    family_spec spec = options;
    const bool replicas = spec.which == family::data_parallel;
    if (replicas && spec.stages == 0) spec.stages = 1;
    const auto check = [&](const family_option& option, const auto& value) {
        using type = std::remove_cvref_t<decltype(value)>;
        if (value == type{}) return;
        check_option(spec.which, option);
        if constexpr (std::is_same_v<type, int>) check_size(option.key, value, rows_most);
    };
    each_option(check, spec);
    check_size("width", spec.width, rows_most);
    check_size("micro_batches", spec.micro_batches, most_slots);
    check_size("stages", spec.stages, rows_most);
    recomputed_stages(options.recompute, spec.stages);  // refused before work is done
    check_sizes(spec, replicas ? 1 : spec.width);
    return spec;
}

schedule recomputed(schedule made, const recompute_choice& choice) {
    const auto stages = recomputed_stages(choice, made.head.stages);
    if (stages.empty()) return made;
    std::vector<std::uint8_t> flags(static_cast<std::size_t>(made.head.stages), 0);
    for (const int s : stages) flags[static_cast<std::size_t>(s)] = 1;
    return recompute(made, flags);
}

schedule widened(const schedule& made, int width) {
    if (static_cast<std::int64_t>(made.entries.size()) * width > most_slots) refuse(text(refusal::too_many_slots));
    return width == 1 ? made : widen(made, width);
}

}  // namespace

void check_family(const family_options& options) { checked_spec(options); }

std::string words_of(const family_options& options) {
    std::string out;
    const auto add = [&](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
    const family_spec& spec = options;
    each_option(
        [&](const family_option& option, const auto& value) {
            const int number = static_cast<int>(value);
            if (number == 0) return;
            add(flag_of(option));
            if (option.kind == option_kind::choice) add(std::string(option.labels[static_cast<std::size_t>(number)]));
            if (option.kind == option_kind::number) add(std::to_string(number));
        },
        spec);
    if (options.recompute.mode != recompute_mode::none) add("--recompute " + text_of(options.recompute));
    if (options.width > 1) add("--width " + std::to_string(options.width));
    return out;
}

schedule make_schedule(const family_options& options) {
    // The width of data_parallel is its own: a copy of the whole model on every worker.
    const int width = options.which == family::data_parallel ? 1 : options.width;
    return widened(recomputed(generate(checked_spec(options)), options.recompute), width);
}

schedule make_schedule(const schedule& order, const family_options& options) {
    check_size("width", options.width, rows_most);
    if (const std::int64_t workers = std::int64_t{order.head.workers} * options.width; workers > rows_most)
        refuse("workers · width is " + std::to_string(workers) + " (more than " + std::to_string(rows_most) +
               ") use fewer copies");
    return widened(recomputed(order, options.recompute), options.width);
}

}  // namespace chimera::executor
