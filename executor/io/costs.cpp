// SPDX-License-Identifier: Apache-2.0
#include <executor/io/read.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace chimera::executor {

namespace {

using nlohmann::json;

constexpr std::size_t stages_most = 65535;

std::string shown(const json& value) {
    std::string text = value.is_structured() ? std::string("a ") + value.type_name()
                                             : value.dump(-1, ' ', true, json::error_handler_t::replace);
    return text.size() > 40 ? text.substr(0, 40) + "…" : text;
}

json parse(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        refuse("the file is empty (costs are needed) write a chimera.costs object");
    const auto shallow = [](int depth, json::parse_event_t, json&) {
        if (depth > 4) refuse("the file nests too deep (costs have three levels) correct it");
        return true;
    };
    try {
        return json::parse(text.begin(), text.end(), shallow);
    } catch (const json::parse_error& e) {
        refuse("no valid JSON at byte " + std::to_string(e.byte) +
               " (the file is damaged, cut short or something else) write it again");
    } catch (const json::out_of_range&) {
        refuse("a number is too large (for a double) give seconds");
    }
}

void check_keys(const json& object, const std::string& of, std::initializer_list<std::string_view> known) {
    for (const auto& entry : object.items()) {
        if (std::find(known.begin(), known.end(), entry.key()) != known.end()) continue;
        refuse("key " + shown(json(entry.key())) + " is unknown (in " + of + ") remove it");
    }
}

double number(const json& value, const std::string& key, double most) {
    if (!value.is_number()) refuse(key + " is " + shown(value) + " (a number is needed) give one, not negative");
    const double out = value.get<double>();
    if (!(out >= 0) || !(out <= most))
        refuse(key + " is " + shown(value) + " (out of range) give a number from 0 to " +
               std::to_string(static_cast<std::int64_t>(most)));
    return out;
}

constexpr double seconds_most = 1e9;
constexpr double bytes_most = 1e18;

per_stage numbers(const json& value, const std::string& key, double most) {
    if (!value.is_array()) return number(value, key, most);
    if (value.empty()) refuse(key + " is an empty list (it needs a number for each stage) give them, or one for all");
    if (value.size() > stages_most)
        refuse(key + " has " + std::to_string(value.size()) + " numbers (stages are at most 65535) give one per stage");
    std::vector<double> out;
    for (const json& one : value) out.push_back(number(one, key + "[" + std::to_string(out.size()) + "]", most));
    return out;
}

const json& part(const json& object, const std::string& of, const char* key) {
    if (!object.contains(key)) refuse("key '" + std::string(key) + "' is missing (" + of + " needs it) add it");
    return object[key];
}

/// {"latency":s,"bandwidth":bytes_per_s,"bytes":n}
struct link {
    double latency, bandwidth;
    per_stage bytes;
};

link read_link(const json& object, const std::string& of) {
    const double bandwidth = number(part(object, of, "bandwidth"), of + ".bandwidth", bytes_most);
    if (bandwidth <= 0) refuse(of + ".bandwidth is 0 (nothing would ever arrive) give bytes per second");
    return {number(part(object, of, "latency"), of + ".latency", seconds_most), bandwidth,
            numbers(part(object, of, "bytes"), of + ".bytes", bytes_most)};
}

per_stage read_transfer(const json& value) {
    if (!value.is_object()) return numbers(value, "transfer", seconds_most);
    check_keys(value, "transfer", {"latency", "bandwidth", "bytes"});
    const link way = read_link(value, "transfer");
    std::vector<double> out;
    for (const double bytes : way.bytes.values) out.push_back(way.latency + bytes / way.bandwidth);
    return out;
}

reduce_cost read_reduce(const json& value) {
    reduce_cost out;
    if (!value.is_object()) {
        out.seconds = numbers(value, "reduce", seconds_most);
        return out;
    }
    check_keys(value, "reduce", {"latency", "bandwidth", "bytes", "algorithm"});
    link way = read_link(value, "reduce");
    out.latency = way.latency;
    out.bandwidth = way.bandwidth;
    out.bytes = std::move(way.bytes);
    const json& algorithm = part(value, "reduce", "algorithm");
    if (algorithm == "rabenseifner")
        out.algorithm = collective::rabenseifner;
    else if (algorithm == "ring")
        out.algorithm = collective::ring;
    else
        refuse("reduce.algorithm is " + shown(algorithm) + " (unknown) give rabenseifner or ring");
    return out;
}

void check_format(const json& file) {
    if (!file.is_object())
        refuse("the file holds a JSON " + std::string(file.type_name()) +
               " (costs are an object) write a chimera.costs object");
    const json& format = part(file, "every file", "format");
    if (format != "chimera.costs") refuse("format is " + shown(format) + " (costs are needed) give chimera.costs");
    const json& version = part(file, "every file", "version");
    if (!version.is_number_integer() || version != 1)
        refuse("version is " + shown(version) + " (this program reads version 1) convert the file");
    check_keys(file, "version 1 of the format",
               {"format", "version", "forward", "backward", "input_gradient", "weight_gradient", "recompute", "paired",
                "transfer", "reduce", "update"});
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
void read_backward(const json& file, costs& out) {
    const bool halves = file.contains("input_gradient") && file.contains("weight_gradient");
    const auto read = [&](const char* key) { return numbers(file[key], key, seconds_most); };
    if (file.contains("input_gradient")) out.input_gradient = read("input_gradient");
    if (file.contains("weight_gradient")) out.weight_gradient = read("weight_gradient");
    if (!file.contains("backward")) {
        if (!halves) part(file, "every costs file without both its halves", "backward");
        out.backward = both(out.input_gradient, out.weight_gradient, [](double i, double w) { return i + w; });
        return;
    }
    out.backward = read("backward");
    const auto rest = [](double b, double half) { return std::max(b - half, 0.0); };
    const auto half = [](double b, double) { return b / 2; };
    if (!file.contains("input_gradient")) {
        out.input_gradient = file.contains("weight_gradient") ? both(out.backward, out.weight_gradient, rest)
                                                              : both(out.backward, 0, half);
    }
    if (!file.contains("weight_gradient")) out.weight_gradient = both(out.backward, out.input_gradient, rest);
}

/// Passes take time: of a stage without any, no bubble could be told from work.
void check_above_zero(const per_stage& cost, const char* key, const char* also) {
    for (const double seconds : cost.values)
        if (seconds <= 0) refuse(std::string(key) + " is 0" + also + " (a pass takes time) give seconds above 0");
}

}  // namespace

costs read_costs(std::string_view text) {
    const json file = parse(text);
    check_format(file);
    costs out;
    out.forward = numbers(part(file, "every costs file", "forward"), "forward", seconds_most);
    read_backward(file, out);
    check_above_zero(out.forward, "forward", "");
    check_above_zero(out.backward, "backward", file.contains("backward") ? "" : ", the sum of its halves,");
    out.recompute = file.contains("recompute") ? numbers(file["recompute"], "recompute", seconds_most) : out.forward;
    if (file.contains("paired")) out.paired = numbers(file["paired"], "paired", seconds_most);
    if (file.contains("transfer")) out.transfer = read_transfer(file["transfer"]);
    if (file.contains("reduce")) out.reduce = read_reduce(file["reduce"]);
    if (file.contains("update")) out.update = numbers(file["update"], "update", seconds_most);
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
