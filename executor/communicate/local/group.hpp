// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/core_gate.hpp>
#include <executor/communicate/doorbell.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace chimera::executor::detail {

/// What a blocked member needs: its bell, and how it learns that all is over.
struct waiter {
    doorbell* bell;
    const std::atomic<bool>* aborted;
    core_gate* gate;
    int worker;
};

/// The collectives of one group of workers that share memory.
class local_group {
public:
    local_group(int key, std::span<const std::int32_t> members, std::vector<doorbell*> bells);

    int key() const { return key_; }
    std::span<const std::int32_t> members() const { return members_; }
    std::size_t rank_of(int worker) const;

    void start_all_reduce(std::size_t rank, std::span<float> data);
    /// The members add together, chunk by chunk: whoever comes first takes the next chunk.
    void wait_all_reduce(std::size_t rank, const waiter& self);
    void reduce_scatter(std::size_t rank, std::span<float> data, const waiter& self);
    void all_gather(std::size_t rank, std::span<float> data, const waiter& self);

private:
    void ring_all();
    void offer(std::size_t rank, std::span<float> data);
    void meet(const waiter& self);
    bool claim(std::uint64_t turn, std::size_t& chunk);
    void add_chunk(std::size_t chunk);
    void add(std::size_t from, std::size_t to, std::span<float* const> into);
    bool ready(std::uint64_t turn);
    bool over(std::uint64_t turn);

    int key_;
    std::vector<std::int32_t> members_;
    std::vector<doorbell*> bells_;

    std::mutex mutex_;
    std::vector<std::span<float>> data_;
    std::vector<float*> targets_;
    std::vector<std::uint64_t> turns_;  // reductions each member has started
    std::uint64_t over_ = 0;            // reductions that have ended
    std::size_t posted_ = 0, next_ = 0, added_ = 0, chunks_ = 0;
    std::size_t met_ = 0;
    std::uint64_t meetings_ = 0;
};

}  // namespace chimera::executor::detail
