// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace chimera::executor {

/// Parses one JSON value. Refuses, naming `what`: anything but JSON, nesting deeper than 16, a key given twice in one
/// object.
nlohmann::json parse_json(std::string_view text, const std::string& what);

/// Text on one line: control characters and bytes beyond ASCII become '?', at most 160 characters.
std::string one_line(std::string_view text);

namespace detail {

/// A JSON value in a message: one line, not long.
std::string shown(const nlohmann::json& value);
/// A number in a message, as short as it can be.
std::string brief(double value);

/// The keys of one object, each read with its range, and at the end those refused that nobody asked for. Every refusal
/// begins with `of`, what the object is called.
class fields {
public:
    fields(const nlohmann::json& object, std::string of);

    /// Refuses a key that is not there, saying that it is needed and what to give.
    const nlohmann::json& need(const char* key, const std::string& give);
    /// Null where it is not there.
    const nlohmann::json* find(const char* key);
    bool has(const char* key) const { return object_.contains(key); }

    /// A value that may be left out: `into` stays as it is then.
    void read(const char* key, int& into, std::int64_t least, std::int64_t most);
    void read(const char* key, std::int64_t& into, std::int64_t least, std::int64_t most);
    void read(const char* key, double& into, double least, double most);
    void read(const char* key, std::uint64_t& into);
    void read(const char* key, bool& into);
    void read(const char* key, std::string& into);

    /// From 0 to `most`; no NaN, no infinity. `missing` where the key is not there.
    double number(const char* key, double most, double missing);
    double number(const char* key, double most);
    /// The number of a value that stands under `key`, or refuses it.
    double number_in(const std::string& key, const nlohmann::json& value, double least, double most) const;
    /// Whole numbers, written with a point or an exponent too.
    std::int64_t whole(const char* key, std::int64_t least, std::int64_t most, std::int64_t missing);
    std::int64_t whole(const char* key, std::int64_t least, std::int64_t most);
    bool flag(const char* key, bool missing);
    /// 1 to `most` printable characters.
    std::string text(const char* key, std::size_t most, const std::string& missing);
    void finish() const;

    [[noreturn]] void wrong(const std::string& key, const nlohmann::json& value, const std::string& why,
                            const std::string& give) const;
    const std::string& of() const { return of_; }

private:
    const nlohmann::json& object_;
    std::string of_;
    std::set<std::string> known_;
};

}  // namespace detail

}  // namespace chimera::executor
