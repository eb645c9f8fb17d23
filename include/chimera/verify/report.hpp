// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/core/platform.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace chimera {

/// The laws that hold of every schedule (the first four) and of every program (all eight).
enum class law : std::uint8_t {
    once,          ///< each stage and unit has its passes, each once, where the placement says
    ordered,       ///< each slot starts after what it depends on has ended
    exclusive,     ///< a worker computes one slot at a time, or the two of a pair
    bounded,       ///< live activations keep to the limit
    matched,       ///< sends and receives pair up, in time at both ends and without deadlock
    synchronised,  ///< each gradient is reduced, waited for and applied once, after its last part
    housed,        ///< no two live activations share a buffer, nor two live weight versions
    reproducible   ///< gradients add up in an order that the program fixes
};

/// The number of laws.
inline constexpr int law_count = 8;

/// Returns the name of a law, as messages have it.
[[nodiscard]] constexpr const char* name(law which) noexcept {
    constexpr const char* names[law_count] = {"once",    "ordered",      "exclusive", "bounded",
                                              "matched", "synchronised", "housed",    "reproducible"};
    return names[static_cast<int>(which)];
}

/// One broken law and its place. Numbers that do not apply are empty.
struct fault {
    chimera::law law = law::once;            ///< law that is broken
    complaint what = complaint::bad_shape;   ///< kind of the fault
    std::optional<std::int32_t> worker{};    ///< worker in whose row it is
    std::optional<std::int32_t> index{};     ///< slot or instruction in the worker's row
    std::optional<std::int32_t> stage{};     ///< stage of the model
    std::optional<std::int32_t> unit{};      ///< first unit
    std::optional<std::int32_t> pipeline{};  ///< pipeline of the slot or instruction
    std::optional<std::int32_t> peer{};      ///< worker at the other end, or that the text names
    std::optional<std::int32_t> other{};     ///< an index, a limit or a count that it clashes with, as the text says
    bool instruction = false;                ///< `index` counts instructions of a program, not slots of a schedule

    friend constexpr bool operator==(const fault&, const fault&) = default;
};

namespace detail {

/// Returns a number of an instruction or slot, or nothing for a negative one, which applies to nothing.
[[nodiscard]] constexpr std::optional<std::int32_t> applying(std::int32_t number) noexcept {
    return number < 0 ? std::nullopt : std::optional(number);
}

}  // namespace detail

/// The limits that verify holds a schedule or program to, and how much it says.
struct limits {
    std::int32_t activations =
        (std::numeric_limits<std::int32_t>::max)();  ///< live micro-batches of one stage per worker
    std::int32_t faults = 16;                        ///< faults kept for each law; all are counted
};

/// The faults that verify found.
struct report {
    std::vector<fault> faults;                     ///< faults kept, at most `most` of each law, in the order found
    std::vector<std::int32_t> peaks;               ///< per worker: most live activations, in units
    std::array<std::int32_t, law_count> counts{};  ///< faults of each law, kept or not
    std::int32_t most = 16;                        ///< faults kept for each law

    /// Returns true if no law is broken.
    [[nodiscard]] constexpr bool ok() const noexcept { return faults.empty(); }
    /// Returns true if a law is broken, also where its faults are not kept.
    [[nodiscard]] constexpr bool broken(law which) const noexcept {
        return counts[static_cast<std::size_t>(which)] > 0;
    }
    /// Counts a fault, and keeps it if its law has fewer than `most`.
    constexpr void add(const fault& f) {
        if (counts[static_cast<std::size_t>(f.law)]++ < most) faults.push_back(f);
    }
};

}  // namespace chimera
