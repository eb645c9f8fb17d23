// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/core/query.hpp>
#include <chimera/render/html.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/render/text.hpp>
#include <chimera/render/trace.hpp>

#include <executor/cli/shared_options.hpp>
#include <executor/io/choice_names.hpp>
#include <executor/io/resources.hpp>
#include <executor/io/write.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

namespace chimera::executor {

namespace {

std::string named(std::string_view option, std::string_view text) {
    return std::string(option) + " is '" + std::string(text.substr(0, 40)) + "'";
}

/// The value of a choice's label. Refuses an empty text, and a family that has no such option.
int choice(family which, const family_option& option, const std::string& text) {
    if (text.empty())
        refuse(flag_of(option) + " is empty (there are " + number_of_labels(option) + ") give " +
               labels_of(option, ", ", " or "));
    check_option(which, option);
    return value_of_label(option, text);
}

}  // namespace

std::int64_t whole(std::string_view option, std::string_view text, std::int64_t least, std::int64_t most) {
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    const std::string advice = ") give a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (code == std::errc::invalid_argument || stop != end) refuse(named(option, text) + " (no whole number" + advice);
    if (code == std::errc::result_out_of_range || value > most) refuse(named(option, text) + " (too large" + advice);
    if (value < least) refuse(named(option, text) + " (too small" + advice);
    return value;
}

double positive(std::string_view option, std::string_view text, double least, double most) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc{} || stop != end || !std::isfinite(value) || value <= 0) {
        refuse(named(option, text) + " (no number above 0) give one such as 4 or 2.5");
    }
    if (value < least || value > most) {
        char range[64];
        std::snprintf(range, sizeof range, "%.15g to %.15g", least, most);
        refuse(named(option, text) + " (out of range) give a number from " + range);
    }
    return value;
}

void add_option(subcommand& command, const family_option& option, std::optional<std::string>& value, bool& given,
                std::string_view of) {
    const std::string help = std::string(of) + help_of(option, true);
    if (option.kind == option_kind::flag) return command.flag(flag_of(option), given, help);
    const std::string labels = labels_of(option, "|", "|");
    command.option(flag_of(option), value, help, labels.empty() ? std::string(option.symbol) : labels);
}

void family_arguments::add_to(subcommand& command, const char* operand, bool required) {
    command.option(operand, family, "a family: " + family_list(), " ", required);
    const auto add = [&](const char* name, std::optional<std::string>& to, const char* what, const char* type) {
        command.option(name, to, what, type);
    };
    add("--stages", stages, "stages of the model", "D");
    add("--micro-batches", micro_batches, "micro-batches of an iteration (of each copy)", "N");
    for (std::size_t i = 0; i < values.size(); ++i) add_option(command, family_option_table[i], values[i], flags[i]);
    add("--width", width, "data-parallel copies of all pipelines (1)", "W");
    add("--recompute", recompute, "stages that keep no activations (none)", "none|full|LIST");
    add("--memory", memory, "most live activations of a stage that a worker may hold", "LIMIT");
}

family_options family_arguments::options() const {
    const auto number = [&](const std::string& option, const std::optional<std::string>& text, int otherwise) {
        return text ? static_cast<int>(whole(option, *text, 1, std::numeric_limits<int>::max())) : otherwise;
    };
    family_options of;
    of.which = family_named(family);
    of.stages = number("--stages", stages, 0);
    of.micro_batches = number("--micro-batches", micro_batches, 0);
    std::size_t row = 0;
    const auto read = [&](const family_option& option, auto& to) {
        using type = std::remove_cvref_t<decltype(to)>;
        const std::optional<std::string>& text = values[row];
        if constexpr (std::is_same_v<type, int>) to = number(flag_of(option), text, 0);
        if constexpr (std::is_same_v<type, bool>) to = flags[row];
        if constexpr (std::is_enum_v<type>)
            if (text) to = static_cast<type>(choice(of.which, option, *text));
        ++row;
    };
    each_option(read, of);
    of.width = number("--width", width, 1);
    of.recompute = recompute_named(recompute.value_or("none"), std::max(of.stages, 1));
    if (memory) positive("--memory", *memory);
    return of;
}

schedule family_arguments::make() const {
    const family_options of = options();
    const std::string named(name(of.which));
    if (!stages && of.which != chimera::family::data_parallel)
        refuse("--stages is missing (" + named + " needs it) give the model's number of stages");
    if (!micro_batches) refuse("--micro-batches is missing (" + named + " needs it) give their number per iteration");
    schedule made = make_schedule(of);
    check_memory(made);
    return made;
}

bool family_arguments::any_given() const {
    const auto given = [](const auto& value) { return bool(value); };
    return stages || micro_batches || width || recompute || std::any_of(values.begin(), values.end(), given) ||
           std::any_of(flags.begin(), flags.end(), given);
}

namespace {

std::vector<std::int32_t> peaks_of(schedule_view of) {
    std::vector<std::int32_t> peaks;
    for (int w = 0; w < of.head.workers; ++w) peaks.push_back(peak_units(of, worker{w}));
    return peaks;
}

}  // namespace

void family_arguments::check_memory(schedule_view of) const { check_memory(of.head, peaks_of(of)); }

bool family_arguments::keeps_memory(schedule_view of) const {
    if (!memory) return true;
    const auto peaks = peaks_of(of);
    return *std::max_element(peaks.begin(), peaks.end()) <= positive("--memory", *memory) * of.head.micro_batch_parts;
}

void family_arguments::check_memory(const shape& head, std::span<const std::int32_t> peaks) const {
    if (!memory) return;
    const double limit = positive("--memory", *memory);
    const auto fullest = std::max_element(peaks.begin(), peaks.end());
    const double peak = static_cast<double>(*fullest) / head.micro_batch_parts;
    if (peak <= limit) return;
    std::string text = "the peak is ";
    format::put(text, format::fixed_point{peak, 3}, " activations on worker ", fullest - peaks.begin());
    format::put(text, " (--memory allows ", format::fixed_point{limit, 3}, ") allow more, or use fewer micro-batches");
    refuse(text + " or another family");
}

reduction_start sync_named(const std::optional<std::string>& text) {
    if (!text) return reduction_start::eager_opt;
    if (const auto found = find_choice<reduction_start>(*text)) return *found;
    refuse(named("--sync", *text) + " (no such way) give " + names_of<reduction_start>(" or "));
}

void add_sync(subcommand& command, std::optional<std::string>& to) {
    command.option("--sync", to, "when reductions start (eager_opt)", "lazy|eager|eager_opt");
}

void output_arguments::add_to(subcommand& command, const char* formats) {
    command.option("--format", format, "what to write (text)", formats);
    command.option("-o,--output", file, "where to write it; replaced only when all is well", "FILE");
    command.writes("--output");
    command.flag("--colour", colour, "colour text even where the output is no terminal");
}

void output_arguments::check(std::initializer_list<std::string_view> known) const {
    if (std::find(known.begin(), known.end(), format) != known.end()) return;
    std::string list;
    for (const auto name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    refuse("--format '" + format + "' is not written here (known are " + list + ") give one of these");
}

void output_arguments::check_size(std::int64_t items, double held) const {
    // Of one slot or instruction, as measured; what csv and text take is little beside them.
    const double each = format == "json"    ? 104
                        : format == "svg"   ? 24
                        : format == "html"  ? 8
                        : format == "trace" ? 160
                                            : 8;
    const double text = each * static_cast<double>(items);
    check_room(held + text, "the " + format + " of " + std::to_string(items) + " slots or instructions",
               "use fewer stages or micro-batches, or csv", held);
}

void output_arguments::write(std::string_view text) const { file ? write_file(*file, text) : write_output(text); }

std::string output_arguments::picture(const timeline& of, time_unit unit, const std::string& note,
                                      const std::string& options) const {
    const std::string both = note + (note.empty() || options.empty() ? "" : ", ") + options;
    if (format == "svg") return svg(of, {.unit = unit, .note = both});
    if (format == "html") return html(of, {.unit = unit, .note = both});
    if (format == "trace") return trace(of, unit);
    text_options how{.unit = unit, .colour = colour, .note = options};
    if (!file && ::isatty(STDOUT_FILENO) != 0) {
        winsize size{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) how.columns = size.ws_col;
        how.colour = how.colour || std::getenv("NO_COLOR") == nullptr;
    }
    return text(of, how);
}

}  // namespace chimera::executor
