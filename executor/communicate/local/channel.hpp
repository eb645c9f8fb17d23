// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>

#include <mutex>
#include <vector>

namespace chimera::executor::detail {

/// A queue that keeps its storage: it allocates only while it grows beyond its largest size so far.
template <typename T>
class ring_queue {
public:
    bool empty() const { return size_ == 0; }
    void push(const T& item) {
        if (size_ == items_.size()) grow();
        items_[(head_ + size_++) % items_.size()] = item;
    }
    T pop() {
        const T item = items_[head_];
        head_ = (head_ + 1) % items_.size();
        --size_;
        return item;
    }

private:
    void grow() {
        std::vector<T> larger(items_.empty() ? 4 : 2 * items_.size());
        for (std::size_t i = 0; i < size_; ++i) larger[i] = items_[(head_ + i) % items_.size()];
        items_.swap(larger);
        head_ = 0;
    }
    std::vector<T> items_;
    std::size_t head_ = 0, size_ = 0;
};

/// Messages from one worker to another, matched in order. Whoever comes second copies the data.
class channel {
public:
    enum class outcome : std::uint8_t { queued, met, deposited };

    /// `met`: the posted receive now has its data. `deposited` (eager only): a copy waits for the receive.
    outcome send(const transfer& t, bool eager);

    /// `met`: a waiting sender was served and has to be told. `deposited`: a copy that waited was taken.
    outcome receive(const transfer& t);

private:
    struct offer {
        transfer what;
        std::int32_t copy = -1;  // index into copies_, -1: the sender waits with its data
    };
    std::int32_t deposit(const transfer& t);

    std::mutex mutex_;
    ring_queue<offer> offers_;       // sends that came before their receive
    ring_queue<transfer> receives_;  // receives that came before their send
    std::vector<std::vector<std::byte>> copies_;
    std::vector<std::int32_t> unused_;
};

}  // namespace chimera::executor::detail
