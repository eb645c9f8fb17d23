// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/core/platform.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace chimera {

/// The laws that hold of every schedule (the first four) and of every program (all eight).
enum class law : std::uint8_t { once, ordered, exclusive, bounded, matched, synchronised, housed, reproducible };

inline constexpr int law_count = 8;

/// Returns the name of a law, as messages have it.
[[nodiscard]] constexpr const char* name(law which) noexcept {
    constexpr const char* names[law_count] = {"once",    "ordered",      "exclusive", "bounded",
                                              "matched", "synchronised", "housed",    "reproducible"};
    return names[static_cast<int>(which)];
}

/// One broken law and where. Numbers that do not apply are -1.
struct fault {
    chimera::law law = law::once;
    complaint what = complaint::bad_shape;
    std::int32_t worker = -1;
    std::int32_t index = -1;  ///< slot or instruction in the worker's row
    std::int32_t stage = -1;
    std::int32_t unit = -1;
    std::int32_t pipeline = -1;
    std::int32_t peer = -1;
    std::int32_t other = -1;   ///< an index, a limit or a count that it clashes with, as the text says
    bool instruction = false;  ///< `index` counts instructions of a program, not slots of a schedule

    friend constexpr bool operator==(const fault&, const fault&) = default;
};

/// The limits that verify holds a schedule or program to, and how much it says.
struct limits {
    std::int32_t activations =
        (std::numeric_limits<std::int32_t>::max)();  ///< live micro-batches of one stage per worker
    std::int32_t faults = 16;                        ///< faults kept for each law; all are counted
};

/// The faults that verify found.
struct report {
    std::vector<fault> faults;
    std::vector<std::int32_t> peaks;               ///< per worker: most live activations, in units
    std::array<std::int32_t, law_count> counts{};  ///< faults of each law, kept or not
    std::int32_t most = 16;

    [[nodiscard]] constexpr bool ok() const noexcept { return faults.empty(); }
    [[nodiscard]] constexpr bool broken(law which) const noexcept {
        return counts[static_cast<std::size_t>(which)] > 0;
    }
    constexpr void add(const fault& f) {
        if (counts[static_cast<std::size_t>(f.law)]++ < most) faults.push_back(f);
    }
};

}  // namespace chimera
