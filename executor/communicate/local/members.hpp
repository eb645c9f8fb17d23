// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>
#include <executor/communicate/core_semaphore.hpp>
#include <executor/communicate/event.hpp>
#include <executor/communicate/stream.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace chimera::executor::detail {

/// The needs of a calling member: its event, how it learns that all is over, and where its work is enqueued.
struct waiter {
    event* bell;
    const std::atomic<bool>* aborted;
    core_semaphore* gate;
    int worker;
    stream* order = nullptr;  ///< null: the host's own memory
};

/// Blocks until `ready()`. Throws `aborted` after an abort.
template <typename Ready>
void wait_for(const waiter& self, Ready ready) {
    self.bell->wait([&] {
        if (self.aborted->load(std::memory_order_acquire)) throw aborted();
        return ready();
    });
}

/// The collectives of one group of threads that share memory: who is in it, what they have put forward, where they
/// meet.
class member_group {
public:
    member_group(int key, std::span<const std::int32_t> members, std::vector<event*> bells);
    virtual ~member_group() = default;

    int key() const { return key_; }
    std::span<const std::int32_t> members() const { return members_; }
    std::size_t rank_of(int worker) const;

    virtual void start_all_reduce(std::size_t rank, std::span<float> data, const waiter& self) = 0;
    virtual void wait_all_reduce(std::size_t rank, const waiter& self) = 0;
    virtual void reduce_scatter(std::size_t rank, std::span<float> data, const waiter& self) = 0;
    virtual void all_gather(std::size_t rank, std::span<float> data, const waiter& self) = 0;

protected:
    /// The elements of which member `rank` takes care.
    struct share {
        std::size_t from, to;
    };
    share share_of(std::size_t rank, std::size_t size) const {
        return {rank * size / members_.size(), (rank + 1) * size / members_.size()};
    }

    void ring_all();
    /// Under the mutex: puts data forward for a reduction. True for the last of the members, once all sizes agree.
    bool post(std::size_t rank, std::span<float> data);
    void offer(std::size_t rank, std::span<float> data);
    /// Blocks until all members have come.
    void meet(const waiter& self);

    std::mutex mutex_;
    std::vector<std::span<float>> data_;
    std::vector<std::uint64_t> turns_;  // reductions each member has started
    std::size_t posted_ = 0;

private:
    int key_;
    std::vector<std::int32_t> members_;
    std::vector<event*> bells_;
    std::size_t met_ = 0;
    std::uint64_t meetings_ = 0;
};

}  // namespace chimera::executor::detail
