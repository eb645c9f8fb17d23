// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace chimera::executor::detail {

/// A thread sleeps on an event until a condition of its own holds. Others make the condition true, then ring.
class event {
public:
    void ring() noexcept {
        rings_.fetch_add(1, std::memory_order_release);
        rings_.notify_all();
    }

    /// Looks a few times, then blocks: workers usually outnumber cores, so a spinning one would hold another up.
    template <typename Ready>
    void wait(Ready ready) {
        for (int look = 0; look < 16; ++look)
            if (ready()) return;
        for (;;) {
            const std::uint32_t seen = rings_.load(std::memory_order_acquire);
            if (ready()) return;
            rings_.wait(seen, std::memory_order_acquire);
        }
    }

private:
    alignas(64) std::atomic<std::uint32_t> rings_{0};
};

}  // namespace chimera::executor::detail
