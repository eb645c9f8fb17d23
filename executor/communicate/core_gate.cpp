// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/communicator.hpp>
#include <executor/communicate/core_gate.hpp>

namespace chimera::executor {

core_gate::core_gate(int cores, int workers)
    : cores_(cores), free_(cores), queue_(static_cast<std::size_t>(workers)),
      seats_(std::make_unique<seat[]>(static_cast<std::size_t>(workers))), workers_(workers) {}

void core_gate::acquire(int worker) {
    if (open()) return;
    seat& mine = seats_[static_cast<std::size_t>(worker)];
    {
        const std::lock_guard lock(mutex_);
        if (free_ > 0) {
            --free_;
            return;
        }
        mine.granted.store(false, std::memory_order_relaxed);
        queue_[(head_ + waiting_++) % queue_.size()] = worker;
    }
    mine.bell.wait([&] {
        if (aborted_.load(std::memory_order_acquire)) throw aborted();
        return mine.granted.load(std::memory_order_acquire);
    });
}

void core_gate::release() noexcept {
    if (open()) return;
    const std::lock_guard lock(mutex_);
    if (waiting_ == 0) {
        ++free_;
        return;
    }
    seat& next = seats_[static_cast<std::size_t>(queue_[head_])];
    head_ = (head_ + 1) % queue_.size();
    --waiting_;
    next.granted.store(true, std::memory_order_release);
    next.bell.ring();
}

void core_gate::abort() noexcept {
    aborted_.store(true, std::memory_order_release);
    for (int w = 0; w < workers_; ++w) seats_[static_cast<std::size_t>(w)].bell.ring();
}

}  // namespace chimera::executor
