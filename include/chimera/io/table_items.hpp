// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::detail::reading {

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
    from_stage,
    op,
    overlap,
    buffers,
    members
};
inline constexpr int field_count = 16;
inline constexpr int integer_fields = 12;

struct field_facts {
    std::string_view name;
    std::int64_t least;
    std::int64_t most;
};

inline constexpr std::int64_t int_most = (std::numeric_limits<std::int32_t>::max)();

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
                                                              {"from_stage", 0, 65535},
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

}  // namespace chimera::detail::reading
