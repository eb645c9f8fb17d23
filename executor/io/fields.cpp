// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/fields.hpp>

#include <cmath>
#include <cstdio>

namespace chimera::executor::detail {

namespace {

std::string brief(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.15g", value);
    return text;
}

}  // namespace

std::string shown(const nlohmann::json& value) {
    using nlohmann::json;
    std::string text = value.is_structured() ? (value.is_array() ? "an array" : "an object")
                                             : value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (value.is_number_float() && !std::isfinite(value.get<double>())) text = "infinite";  // null in JSON text
    return text.size() > 60 ? text.substr(0, 60) + "…" : text;
}

fields::fields(const nlohmann::json& object, std::string of) : object_(object), of_(std::move(of)) {
    if (!object.is_object()) refuse(of_ + " is " + shown(object) + " (not an object) write {\"key\": value, …}");
}

const nlohmann::json* fields::find(const char* key) {
    known_.insert(key);
    const auto at = object_.find(key);
    return at == object_.end() ? nullptr : &*at;
}

const nlohmann::json& fields::need(const char* key, const std::string& give) {
    const auto* value = find(key);
    if (value == nullptr) refuse(of_ + ": key \"" + key + "\" is missing (it is needed) give " + give);
    return *value;
}

void fields::wrong(const std::string& key, const nlohmann::json& value, const std::string& why,
                   const std::string& give) const {
    refuse(of_ + ": " + key + " is " + shown(value) + " (" + why + ") give " + give);
}

double fields::number(const char* key, double most, double missing) {
    const auto* value = find(key);
    if (value == nullptr) return missing;
    const std::string range = "a number from 0 to " + brief(most);
    if (!value->is_number()) wrong(key, *value, "not a number", range);
    const double out = value->get<double>();
    if (!(out >= 0 && out <= most)) wrong(key, *value, "out of range", range);
    return out;
}

double fields::number(const char* key, double most) {
    need(key, "a number from 0 to " + brief(most));
    return number(key, most, 0);
}

std::int64_t fields::whole(const char* key, std::int64_t least, std::int64_t most, std::int64_t missing) {
    const auto* value = find(key);
    if (value == nullptr) return missing;
    const std::string range = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value->is_number()) wrong(key, *value, "not a number", range);
    const double about = value->get<double>();
    if (!(about >= static_cast<double>(least) && about <= static_cast<double>(most)))
        wrong(key, *value, "out of range", range);
    if (std::floor(about) != about) wrong(key, *value, "not whole", range);
    return value->is_number_integer() ? value->get<std::int64_t>() : static_cast<std::int64_t>(about);
}

std::int64_t fields::whole(const char* key, std::int64_t least, std::int64_t most) {
    need(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return whole(key, least, most, 0);
}

bool fields::flag(const char* key, bool missing) {
    const auto* value = find(key);
    if (value == nullptr) return missing;
    if (!value->is_boolean()) wrong(key, *value, "neither true nor false", "one of them");
    return value->get<bool>();
}

std::string fields::text(const char* key, std::size_t most, const std::string& missing) {
    const auto* value = find(key);
    if (value == nullptr) return missing;
    const std::string give = "a text of 1 to " + std::to_string(most) + " characters";
    if (!value->is_string()) wrong(key, *value, "not a text", give);
    const auto& out = value->get_ref<const std::string&>();
    if (out.empty() || out.size() > most) wrong(key, *value, "its length", give);
    for (const char c : out)
        if (c < 32 || c > 126) wrong(key, *value, "characters other than printable ones", "letters and digits");
    return out;
}

void fields::finish() const {
    for (const auto& entry : object_.items()) {
        if (known_.count(entry.key()) != 0) continue;
        std::string names;
        for (const auto& name : known_) names += (names.empty() ? "" : ", ") + name;
        refuse(of_ + ": key " + shown(nlohmann::json(entry.key())) + " is unknown (misspelt?) known are " + names);
    }
}

}  // namespace chimera::executor::detail
