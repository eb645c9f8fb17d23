// SPDX-License-Identifier: Apache-2.0
#include <chimera/calibrate/known_hardware.hpp>

#include <executor/io/fields.hpp>
#include <executor/io/hardware_file.hpp>
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

}  // namespace

std::string hardware_names() {
    std::string out;
    for (const named_hardware& one : known_hardware) out += (out.empty() ? "" : ", ") + std::string(one.name);
    return out;
}

hardware read_hardware(const json& value, const std::string& what) {
    detail::fields from(value, what);
    if (const std::string format = from.text("format", 32, "chimera.hardware"); format != "chimera.hardware")
        from.wrong("format", json(format), "no hardware", "chimera.hardware");
    from.whole("version", 1, 1, 1);
    from.find("fit");  // how the numbers were found: for people
    from.need("flops", "what large products sustain, FLOP/s");
    hardware out;
    from.read("peak", out.peak, 0, 1e18);
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
    return out;
}

fitted_hardware load_hardware(const std::string& name_or_path) {
    if (const hardware* known = find_hardware(name_or_path)) return {*known, {}};
    if (struct stat facts{}; name_or_path.find('/') == std::string::npos && !name_or_path.ends_with(".json") &&
                             ::stat(name_or_path.c_str(), &facts) != 0)
        refuse("unknown hardware '" + name_or_path.substr(0, 40) + "' (neither a name nor a file) use " +
               hardware_names() + " or a chimera.hardware file");
    const std::string text = read_file(name_or_path);
    const json value = parse_json(text, name_or_path);
    fitted_hardware out{read_hardware(value, name_or_path), {}};
    const json::json_pointer mean("/fit/held_out/mean");
    if (value.contains(mean) && value[mean].is_number()) out.held_out = value[mean].get<double>();
    return out;
}

json hardware_json(const hardware& numbers) {
    json out{{"format", "chimera.hardware"}, {"version", 1}};
    if (numbers.peak > 0) out["peak"] = numbers.peak;
    hardware all = numbers;
    for (const hardware_number& number : hardware_numbers) {
        const double value = number.of(all);
        const auto [object, key] = place_of(number.name);
        if (std::isfinite(value)) (object.empty() ? out : out[object])[key] = value;
    }
    return out;
}

}  // namespace chimera::executor
