// SPDX-License-Identifier: Apache-2.0
#include <executor/io/fields.hpp>
#include <executor/io/json_tree.hpp>
#include <executor/io/read.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace chimera::executor {

namespace {

using detail::fields;
using nlohmann::json;

constexpr std::size_t stages_most = 65535;

json parse(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        refuse("the file is empty (costs are needed) write a chimera.costs object");
    const auto shallow = [](int depth, json::parse_event_t, json&) {
        if (depth > 4) refuse("the file nests too deep (costs have three levels) correct it");
    };
    try {
        return detail::parse_tree(text, shallow);
    } catch (const json::parse_error& e) {
        refuse("no valid JSON at byte " + std::to_string(e.byte) +
               " (the file is damaged, cut short or something else) write it again");
    } catch (const json::out_of_range&) {
        refuse("a number is too large (for a double) give seconds");
    }
}

constexpr double seconds_most = 1e9, pass_least = 1e-12;
constexpr double bytes_most = 1e18, bandwidth_least = 1e-6;

/// One number for all stages, or a list of one for each.
per_stage numbers(const fields& from, const std::string& key, const json& value, double most) {
    if (!value.is_array()) return from.number_in(key, value, 0, most);
    if (value.empty()) from.wrong(key, value, "it is empty", "a number for each stage, or one for all");
    if (value.size() > stages_most)
        refuse(from.of() + ": " + key + " has " + std::to_string(value.size()) +
               " numbers (stages are at most 65535) give one per stage");
    std::vector<double> out;
    for (const json& one : value)
        out.push_back(from.number_in(key + "[" + std::to_string(out.size()) + "]", one, 0, most));
    return out;
}

/// Numbers that may be left out: `into` stays as it is then.
bool read(fields& from, const char* key, per_stage& into) {
    const json* value = from.find(key);
    if (value != nullptr) into = numbers(from, key, *value, seconds_most);
    return value != nullptr;
}

/// {"latency":s,"bandwidth":bytes_per_s,"bytes":n}
struct link {
    double latency, bandwidth;
    per_stage bytes;
};

link read_link(fields& from) {
    const json& given = from.need("bandwidth", "bytes per second");
    if (given.is_number() && given.get<double>() == 0)
        refuse(from.of() + ": bandwidth is 0 (nothing would ever arrive) give bytes per second");
    const double bandwidth = from.number_in("bandwidth", given, bandwidth_least, bytes_most);
    const double latency = from.number("latency", seconds_most);
    return {
        latency, bandwidth,
        numbers(from, "bytes", from.need("bytes", "a number for each boundary or stage, or one for all"), bytes_most)};
}

void read_transfer(fields& file, stated_costs& out) {
    const json* value = file.find("transfer");
    if (value == nullptr || !value->is_object()) return void(read(file, "transfer", out.each.transfer));
    fields from(*value, file.of() + ": transfer");
    const link way = read_link(from);
    from.finish();
    std::vector<double> seconds;
    for (const double bytes : way.bytes.values) seconds.push_back(way.latency + bytes / way.bandwidth);
    out.each.transfer = std::move(seconds);
    out.transfer_bytes = way.bytes;
}

void read_reduce(fields& file, reduce_cost& out) {
    const json* value = file.find("reduce");
    if (value == nullptr || !value->is_object()) return void(read(file, "reduce", out.seconds));
    fields from(*value, file.of() + ": reduce");
    link way = read_link(from);
    out.latency = way.latency;
    out.bandwidth = way.bandwidth;
    out.bytes = std::move(way.bytes);
    const json& algorithm = from.need("algorithm", "rabenseifner or ring");
    from.finish();
    if (algorithm == "rabenseifner")
        out.algorithm = collective::rabenseifner;
    else if (algorithm == "ring")
        out.algorithm = collective::ring;
    else
        from.wrong("algorithm", algorithm, "unknown", "rabenseifner or ring");
}

void check_format(fields& file) {
    const json& format = file.need("format", "chimera.costs");
    if (format != "chimera.costs") file.wrong("format", format, "costs are needed", "chimera.costs");
    const json& version = file.need("version", "1");
    if (!version.is_number_integer() || version != 1)
        file.wrong("version", version, "this program reads version 1", "1, and the file in its form");
}

/// value(a, b) for each stage.
template <class Value>
per_stage both(const per_stage& a, const per_stage& b, Value value) {
    std::vector<double> out(std::max(a.values.size(), b.values.size()));
    for (std::size_t s = 0; s < out.size(); ++s) {
        out[s] = value(a.values[a.values.size() == 1 ? 0 : std::min(s, a.values.size() - 1)],
                       b.values[b.values.size() == 1 ? 0 : std::min(s, b.values.size() - 1)]);
    }
    return out;
}

/// The two halves and the whole of a backward: what is not given follows from what is.
void read_backward(fields& file, costs& out) {
    const bool input = read(file, "input_gradient", out.input_gradient);
    const bool weight = read(file, "weight_gradient", out.weight_gradient);
    if (!read(file, "backward", out.backward)) {
        if (!input || !weight) file.need("backward", "seconds, or both its halves: input_gradient and weight_gradient");
        out.backward = both(out.input_gradient, out.weight_gradient, [](double i, double w) { return i + w; });
        return;
    }
    const auto rest = [](double b, double half) { return std::max(b - half, 0.0); };
    const auto half = [](double b, double) { return b / 2; };
    if (!input)
        out.input_gradient = weight ? both(out.backward, out.weight_gradient, rest) : both(out.backward, 0, half);
    if (!weight) out.weight_gradient = both(out.backward, out.input_gradient, rest);
}

/// Passes take time: of a stage without any, no bubble could be told from work.
void check_above_zero(const per_stage& cost, const char* key, const char* also) {
    for (const double seconds : cost.values) {
        if (seconds <= 0) refuse(std::string(key) + " is 0" + also + " (a pass takes time) give seconds above 0");
        if (seconds < pass_least)
            refuse(std::string(key) + " is " + json(seconds).dump() + also +
                   " (out of range) give a number from 1e-12 to 1e9");
    }
}

}  // namespace

stated_costs read_costs(std::string_view text) {
    const json value = parse(text);
    fields file(value, "the file");
    check_format(file);
    stated_costs out;
    costs& each = out.each;
    file.need("forward", "seconds of a stage's forward pass");
    read(file, "forward", each.forward);
    read_backward(file, each);
    check_above_zero(each.forward, "forward", "");
    check_above_zero(each.backward, "backward", file.has("backward") ? "" : ", the sum of its halves,");
    each.recompute = each.forward;
    read(file, "recompute", each.recompute);
    read(file, "paired", each.paired);
    read_transfer(file, out);
    read_reduce(file, each.reduce);
    read(file, "update", each.update);
    file.finish();
    return out;
}

void check_lengths(const costs& of, int stages) {
    const auto check = [](const per_stage& list, const char* key, int needed) {
        if (list.values.size() == 1 || list.values.size() == static_cast<std::size_t>(needed)) return;
        refuse(std::string(key) + " has " + std::to_string(list.values.size()) + " numbers (" + std::to_string(needed) +
               " are needed) give that many, or one for all");
    };
    check(of.forward, "forward", stages);
    check(of.backward, "backward", stages);
    check(of.input_gradient, "input_gradient", stages);
    check(of.weight_gradient, "weight_gradient", stages);
    check(of.recompute, "recompute", stages);
    if (of.paired.given()) check(of.paired, "paired", stages);
    check(of.transfer, "transfer", std::max(stages - 1, 1));
    check(of.reduce.seconds, "reduce", stages);
    check(of.reduce.bytes, "reduce.bytes", stages);
    check(of.update, "update", stages);
}

}  // namespace chimera::executor
