// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/io/table_items.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail::reading {

/// Takes the parser's events one by one and hands every finished item to `take`, so that memory holds no tree of the
/// file. The shape that it accepts is
/// { scalars, "placement": [[integer…]…], "slots" or "instructions": [[{item}…]…] }, keys in any order.
class table_events {
public:
    virtual ~table_events() = default;

    shape head;
    std::string format;
    std::string section;                                 // slots or instructions
    std::vector<std::vector<std::int32_t>> placement;    // as read; no length checked
    std::vector<std::vector<std::int32_t>> skips, tied;  // as read
    std::vector<std::int32_t> offsets;                   // of the items

    bool null();
    bool boolean(bool value);
    bool number_integer(std::int64_t value);
    bool number_unsigned(std::uint64_t value);
    bool number_float(double value, const std::string& text);
    bool string(std::string& value);
    bool binary(std::vector<std::uint8_t>& value);
    bool start_object(std::size_t);
    bool key(std::string& name);
    bool end_object();
    bool start_array(std::size_t);
    bool end_array();
    bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& why);

    /// Refuses what is missing at the end.
    void finish() const;

protected:
    virtual void take(const item& one) = 0;
    /// Returns the place of the reader: `worker 2, slot 5: `.
    std::string place() const;
    [[noreturn]] void complain(const std::string& what) const;

private:
    enum class at : std::uint8_t { start, top, placement, placement_row, rows, row, item, item_list, end };

    void integer(std::int64_t value);
    [[noreturn]] void unexpected(const std::string& got) const;
    std::string expected() const;
    void header(std::int64_t value);
    bool lists_numbers() const { return key_ == "placement" || key_ == "skips" || key_ == "tied"; }
    std::vector<std::vector<std::int32_t>>& lists() {
        return key_ == "skips" ? skips : key_ == "tied" ? tied : placement;
    }

    at at_ = at::start;
    std::string key_;          // of the top object
    std::uint32_t seen_ = 0;   // a bit per key of the top object
    field field_ = field::op;  // of the item
    item item_;
    std::int32_t items_ = 0;
};

}  // namespace chimera::detail::reading
