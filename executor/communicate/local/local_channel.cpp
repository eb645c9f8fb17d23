// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/local/local_channel.hpp>

#include <cstring>

namespace chimera::executor::detail {
namespace {

void copy_matched(const transfer& sent, const std::byte* data, const transfer& received) {
    check_matched(sent, received);
    if (sent.bytes > 0) std::memcpy(received.data, data, sent.bytes);
}

}  // namespace

std::int32_t channel::deposit(const transfer& t) {
    if (unused_.empty()) {
        unused_.reserve(copies_.size() + 1);
        copies_.emplace_back();
        unused_.push_back(static_cast<std::int32_t>(copies_.size()) - 1);
    }
    const std::int32_t index = unused_.back();
    unused_.pop_back();
    auto& copy = copies_[static_cast<std::size_t>(index)];
    if (copy.size() < t.bytes) copy.resize(t.bytes);
    if (t.bytes > 0) std::memcpy(copy.data(), t.data, t.bytes);
    return index;
}

outcome channel::send(const transfer& t, bool eager) {
    const std::lock_guard lock(mutex_);
    if (!receives_.empty()) {
        copy_matched(t, t.data, receives_.pop());
        return outcome::met;
    }
    offers_.push({t, eager ? deposit(t) : -1});
    return eager ? outcome::deposited : outcome::queued;
}

outcome channel::receive(const transfer& t) {
    const std::lock_guard lock(mutex_);
    if (offers_.empty()) {
        receives_.push(t);
        return outcome::queued;
    }
    const offer first = offers_.pop();
    if (first.copy < 0) {
        copy_matched(first.what, first.what.data, t);
        return outcome::met;
    }
    copy_matched(first.what, copies_[static_cast<std::size_t>(first.copy)].data(), t);
    unused_.push_back(first.copy);
    return outcome::deposited;
}

}  // namespace chimera::executor::detail
