// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/plan_text.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/io/hardware_file.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

namespace chimera::executor {

namespace {

struct hardware_arguments {
    std::optional<std::string> name;
    output_arguments output;
};

/// Four digits of a number.
std::string four_digits(double value) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 4).ptr};
}

/// In units of `of`, rounded to a whole number from 1000 on; "-" where there is none.
std::string in_units(double value, double of) {
    if (!(value > 0) || !std::isfinite(value)) return "-";
    std::string out;
    format::put(out, format::fixed_point{value / of, value / of < 1000 ? 1 : 0});
    return out;
}

std::string padded(std::string text, std::size_t columns) {
    const std::size_t used = chimera::detail::columns_of(text);
    if (used < columns) text.append(columns - used, ' ');
    return text;
}

std::string list_text() {
    std::string out;
    chimera::detail::text_table table(100);
    table.row({"name", "GiB", "peak", "flops", "memory", "inside", "between", "node"});
    for (const catalogued_hardware& one : hardware_catalogue) {
        const hardware numbers = numbers_of(one);
        const std::string_view what = one.workers_per_node > 0 ? one.node->what : one.device->what;
        table.row({padded(std::string(one.name), 10) + std::string(what), in_units(one.device->memory.value, 0x1p30),
                   in_units(numbers.peak, 1e12), in_units(numbers.flops, 1e12),
                   in_units(one.device->memory_bandwidth.value, 1e9), in_units(numbers.inside.bandwidth, 1e9),
                   in_units(numbers.between.bandwidth, 1e9), in_units(numbers.node_bandwidth, 1e9)});
    }
    table.append_to(out);
    return out +
           "\n"
           "GiB: of a device, that programs can allocate. peak, and flops that large products sustain: TFLOP/s.\n"
           "memory of a device, links inside a node and between nodes of one worker, and of a node: GB/s.\n"
           "P100, V100 and A100 are where fits begin, P100 and V100 in 32 bits. The others are of 16 bits.\n"
           "chimera hardware NAME says where each number comes from.\n";
}

/// The number of a source, from 1; a new one is added.
std::size_t number_of(std::vector<std::string_view>& sources, std::string_view source) {
    const auto found = std::find(sources.begin(), sources.end(), source);
    const auto at = static_cast<std::size_t>(found - sources.begin());
    if (found == sources.end()) sources.push_back(source);
    return at + 1;
}

std::string name_text(const catalogued_hardware& of) {
    std::string out(of.name);
    format::put(out, ": ", of.device->what);
    if (of.node != nullptr) format::put(out, "; its node: ", of.node->what);
    out += "\n\n";
    std::vector<std::string_view> sources;
    for (const described_number& one : describe(of)) {
        std::string line = padded(std::string(one.number), 20);
        line += padded(four_digits(one.found.value) + " " + std::string(one.unit), 19);
        line += padded(std::string(name(one.found.how)), 12) + std::string(one.found.note);
        if (!one.found.source.empty()) {
            if (!one.found.note.empty()) line += ' ';
            format::put(line, "[", number_of(sources, one.found.source), "]");
        }
        chimera::detail::put_wrapped(out, line, 51, 100);
    }
    out += '\n';
    for (std::size_t i = 0; i < sources.size(); ++i) format::put(out, "[", i + 1, "] ", sources[i], "\n");
    return out;
}

void run_hardware(const hardware_arguments& with) {
    with.output.check({"text", "json"});
    const bool json = with.output.format == "json";
    if (with.name) {
        const catalogued_hardware& known = hardware_named(*with.name);
        return with.output.write(json ? hardware_json(known).dump(2) + '\n' : name_text(known));
    }
    if (!json) return with.output.write(list_text());
    nlohmann::json all = nlohmann::json::object();
    for (const catalogued_hardware& one : hardware_catalogue) all[std::string(one.name)] = hardware_json(one);
    with.output.write(nlohmann::json{{"format", "chimera.hardware_list"}, {"version", 1}, {"hardware", all}}.dump(2) +
                      '\n');
}

}  // namespace

void add_hardware(command_line& program, int&) {
    subcommand command = program.add("hardware", "lists hardware by name, with the source of each number");
    const auto with = std::make_shared<hardware_arguments>();
    command.option("NAME", with->name, "such as H100, DGX-H100 or MI300X-8; without it: all of them", " ");
    with->output.add_to(command, "text|json");
    command.footer(
        "Example: chimera hardware\n"
        "Example: chimera hardware DGX-H100\n"
        "Example: chimera hardware DGX-H100 --format json -o mine.json");
    command.run([with] { run_hardware(*with); });
}

}  // namespace chimera::executor
