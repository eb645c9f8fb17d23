// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace chimera::executor {

/// Parses one JSON value. Refuses, naming `what`: anything but JSON, nesting deeper than 16, a key given twice in one object.
nlohmann::json parse_json(std::string_view text, const std::string& what);

/// Text on one line: control characters and bytes beyond ASCII become '?', at most 160 characters.
std::string one_line(std::string_view text);

/// Reads an object key by key, each with its type and range, and then refuses what nobody asked for.
/// Every refusal names the key, says what it is and what would be right. An absent key leaves the value as it is.
class object_reader {
public:
    /// `where`: what the object is called in messages. Throws error when `value` is no object.
    object_reader(const nlohmann::json& value, std::string where);

    void read(const char* key, int& into, std::int64_t least, std::int64_t most);
    void read(const char* key, std::int64_t& into, std::int64_t least, std::int64_t most);
    void read(const char* key, std::uint64_t& into);
    void read(const char* key, bool& into);
    void read(const char* key, double& into, double least, double most);
    void read(const char* key, std::string& into);
    /// The value of a key that the caller reads itself; null when absent.
    const nlohmann::json* find(const char* key);
    /// Refuses the first key that was never asked for.
    void finish() const;

private:
    [[noreturn]] void refuse_value(const char* key, const nlohmann::json& value, const std::string& right) const;

    const nlohmann::json& value_;
    std::string where_;
    std::set<std::string> known_;
};

}  // namespace chimera::executor
