// SPDX-License-Identifier: Apache-2.0
// The trainer's own communication: what one thread puts under a number, another takes.
#pragma once

#include "model.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

template <class Key>
class mailbox {
public:
    void put(const Key& key, numbers what) {
        const std::lock_guard lock(mutex_);
        held_[key] = std::move(what);
        changed_.notify_all();
    }
    /// Waits until it is there.
    numbers take(const Key& key) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return held_.contains(key); });
        return std::move(held_.extract(key).mapped());
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<Key, numbers> held_;
};
