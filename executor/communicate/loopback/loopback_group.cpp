// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/loopback/loopback_group.hpp>

#include <array>

namespace chimera::executor::detail {

stream_group::stream_group(int key, std::span<const std::int32_t> members, std::vector<doorbell*> bells,
                           stream& collective, std::mutex& turn)
    : member_group(key, members, std::move(bells)), collective_(collective), turn_(turn),
      added_(collective.make_mark()) {
    for (std::size_t m = 0; m < members.size(); ++m) {
        ready_.push_back(collective.make_mark());
        done_.push_back(collective.make_mark());
    }
    from_.resize(members.size());
    into_.resize(members.size());
}

void stream_group::start_all_reduce(std::size_t rank, std::span<float> data, const waiter& self) {
    self.order->record(*ready_[rank]);
    {
        const std::lock_guard lock(mutex_);
        if (!post(rank, data)) return;
        if (data_.size() > 1 && !data.empty()) add_up(data.size());
        posted_ = 0;
        ++over_;
    }
    ring_all();
}

void stream_group::add_up(std::size_t size) {
    const std::lock_guard lock(turn_);
    for (std::size_t m = 0; m < data_.size(); ++m) {
        collective_.wait_for(*ready_[m]);
        from_[m] = into_[m] = data_[m].data();
    }
    collective_.add(from_, into_, size);
    collective_.record(*added_);
}

void stream_group::wait_all_reduce(std::size_t rank, const waiter& self) {
    const std::uint64_t turn = turns_[rank];  // written by this thread only
    wait_for(self, [&] {
        const std::lock_guard lock(mutex_);
        return over_ >= turn;
    });
    self.order->wait_for(*added_);
}

void stream_group::open(std::size_t rank, std::span<float> data, const waiter& self) {
    offer(rank, data);
    self.order->record(*ready_[rank]);
    meet(self);
    for (const auto& mark : ready_) self.order->wait_for(*mark);
}

void stream_group::close(std::size_t rank, const waiter& self) {
    self.order->record(*done_[rank]);
    meet(self);
    for (const auto& mark : done_) self.order->wait_for(*mark);
}

void stream_group::reduce_scatter(std::size_t rank, std::span<float> data, const waiter& self) {
    open(rank, data, self);
    const auto [from, to] = share_of(rank, data.size());
    std::vector<const float*> parts;
    for (const auto& part : data_) parts.push_back(part.data() + from);
    const std::array<float*, 1> own{data.data() + from};
    if (to > from) self.order->add(parts, own, to - from);
    close(rank, self);
}

void stream_group::all_gather(std::size_t rank, std::span<float> data, const waiter& self) {
    open(rank, data, self);
    for (std::size_t m = 0; m < data_.size(); ++m) {
        const auto [from, to] = share_of(m, data.size());
        if (m == rank || to == from) continue;
        self.order->copy(reinterpret_cast<std::byte*>(data.data() + from),
                         reinterpret_cast<const std::byte*>(data_[m].data() + from), (to - from) * sizeof(float));
    }
    close(rank, self);
}

}  // namespace chimera::executor::detail
