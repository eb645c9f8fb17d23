// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>
#include <executor/communicate/process/collective_shares.hpp>
#include <executor/communicate/process/matching.hpp>
#include <executor/communicate/process/wires.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace chimera::executor::detail {

/// Admits what one worker may be sent, by what it has announced: checks every field of every header before there is
/// memory for the data. What comes before its announcement waits in the connection. One thread at a time.
class admission {
public:
    using verdict = wires::reader::verdict;

    /// `rank_of`: of each worker, for the reader.
    admission(int worker, std::vector<std::size_t> rank_of)
        : worker_(worker), rank_of_(std::move(rank_of)), due_from_(rank_of_.size()), last_sum_(rank_of_.size()) {}

    void expect(std::span<const transfer> row, int turns);
    void expect_sums(std::size_t numbers) { numbers_ = numbers; }
    void prepared() { prepared_ = true; }

    /// Throws bad_message, which names the sender and what is wrong.
    verdict judge(int from, const message_header& what, const matching& messages,
                  const std::map<int, collective_shares>& groups, std::uint64_t sums);
    /// The error of a worker that has sent something wrong.
    [[noreturn]] void refuse_of(int from, const std::string& why) const;
    std::string rank(int worker) const { return "rank " + std::to_string(rank_of_[static_cast<std::size_t>(worker)]); }

private:
    struct due {
        int peer = -1;
        std::size_t bytes = 0;
    };
    verdict judge_message(int from, const message_header& what, const matching& messages) const;
    verdict judge_share(int from, const message_header& what, const std::map<int, collective_shares>& groups) const;
    verdict judge_sum(int from, const message_header& what, std::uint64_t sums);
    void check_turn(int from, const message_header& what, const collective_shares& of) const;
    void check_bytes(int from, const message_header& what, std::uint64_t wanted) const;

    int worker_;
    std::vector<std::size_t> rank_of_;
    bool prepared_ = false;
    std::optional<std::map<int, due>> messages_;  ///< by index
    std::vector<std::size_t> due_from_;           ///< by worker: messages that may be here and not yet received
    std::size_t numbers_ = std::size_t{1} << 16;  ///< of a sum, at most
    std::vector<std::uint64_t> last_sum_;         ///< by worker
};

}  // namespace chimera::executor::detail
