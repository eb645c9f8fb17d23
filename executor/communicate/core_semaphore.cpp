// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/communicator.hpp>
#include <executor/communicate/core_semaphore.hpp>

#include <unistd.h>

namespace chimera::executor {

core_gate::core_gate(int cores, int workers)
    : cores_(cores), free_(cores), queue_(static_cast<std::size_t>(workers)),
      seats_(std::make_unique<seat[]>(static_cast<std::size_t>(workers))), workers_(workers),
      computing_(CPU_SETSIZE, 0) {
    CPU_ZERO(&usable_);
    if (sched_getaffinity(0, sizeof usable_, &usable_) != 0) CPU_ZERO(&usable_);
}

/// Has a waiting worker wake up on the caller's core.
void core_gate::lead_here(seat& next) noexcept {
    const int core = sched_getcpu();
    if (core < 0 || core >= CPU_SETSIZE || !CPU_ISSET(static_cast<unsigned>(core), &usable_)) return;
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<unsigned>(core), &here);
    next.bound = sched_setaffinity(next.thread, sizeof here, &here) == 0;
}

/// Notes on which core the calling worker computes, after moving it to one where nobody does if there is one.
void core_gate::settle(seat& mine) noexcept {
    const std::lock_guard lock(mutex_);
    if (mine.bound) sched_setaffinity(0, sizeof usable_, &usable_);
    mine.bound = false;
    int core = sched_getcpu();
    if (core < 0 || core >= CPU_SETSIZE) return;
    if (computing_[static_cast<std::size_t>(core)] > 0) {
        for (int other = 0; other < CPU_SETSIZE; ++other) {
            if (!CPU_ISSET(static_cast<unsigned>(other), &usable_) || computing_[static_cast<std::size_t>(other)] > 0)
                continue;
            cpu_set_t there;
            CPU_ZERO(&there);
            CPU_SET(static_cast<unsigned>(other), &there);
            if (sched_setaffinity(0, sizeof there, &there) == 0) {
                sched_setaffinity(0, sizeof usable_, &usable_);
                core = other;
            }
            break;
        }
    }
    ++computing_[static_cast<std::size_t>(core)];
    mine.core = core;
}

void core_gate::acquire(int worker) {
    if (open()) return;
    seat& mine = seats_[static_cast<std::size_t>(worker)];
    bool granted = false;
    {
        const std::lock_guard lock(mutex_);
        if (free_ > 0) {
            --free_;
            granted = true;
        }
        if (!granted) {
            mine.granted.store(false, std::memory_order_relaxed);
            mine.thread = gettid();
            queue_[(head_ + waiting_++) % queue_.size()] = worker;
        }
    }
    if (!granted)
        mine.bell.wait([&] {
            if (aborted_.load(std::memory_order_acquire)) throw aborted();
            return mine.granted.load(std::memory_order_acquire);
        });
    settle(mine);
}

void core_gate::release(int worker) noexcept {
    if (open()) return;
    const std::lock_guard lock(mutex_);
    seat& mine = seats_[static_cast<std::size_t>(worker)];
    if (mine.core >= 0) --computing_[static_cast<std::size_t>(mine.core)];
    mine.core = -1;
    if (waiting_ == 0) {
        ++free_;
        return;
    }
    seat& next = seats_[static_cast<std::size_t>(queue_[head_])];
    head_ = (head_ + 1) % queue_.size();
    --waiting_;
    lead_here(next);
    next.granted.store(true, std::memory_order_release);
    next.bell.ring();
}

void core_gate::abort() noexcept {
    aborted_.store(true, std::memory_order_release);
    for (int w = 0; w < workers_; ++w) seats_[static_cast<std::size_t>(w)].bell.ring();
}

}  // namespace chimera::executor
