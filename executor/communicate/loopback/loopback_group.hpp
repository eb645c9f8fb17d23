// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/local/members.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace chimera::executor::detail {

/// Members whose data is where their streams reach it.
class stream_group final : public member_group {
public:
    /// `collective` adds reductions up; whoever enqueues there holds `turn`.
    stream_group(int key, std::span<const std::int32_t> members, std::vector<doorbell*> bells, stream& collective,
                 std::mutex& turn);

    /// The last member to come enqueues the sum: nobody's sum waits for anybody's `wait_all_reduce`.
    void start_all_reduce(std::size_t rank, std::span<float> data, const waiter& self) override;
    void wait_all_reduce(std::size_t rank, const waiter& self) override;
    void reduce_scatter(std::size_t rank, std::span<float> data, const waiter& self) override;
    void all_gather(std::size_t rank, std::span<float> data, const waiter& self) override;

private:
    using marks = std::vector<std::unique_ptr<stream::mark>>;
    void add_up(std::size_t size);
    /// Everybody's data is put forward, and this member's stream waits for it.
    void open(std::size_t rank, std::span<float> data, const waiter& self);
    /// Everybody has enqueued its part, and this member's stream waits for that.
    void close(std::size_t rank, const waiter& self);

    stream& collective_;
    std::mutex& turn_;
    marks ready_, done_;  // one of each a member
    std::unique_ptr<stream::mark> added_;
    std::vector<const float*> from_;
    std::vector<float*> into_;
    std::uint64_t over_ = 0;  // reductions that were enqueued
};

}  // namespace chimera::executor::detail
