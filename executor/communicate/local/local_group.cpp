// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/local/local_group.hpp>

#include <algorithm>
#include <array>

namespace chimera::executor::detail {
namespace {

constexpr std::size_t chunk_floats = 16384;
constexpr std::size_t block_floats = 1024;  // stays in the first-level cache with its sum

}  // namespace

local_group::local_group(int key, std::span<const std::int32_t> members, std::vector<doorbell*> bells)
    : member_group(key, members, std::move(bells)), targets_(members.size()) {}

void local_group::start_all_reduce(std::size_t rank, std::span<float> data, const waiter&) {
    {
        const std::lock_guard lock(mutex_);
        if (!post(rank, data)) return;
        std::ranges::transform(data_, targets_.begin(), [](const auto& d) { return d.data(); });
        chunks_ = (data.size() + chunk_floats - 1) / chunk_floats;
        next_ = added_ = 0;
        if (chunks_ == 0 || data_.size() == 1) {  // nothing to add
            posted_ = 0;
            ++over_;
        }
    }
    ring_all();
}

bool local_group::over(std::uint64_t turn) {
    const std::lock_guard lock(mutex_);
    return over_ >= turn;
}

bool local_group::ready(std::uint64_t turn) {
    const std::lock_guard lock(mutex_);
    return over_ >= turn || posted_ == data_.size();
}

bool local_group::claim(std::uint64_t turn, std::size_t& chunk) {
    const std::lock_guard lock(mutex_);
    if (over_ >= turn || next_ == chunks_) return false;
    chunk = next_++;
    return true;
}

void local_group::wait_all_reduce(std::size_t rank, const waiter& self) {
    const std::uint64_t turn = turns_[rank];  // written by this thread only
    wait_for(self, [&] { return ready(turn); });
    std::size_t chunk = 0;
    if (claim(turn, chunk)) {
        const core_hold core(self.gate, self.worker);
        do add_chunk(chunk);
        while (claim(turn, chunk));
    }
    wait_for(self, [&] { return over(turn); });
}

void local_group::add_chunk(std::size_t chunk) {
    const std::size_t from = chunk * chunk_floats;
    add(from, std::min(from + chunk_floats, data_[0].size()), targets_);
    {
        const std::lock_guard lock(mutex_);
        if (++added_ < chunks_) return;
        posted_ = 0;
        ++over_;
    }
    ring_all();
}

void local_group::add(std::size_t from, std::size_t to, std::span<float* const> into) {
    std::array<float, block_floats> total;
    for (; from < to; from += block_floats) {
        const std::size_t size = std::min(block_floats, to - from);
        std::copy_n(data_[0].data() + from, size, total.data());
        for (std::size_t m = 1; m < data_.size(); ++m) {
            const float* next = data_[m].data() + from;
            for (std::size_t i = 0; i < size; ++i) total[i] += next[i];
        }
        for (float* target : into) std::copy_n(total.data(), size, target + from);
    }
}

void local_group::reduce_scatter(std::size_t rank, std::span<float> data, const waiter& self) {
    offer(rank, data);
    meet(self);
    {
        const core_hold core(self.gate, self.worker);
        const std::array<float*, 1> own{data.data()};
        const auto [from, to] = share_of(rank, data.size());
        add(from, to, own);
    }
    meet(self);
}

void local_group::all_gather(std::size_t rank, std::span<float> data, const waiter& self) {
    offer(rank, data);
    meet(self);
    for (std::size_t m = 0; m < data_.size(); ++m) {
        if (m == rank) continue;
        const auto [from, to] = share_of(m, data.size());
        std::copy(data_[m].data() + from, data_[m].data() + to, data.data() + from);
    }
    meet(self);
}

}  // namespace chimera::executor::detail
