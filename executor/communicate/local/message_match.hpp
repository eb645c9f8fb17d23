// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>

#include <string>
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

/// The state of a call: it waits for its other side; both have met, and the other side has to be told; or (of a
/// receive) it found a copy whose sender waits for nothing, (of a send) it has left such a copy.
enum class outcome : std::uint8_t { queued, met, deposited };

/// Throws where the two calls that meet are not of the same message.
inline void check_matched(const transfer& sent, const transfer& received) {
    if (sent.message == received.message && sent.bytes == received.bytes) return;
    throw mismatched("message " + std::to_string(sent.message) + " of " + std::to_string(sent.bytes) +
                         " bytes came where message " + std::to_string(received.message) + " of " +
                         std::to_string(received.bytes) +
                         " was to be received; the two workers do not agree on one order",
                     sent.peer, received.message);
}

}  // namespace chimera::executor::detail
