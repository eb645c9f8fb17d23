// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/io/table_items.hpp>
#include <chimera/program/instruction.hpp>

#include <cstdint>
#include <initializer_list>

namespace chimera::detail::reading {

constexpr std::uint32_t bits(std::initializer_list<field> of) {
    std::uint32_t out = 0;
    for (const field f : of) out |= 1U << static_cast<int>(f);
    return out;
}

/// The keys that an op must have, and those that it may.
struct keys {
    std::uint32_t needed;
    std::uint32_t allowed;
};

inline constexpr std::uint32_t work = bits({field::op, field::pipeline, field::stage, field::first, field::count});
inline constexpr std::uint32_t slot_keys = work | bits({field::tick, field::ticks});
inline constexpr std::uint32_t compute_keys = work | bits({field::buffer});
inline constexpr std::uint32_t transfer_keys = (work & ~bits({field::stage})) | bits({field::peer});

constexpr keys keys_of(action op) {
    if (is_compute(op)) return {compute_keys, compute_keys | bits({field::buffers, field::version, field::overlap})};
    if (is_transfer(op))
        return {transfer_keys, transfer_keys | bits({field::stage, field::to_stage, field::from_stage, field::group})};
    if (op == action::update_weights)
        return {bits({field::op, field::stage}), bits({field::op, field::stage, field::version})};
    return {bits({field::op, field::stage}), bits({field::op, field::stage, field::members, field::pipeline})};
}

}  // namespace chimera::detail::reading
