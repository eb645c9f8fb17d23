// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace chimera::executor::detail {

/// XXH3 (64 bits) of what goes over a connection, to find what was changed on the way. It keeps out no attacker.
std::uint64_t frame_sum(std::span<const std::byte> bytes, std::uint64_t seed);

/// A seed for what `from` sends to `to`, so that nothing passes as sent by another or the other way.
std::uint64_t direction_seed(std::uint64_t meeting, std::uint64_t from, std::uint64_t to);

}  // namespace chimera::executor::detail
