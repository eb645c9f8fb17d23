// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/json_tree.hpp>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <vector>

namespace chimera::executor {

namespace {

constexpr int deepest = 16;

}  // namespace

std::string detail::brief(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

nlohmann::json parse_json(std::string_view text, const std::string& what) {
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        using event_t = nlohmann::json::parse_event_t;
        if (depth > deepest)
            refuse(what + " is nested too deep (more than " + std::to_string(deepest) + " levels) flatten it");
        if (event == event_t::object_start) keys.emplace_back();
        if (event == event_t::object_end) keys.pop_back();
        if (event == event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
            refuse(what + " gives a key twice (" + one_line(parsed.get<std::string>()) + ") keep one of them");
    };
    try {
        return detail::parse_tree(text, watch);
    } catch (const nlohmann::json::exception& failed) {
        const std::string_view words = failed.what();
        const auto start = words.find("] ");
        refuse(what + " is not valid JSON (" + one_line(start == words.npos ? words : words.substr(start + 2)) +
               ") correct it");
    }
}

std::string one_line(std::string_view text) {
    std::string line(text.substr(0, 160));
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
    return line;
}

namespace detail {

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

double fields::number_in(const std::string& key, const nlohmann::json& value, double least, double most) const {
    const std::string range = "a number from " + brief(least) + " to " + brief(most);
    if (!value.is_number()) wrong(key, value, "not a number", range);
    const double out = value.get<double>();
    if (!(out >= least && out <= most)) wrong(key, value, "out of range", range);
    return out;
}

void fields::read(const char* key, double& into, double least, double most) {
    if (const auto* value = find(key)) into = number_in(key, *value, least, most);
}

double fields::number(const char* key, double most, double missing) {
    read(key, missing, 0, most);
    return missing;
}

double fields::number(const char* key, double most) {
    need(key, "a number from 0 to " + brief(most));
    return number(key, most, 0);
}

void fields::read(const char* key, std::int64_t& into, std::int64_t least, std::int64_t most) {
    const auto* value = find(key);
    if (value == nullptr) return;
    const std::string range = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value->is_number()) wrong(key, *value, "not a number", range);
    const double about = value->get<double>();
    if (!(about >= static_cast<double>(least) && about <= static_cast<double>(most)))
        wrong(key, *value, "out of range", range);
    if (std::floor(about) != about) wrong(key, *value, "not whole", range);
    into = value->is_number_integer() ? value->get<std::int64_t>() : static_cast<std::int64_t>(about);
}

void fields::read(const char* key, int& into, std::int64_t least, std::int64_t most) {
    into = static_cast<int>(whole(key, least, most, into));
}

void fields::read(const char* key, std::uint64_t& into) {
    const auto* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number_unsigned())
        wrong(key, *value, "it does not fit", "a whole number from 0 to 18446744073709551615");
    into = value->get<std::uint64_t>();
}

std::int64_t fields::whole(const char* key, std::int64_t least, std::int64_t most, std::int64_t missing) {
    read(key, missing, least, most);
    return missing;
}

std::int64_t fields::whole(const char* key, std::int64_t least, std::int64_t most) {
    need(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return whole(key, least, most, 0);
}

void fields::read(const char* key, bool& into) {
    const auto* value = find(key);
    if (value == nullptr) return;
    if (!value->is_boolean()) wrong(key, *value, "neither true nor false", "one of them");
    into = value->get<bool>();
}

void fields::read(const char* key, std::string& into) {
    const auto* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string()) wrong(key, *value, "not a text", "one in quotes");
    into = value->get<std::string>();
}

bool fields::flag(const char* key, bool missing) {
    read(key, missing);
    return missing;
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

}  // namespace detail

}  // namespace chimera::executor
