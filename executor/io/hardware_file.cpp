// SPDX-License-Identifier: Apache-2.0
#include <executor/io/fields.hpp>
#include <executor/io/hardware_file.hpp>
#include <executor/io/near_name.hpp>
#include <executor/io/read.hpp>

#include <sys/stat.h>

#include <cmath>
#include <optional>

namespace chimera::executor {

namespace {

using nlohmann::json;

/// "inside.latency" is the key latency of the object inside.
std::pair<std::string, std::string> place_of(std::string_view name) {
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return {"", std::string(name)};
    return {std::string(name.substr(0, dot)), std::string(name.substr(dot + 1))};
}

void read_number(detail::fields& from, const std::string& key, const hardware_number& number, hardware& into) {
    if (from.find(key.c_str()) == nullptr) return;
    const json& given = *from.find(key.c_str());
    if (number.least > 0 && given.is_number() && given.get<double>() == 0)
        from.wrong(key, json(0), "it must be above 0", "its " + std::string(number.what));
    number.of(into) = from.number_in(key, given, number.least, number.most);
}

fitted_hardware named(const catalogued_hardware& known) {
    fitted_hardware out{.numbers = numbers_of(known), .called = std::string(known.name)};
    if (known.device->memory.value > 0) out.memory = known.device->memory.value;
    if (known.workers_per_node > 0) out.workers_per_node = known.workers_per_node;
    return out;
}

/// The nearest name, or all.
std::string names_like(const std::string& name) {
    const std::string_view meant = nearest_name(name, hardware_catalogue);
    return meant.empty() ? hardware_names() : std::string(meant) + ", or another name that chimera hardware lists";
}

}  // namespace

const catalogued_hardware& hardware_named(const std::string& name) {
    if (const catalogued_hardware* known = find_in_catalogue(name)) return *known;
    refuse("unknown hardware '" + one_line(name.substr(0, 40)) + "' (no such name) use " + names_like(name));
}

std::string hardware_names() {
    std::string out;
    for (const catalogued_hardware& one : hardware_catalogue) out += (out.empty() ? "" : ", ") + std::string(one.name);
    return out;
}

hardware read_hardware(const json& value, const std::string& what) { return read_fitted_hardware(value, what).numbers; }

fitted_hardware read_fitted_hardware(const json& value, const std::string& what) {
    detail::fields from(value, what);
    if (const std::string format = from.text("format", 32, "chimera.hardware"); format != "chimera.hardware")
        from.wrong("format", json(format), "no hardware", "chimera.hardware");
    from.whole("version", 1, 1, 1);
    from.find("fit");  // how the numbers were found: for people, as are sources
    for (const char* before : {"half_output", "whole_vocabulary"}) from.find(before);  // older files have them
    from.find("sources");
    from.need("flops", "what large products sustain, FLOP/s");
    fitted_hardware found{.numbers = {}, .called = what};
    hardware& out = found.numbers;
    from.read("peak", out.peak, 0, 1e18);
    from.read("fp8_peak", out.fp8_peak, 0, 1e18);
    if (const json* memory = from.find("memory")) found.memory = from.number_in("memory", *memory, 1, 1e18);
    if (from.has("workers_per_node"))
        found.workers_per_node = static_cast<int>(from.whole("workers_per_node", 1, 1 << 20));
    std::optional<detail::fields> inside, between;
    if (const json* links = from.find("inside")) inside.emplace(*links, what + ": inside");
    if (const json* links = from.find("between")) between.emplace(*links, what + ": between");
    for (const hardware_number& number : hardware_numbers) {
        const auto [object, key] = place_of(number.name);
        if (object.empty())
            read_number(from, key, number, out);
        else if (auto& of = object == "inside" ? inside : between)
            read_number(*of, key, number, out);
    }
    if (inside) inside->finish();
    if (between) between->finish();
    from.finish();
    const json::json_pointer mean("/fit/held_out/mean");
    if (value.contains(mean) && value[mean].is_number()) found.held_out = value[mean].get<double>();
    return found;
}

fitted_hardware load_hardware(const std::string& name_or_path) {
    if (const catalogued_hardware* known = find_in_catalogue(name_or_path)) return named(*known);
    if (struct stat facts{}; name_or_path.find('/') == std::string::npos && !name_or_path.ends_with(".json") &&
                             ::stat(name_or_path.c_str(), &facts) != 0)
        refuse("unknown hardware '" + name_or_path.substr(0, 40) + "' (neither a name nor a file) use " +
               names_like(name_or_path) + ", or a chimera.hardware file");
    return read_fitted_hardware(parse_json(read_file(name_or_path), name_or_path), name_or_path);
}

json hardware_json(const hardware& numbers) {
    json out{{"format", "chimera.hardware"}, {"version", 1}};
    if (numbers.peak > 0) out["peak"] = numbers.peak;
    if (numbers.fp8_peak > 0) out["fp8_peak"] = numbers.fp8_peak;
    hardware all = numbers;
    for (const hardware_number& number : hardware_numbers) {
        const double value = number.of(all);
        const auto [object, key] = place_of(number.name);
        if (std::isfinite(value) && value >= number.least) (object.empty() ? out : out[object])[key] = value;
    }
    return out;
}

json hardware_json(const fitted_hardware& known) {
    json out = hardware_json(known.numbers);
    if (known.memory) out["memory"] = *known.memory;
    if (known.workers_per_node) out["workers_per_node"] = *known.workers_per_node;
    return out;
}

json hardware_json(const catalogued_hardware& known) {
    json out = hardware_json(named(known));
    for (const described_number& one : describe(known)) {
        std::string words(name(one.found.how));
        for (const std::string_view more : {one.found.note, one.found.source})
            if (!more.empty()) words += "; " + std::string(more);
        out["sources"][std::string(one.number)] = words;
    }
    return out;
}

}  // namespace chimera::executor
