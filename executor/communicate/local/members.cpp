// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/local/members.hpp>

#include <algorithm>
#include <string>

namespace chimera::executor::detail {

member_group::member_group(int key, std::span<const std::int32_t> members, std::vector<event*> bells)
    : data_(members.size()), turns_(members.size(), 0), key_(key), members_(members.begin(), members.end()),
      bells_(std::move(bells)) {}

std::size_t member_group::rank_of(int worker) const {
    return static_cast<std::size_t>(std::find(members_.begin(), members_.end(), worker) - members_.begin());
}

void member_group::ring_all() {
    for (event* bell : bells_) bell->ring();
}

bool member_group::post(std::size_t rank, std::span<float> data) {
    data_[rank] = data;
    ++turns_[rank];
    if (++posted_ < members_.size()) return false;
    for (std::size_t m = 0; m < members_.size(); ++m)
        if (data_[m].size() != data.size())
            refuse("reduction of " + std::to_string(data_[m].size()) + " and of " + std::to_string(data.size()) +
                   " elements (workers " + std::to_string(members_[m]) + " and " + std::to_string(members_[rank]) +
                   ", group " + std::to_string(key_) + ") give all replicas the same stage");
    return true;
}

void member_group::offer(std::size_t rank, std::span<float> data) {
    const std::lock_guard lock(mutex_);
    data_[rank] = data;
}

void member_group::meet(const waiter& self) {
    std::uint64_t rendezvous = 0;
    {
        const std::lock_guard lock(mutex_);
        rendezvous = meetings_;
        if (++met_ == members_.size()) {
            met_ = 0;
            ++meetings_;
        }
    }
    ring_all();
    wait_for(self, [&] {
        const std::lock_guard lock(mutex_);
        return meetings_ > rendezvous;
    });
}

}  // namespace chimera::executor::detail
