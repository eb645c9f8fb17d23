// SPDX-License-Identifier: Apache-2.0
#include <executor/io/fields.hpp>
#include <executor/io/hardware_file.hpp>
#include <executor/io/read.hpp>

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
    if (!number.zero_ok && given.is_number() && given.get<double>() == 0)
        from.wrong(key, json(0), "it must be above 0", "its " + std::string(number.what));
    number.of(into) = from.number_in(key, given, number.zero_ok ? 0 : 1e-6, 1e21);
}

}  // namespace

hardware read_hardware(const json& value, const std::string& what) {
    detail::fields from(value, what);
    if (const std::string format = from.text("format", 32, "chimera.hardware"); format != "chimera.hardware")
        from.wrong("format", json(format), "no hardware", "chimera.hardware");
    from.whole("version", 1, 1, 1);
    from.find("fit");  // how the numbers were found: for people
    from.need("flops", "what large products sustain, FLOP/s");
    hardware out;
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

fitted_hardware load_hardware(const std::string& path) {
    const std::string text = read_file(path);
    const json value = parse_json(text, path);
    fitted_hardware out{read_hardware(value, path), {}};
    const json::json_pointer mean("/fit/held_out/mean");
    if (value.contains(mean) && value[mean].is_number()) out.held_out = value[mean].get<double>();
    return out;
}

json hardware_json(const hardware& numbers) {
    json out{{"format", "chimera.hardware"}, {"version", 1}};
    hardware all = numbers;
    for (const hardware_number& number : hardware_numbers) {
        const double value = number.of(all);
        const auto [object, key] = place_of(number.name);
        if (std::isfinite(value)) (object.empty() ? out : out[object])[key] = value;
    }
    return out;
}

}  // namespace chimera::executor
