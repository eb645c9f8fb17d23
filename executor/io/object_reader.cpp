// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/object_reader.hpp>

#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

namespace chimera::executor {

namespace {

constexpr int deepest = 16;

std::string number_text(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

}  // namespace

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
        return true;
    };
    try {
        return nlohmann::json::parse(text.begin(), text.end(), watch);
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

object_reader::object_reader(const nlohmann::json& value, std::string where) : value_(value), where_(std::move(where)) {
    if (!value.is_object())
        refuse(where_ + " is " + one_line(value.dump(-1, ' ', true)) + " (not an object) write {\"key\": value, ...}");
}

void object_reader::refuse_value(const char* key, const nlohmann::json& value, const std::string& right) const {
    using handler = nlohmann::json::error_handler_t;
    refuse(where_ + ": " + key + " is " + one_line(value.dump(-1, ' ', true, handler::replace)) +
           " (it does not fit) give " + right);
}

const nlohmann::json* object_reader::find(const char* key) {
    known_.insert(key);
    const auto at = value_.find(key);
    return at == value_.end() ? nullptr : &*at;
}

void object_reader::read(const char* key, std::int64_t& into, std::int64_t least, std::int64_t most) {
    const auto* value = find(key);
    if (!value) return;
    const std::string right = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value->is_number_integer()) refuse_value(key, *value, right);
    const bool huge =
        value->is_number_unsigned() &&
        value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (huge || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
        refuse_value(key, *value, right);
    into = value->get<std::int64_t>();
}

void object_reader::read(const char* key, int& into, std::int64_t least, std::int64_t most) {
    std::int64_t wide = into;
    read(key, wide, least, most);
    into = static_cast<int>(wide);
}

void object_reader::read(const char* key, std::uint64_t& into) {
    const auto* value = find(key);
    if (!value) return;
    if (!value->is_number_unsigned()) refuse_value(key, *value, "a whole number from 0 to 18446744073709551615");
    into = value->get<std::uint64_t>();
}

void object_reader::read(const char* key, bool& into) {
    const auto* value = find(key);
    if (!value) return;
    if (!value->is_boolean()) refuse_value(key, *value, "true or false");
    into = value->get<bool>();
}

void object_reader::read(const char* key, double& into, double least, double most) {
    const auto* value = find(key);
    if (!value) return;
    const std::string right = "a number from " + number_text(least) + " to " + number_text(most);
    if (!value->is_number()) refuse_value(key, *value, right);
    const double number = value->get<double>();
    if (!(number >= least && number <= most)) refuse_value(key, *value, right);
    into = number;
}

void object_reader::read(const char* key, std::string& into) {
    const auto* value = find(key);
    if (!value) return;
    if (!value->is_string()) refuse_value(key, *value, "a text");
    into = value->get<std::string>();
}

void object_reader::finish() const {
    for (const auto& [key, ignored] : value_.items()) {
        if (known_.count(key)) continue;
        std::string names;
        for (const auto& name : known_) names += (names.empty() ? "" : ", ") + name;
        refuse(where_ + ": unknown key \"" + one_line(key) + "\" (misspelt?) known are " + names);
    }
}

}  // namespace chimera::executor
