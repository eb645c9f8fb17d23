// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/loopback/loopback_channel.hpp>

#include <algorithm>
#include <string>

namespace chimera::executor::detail {

staged_channel::~staged_channel() {
    for (const auto& copy : copies_)
        if (copy->data) copy->owner->release(copy->data);
}

staged* staged_channel::find_unused(std::size_t bytes, stream& sender) {
    const auto found = std::ranges::find(unused_, bytes, &staged::bytes);
    if (found == unused_.end()) return make(bytes, sender);
    staged* const copy = *found;
    unused_.erase(found);
    return copy;
}

staged* staged_channel::make(std::size_t bytes, stream& sender) {
    unused_.reserve(copies_.size() + 1);
    auto copy = std::make_unique<staged>();
    copy->filled = sender.make_mark();
    copy->emptied = sender.make_mark();
    copy->owner = &sender;
    copy->bytes = bytes;
    copy->data = sender.allocate(bytes);
    if (!copy->data)
        refuse(
            "a message of " + std::to_string(bytes) +
            " bytes cannot be kept under way (out of memory) use smaller micro-batches or fewer workers on the device");
    copies_.push_back(std::move(copy));
    return copies_.back().get();
}

void staged_channel::reserve(std::size_t bytes, int count, stream& sender) {
    const std::lock_guard lock(mutex_);
    for (auto have = std::ranges::count(copies_, bytes, [](const auto& copy) { return copy->bytes; }); have < count;
         ++have)
        unused_.push_back(make(bytes, sender));
}

staged* staged_channel::deposit(const transfer& t, stream& sender) {
    if (t.bytes == 0) return nullptr;
    staged* const copy = find_unused(t.bytes, sender);
    sender.wait_for(*copy->emptied);
    sender.copy(copy->data, t.data, t.bytes);
    sender.record(*copy->filled);
    return copy;
}

outcome staged_channel::send(const transfer& t, bool eager, stream& sender, delivery* all) {
    const std::lock_guard lock(mutex_);
    staged* const copy = deposit(t, sender);
    if (receives_.empty()) {
        offers_.push({t, copy, eager});
        return eager ? outcome::deposited : outcome::queued;
    }
    const transfer received = receives_.pop();
    check_matched(t, received);
    all[received.message] = {copy, received.data, received.bytes};
    return outcome::met;
}

outcome staged_channel::receive(const transfer& t, delivery* all) {
    const std::lock_guard lock(mutex_);
    if (offers_.empty()) {
        receives_.push(t);
        return outcome::queued;
    }
    const offer first = offers_.pop();
    check_matched(first.what, t);
    all[t.message] = {first.copy, t.data, t.bytes};
    return first.eager ? outcome::deposited : outcome::met;
}

void staged_channel::fetch(const delivery& what, stream& receiver) {
    if (!what.from) return;
    receiver.wait_for(*what.from->filled);
    receiver.copy(what.to, what.from->data, what.bytes);
    receiver.record(*what.from->emptied);
    const std::lock_guard lock(mutex_);
    unused_.push_back(what.from);
}

std::size_t staged_channel::bytes() const {
    const std::lock_guard lock(mutex_);
    std::size_t sum = 0;
    for (const auto& copy : copies_) sum += copy->bytes;
    return sum;
}

}  // namespace chimera::executor::detail
