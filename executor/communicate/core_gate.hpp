// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/doorbell.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace chimera::executor {

/// Hands out cores first come, first served, so that with more workers than cores each slot still runs at full speed
/// and the simulation can model who waits. With `cores` = 0 everyone passes.
class core_gate {
public:
    core_gate(int cores, int workers);

    /// Blocks until `worker` has a core. Throws `aborted` after `abort`.
    void acquire(int worker);
    void release() noexcept;
    void abort() noexcept;
    bool open() const { return cores_ == 0; }
    bool is_aborted() const { return aborted_.load(std::memory_order_relaxed); }

private:
    struct seat {
        detail::doorbell bell;
        std::atomic<bool> granted{false};
    };
    int cores_;
    int free_;
    std::mutex mutex_;
    std::vector<int> queue_;  // a ring of `workers` places
    std::size_t head_ = 0, waiting_ = 0;
    std::unique_ptr<seat[]> seats_;
    int workers_;
    std::atomic<bool> aborted_{false};
};

/// Holds a core for a scope.
class core_hold {
public:
    core_hold(core_gate* gate, int worker) : gate_(gate && !gate->open() ? gate : nullptr) {
        if (gate_) gate_->acquire(worker);
    }
    ~core_hold() {
        if (gate_) gate_->release();
    }
    core_hold(const core_hold&) = delete;
    core_hold& operator=(const core_hold&) = delete;

private:
    core_gate* gate_;
};

}  // namespace chimera::executor
