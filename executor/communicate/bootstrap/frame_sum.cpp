// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/frame_sum.hpp>

#include <array>

#define XXH_INLINE_ALL  // nothing to link
#include <xxhash.h>

namespace chimera::executor::detail {

std::uint64_t frame_sum(std::span<const std::byte> bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t direction_seed(std::uint64_t meeting, std::uint64_t from, std::uint64_t to) {
    const std::array<std::uint64_t, 2> ends{from + 1, to + 1};
    return frame_sum(std::as_bytes(std::span(ends)), meeting);
}

}  // namespace chimera::executor::detail
