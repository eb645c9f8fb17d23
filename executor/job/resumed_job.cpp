// SPDX-License-Identifier: Apache-2.0
#include <executor/io/fields.hpp>
#include <executor/io/files.hpp>
#include <executor/io/run_folder.hpp>
#include <executor/job/resumed_job.hpp>

#include <set>

namespace chimera::executor {

namespace {

using nlohmann::json;

json::iterator object_in(json& of, const char* key) {
    const auto at = of.is_object() ? of.find(key) : of.end();
    return at != of.end() && at->is_object() ? at : of.end();
}

/// Adds the settings that are not said. Steps and seconds are two ways to say one thing.
void complete(json& said, const json& earlier) {
    const bool ends = said.contains("steps") || said.contains("seconds");
    for (const auto& [key, value] : earlier.items())
        if (!said.contains(key) && !(ends && (key == "steps" || key == "seconds"))) said[key] = value;
}

/// `key: 5 here, 1 in the checkpoint`, for each key in which two objects differ.
std::string difference(const json& there, const json& here, const std::string& before) {
    if (there == here) return "";
    const auto shown_or = [](const json& value) { return value.is_null() ? "not set" : detail::shown(value); };
    if (!there.is_object() || !here.is_object())
        return before + " is " + shown_or(here) + " here, " + shown_or(there) + " in the checkpoint";
    std::set<std::string> keys;
    for (const json* each : {&there, &here})
        for (const auto& entry : each->items()) keys.insert(entry.key());
    std::string text;
    for (const std::string& key : keys) {
        const std::string one = difference(there.value(key, json()), here.value(key, json()),
                                           before.empty() ? key : before + "." + one_line(key));
        text += (text.empty() || one.empty() ? "" : ", ") + one;
    }
    return text;
}

}  // namespace

void leave_out_filled_in(json& job) {
    const auto at = object_in(job, "optimiser");
    if (at == job.end()) return;
    json& optimiser = *at;
    const auto is = [&](const char* key, const auto& value) {
        return optimiser.contains(key) && optimiser[key].is_number() && optimiser[key] == value;
    };
    const auto number = [&](const char* key) { return optimiser.contains(key) && optimiser[key].is_number(); };
    if (number("learning_rate")) {
        const optimiser_settings given{.learning_rate = optimiser["learning_rate"].get<double>()};
        if (is("min_learning_rate", filled_in(given).min_learning_rate)) optimiser.erase("min_learning_rate");
    }
    if (number("steps") && is("warmup", default_warmup(optimiser["steps"].get<std::int64_t>())))
        optimiser.erase("warmup");
}

json resumed_job(json said) {
    const std::string output = said.contains("output") && said["output"].is_string() ? said["output"].get<std::string>()
                                                                                     : job{}.output.string();
    const auto path = std::filesystem::path(output) / run_file::job;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return said;
    json earlier = parse_json(read_file(path, 1 << 20), "job " + shown(path));
    if (!earlier.is_object()) return said;
    leave_out_filled_in(earlier);
    for (const auto& [key, value] : earlier.items()) {
        if (key == "output" || key == "plan") continue;
        if (!said.contains(key))
            said[key] = value;
        else if (key == "optimiser" && value.is_object() && said[key].is_object())
            complete(said[key], value);
    }
    return said;
}

changed_settings compare_settings(const std::string& there, const std::string& here) {
    json a = json::parse(there, nullptr, false), b = json::parse(here, nullptr, false);
    if (!a.is_object() || !b.is_object()) return {"its settings are not known", ""};
    changed_settings out;
    out.optimiser = difference(a.value("optimiser", json()), b.value("optimiser", json()), "");
    a.erase("optimiser");
    b.erase("optimiser");
    if (a.value("data", "") != b.value("data", "")) out.fixed = "the data differ";
    a.erase("data");
    b.erase("data");
    const std::string others = difference(a, b, "");
    if (!others.empty()) out.fixed += (out.fixed.empty() ? "" : ", ") + others;
    return out;
}

}  // namespace chimera::executor
