// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor::detail {

/// The keys that slots and instructions have. The integers come first.
enum class field : std::uint8_t {
    pipeline,
    stage,
    first,
    count,
    tick,
    ticks,
    peer,
    to_stage,
    buffer,
    group,
    version,
    op,
    overlap,
    buffers,
    members
};
inline constexpr int field_count = 15;
inline constexpr int integer_fields = 11;

struct field_facts {
    std::string_view name;
    std::int64_t least;
    std::int64_t most;
};

inline constexpr std::int64_t int_most = std::numeric_limits<std::int32_t>::max();

inline constexpr std::array<field_facts, field_count> fields{{{"pipeline", 0, 65535},
                                                              {"stage", 0, 65535},
                                                              {"first", 0, int_most - 128},
                                                              {"count", 1, 127},
                                                              {"tick", 0, std::int64_t{1} << 29},
                                                              {"ticks", 1, 65535},
                                                              {"peer", 0, int_most},
                                                              {"to_stage", 0, 65535},
                                                              {"buffer", 0, int_most},
                                                              {"group", 0, int_most},
                                                              {"version", 0, 255},
                                                              {"op", 0, 0},
                                                              {"overlap", 0, 1},
                                                              {"buffers", 0, int_most},
                                                              {"members", 0, int_most}}};

/// One object of the lists, as read.
struct item {
    std::uint32_t present = 0;  // a bit per field
    std::array<std::int32_t, integer_fields> values{};
    std::string op;
    bool overlap = false;
    std::vector<std::int32_t> buffers, members;

    bool has(field f) const { return (present >> static_cast<int>(f) & 1U) != 0; }
    std::int32_t operator[](field f) const { return values[static_cast<std::size_t>(f)]; }
};

/// Takes the parser's events one by one and hands every finished item to `take`, so that memory holds no tree of the
/// file. The shape that it accepts is
/// { scalars, "placement": [[integer…]…], "slots" or "instructions": [[{item}…]…] }, keys in any order.
class table_events {
public:
    virtual ~table_events() = default;

    shape head;
    std::string format;
    std::string section;                               // slots or instructions
    std::vector<std::vector<std::int32_t>> placement;  // as read; no length checked
    std::vector<std::int32_t> offsets;                 // of the items

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

    at at_ = at::start;
    std::string key_;          // of the top object
    std::uint32_t seen_ = 0;   // a bit per key of the top object
    field field_ = field::op;  // of the item
    item item_;
    std::int32_t items_ = 0;
};

}  // namespace chimera::executor::detail
