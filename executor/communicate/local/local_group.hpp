// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/local/members.hpp>

namespace chimera::executor::detail {

/// Members that add in the host's memory, on their own threads.
class local_group final : public member_group {
public:
    local_group(int key, std::span<const std::int32_t> members, std::vector<doorbell*> bells);

    void start_all_reduce(std::size_t rank, std::span<float> data, const waiter& self) override;
    /// The members add together, chunk by chunk: whoever comes first takes the next chunk.
    void wait_all_reduce(std::size_t rank, const waiter& self) override;
    void reduce_scatter(std::size_t rank, std::span<float> data, const waiter& self) override;
    void all_gather(std::size_t rank, std::span<float> data, const waiter& self) override;

private:
    bool claim(std::uint64_t turn, std::size_t& chunk);
    void add_chunk(std::size_t chunk);
    void add(std::size_t from, std::size_t to, std::span<float* const> into);
    bool ready(std::uint64_t turn);
    bool over(std::uint64_t turn);

    std::vector<float*> targets_;
    std::uint64_t over_ = 0;  // reductions that have ended
    std::size_t next_ = 0, added_ = 0, chunks_ = 0;
};

}  // namespace chimera::executor::detail
