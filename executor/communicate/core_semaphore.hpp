// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/event.hpp>

#include <sched.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace chimera::executor {

/// Hands out cores first come, first served, so that with more workers than cores each slot still runs at full speed
/// and the simulation can model who waits. With `cores` = 0 everyone passes.
/// Whoever gets one moves off a core on which another computes: left alone, the kernel wakes workers behind each other
/// as often as not, while a core falls idle. Nobody stays bound to a core.
class core_semaphore {
public:
    core_semaphore(int cores, int workers);

    /// Blocks until `worker` has a core. Throws `aborted` after `abort`.
    void acquire(int worker);
    void release(int worker) noexcept;
    void abort() noexcept;
    bool open() const { return cores_ == 0; }
    bool is_aborted() const { return aborted_.load(std::memory_order_relaxed); }

private:
    struct seat {
        detail::event bell;
        std::atomic<bool> granted{false};
        int core = -1;       // on which its worker computes
        pid_t thread = 0;    // who waits
        bool bound = false;  // to the core that is handed on, until it wakes
    };
    void lead_here(seat& next) noexcept;
    void settle(seat& mine) noexcept;
    int cores_;
    int free_;
    std::mutex mutex_;
    std::vector<int> queue_;  // a ring of `workers` places
    std::size_t head_ = 0, waiting_ = 0;
    std::unique_ptr<seat[]> seats_;
    int workers_;
    cpu_set_t usable_;            // by the process, when the gate was made
    std::vector<int> computing_;  // on every core: workers that hold one here
    std::atomic<bool> aborted_{false};
};

/// Holds a core for a scope.
class core_hold {
public:
    core_hold(core_semaphore* gate, int worker) : gate_(gate && !gate->open() ? gate : nullptr), worker_(worker) {
        if (gate_) gate_->acquire(worker);
    }
    ~core_hold() {
        if (gate_) gate_->release(worker_);
    }
    core_hold(const core_hold&) = delete;
    core_hold& operator=(const core_hold&) = delete;

private:
    core_semaphore* gate_;
    int worker_;
};

}  // namespace chimera::executor
