// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// Gives every live activation of a worker a buffer: taken at the forward, given back after the backward or its weight
/// half. A freed buffer is used again before a new one is opened, so a worker needs exactly as many as its peak.
class buffer_allocator {
public:
    constexpr explicit buffer_allocator(const shape& head)
        : units_(static_cast<std::size_t>(head.units())), held_(units_ * static_cast<std::size_t>(head.stages), -1) {}

    /// Starts a worker's row: all buffers free, none opened yet.
    constexpr void next_worker() {
        free_.clear();
        opened_ = 0;
    }
    constexpr void take(int stage, int unit) {
        if (free_.empty()) free_.push_back(opened_++);
        held_[at(stage, unit)] = free_.back();
        free_.pop_back();
    }
    constexpr void give_back(int stage, int unit) { free_.push_back(held(stage, unit)); }
    [[nodiscard]] constexpr std::int32_t held(int stage, int unit) const noexcept { return held_[at(stage, unit)]; }
    [[nodiscard]] constexpr std::int32_t opened() const noexcept { return opened_; }

private:
    [[nodiscard]] constexpr std::size_t at(int stage, int unit) const noexcept {
        return static_cast<std::size_t>(stage) * units_ + static_cast<std::size_t>(unit);
    }
    std::size_t units_;
    std::vector<std::int32_t> held_;  // (stage, unit) → buffer; a unit's stage lives on one worker only
    std::vector<std::int32_t> free_;
    std::int32_t opened_ = 0;
};

}  // namespace chimera::detail
