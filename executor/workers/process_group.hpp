// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/rendezvous.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chimera::executor {

/// The processes that carry out a run together: which workers each plays, and what they settle between iterations. A
/// process alone plays all and is of one mind with itself. All ranks make the same calls in the same order.
class process_group final : public rendezvous {
public:
    process_group();  ///< alone
    /// `timeout_seconds`: as long as the rendezvous waits for a rank.
    explicit process_group(std::unique_ptr<rendezvous> met, double timeout_seconds = 60);

    bool alone() const { return size() == 1; }
    bool leads() const { return rank() == 0; }

    /// Deals the workers out, to each rank as many that follow each other. Throws where they do not come out even.
    void deal(int workers);
    bool plays(int worker) const { return worker >= first_ && worker < last_; }
    /// The workers of this process.
    std::vector<int> here() const;
    /// A worker's number among those of this machine.
    int local_index(int worker) const { return local_rank() * (last_ - first_) + worker - first_; }
    double timeout() const { return timeout_; }

    /// Runs what all ranks do. Returns when all have done it. When one throws, all do, and within the time-out: that
    /// one what it threw, the others one line that says so, as run_failed where that was, else as chimera_error. A rank
    /// that is lost, or that sends what it may not (bad_message), is a run_failed.
    void together(const std::function<void()>& code);

    /// Also hears of ranks that have thrown within `together` meanwhile.
    blob ask(std::span<const std::byte> mine, const answer& of_rank_0, const limits& most) override;
    std::string address() const override { return met_->address(); }
    /// Returns when all have called it.
    void wait();
    /// Returns true on all ranks if `mine` is true on one.
    bool any(bool mine);
    /// Rank 0's number, for all: one from `least` to `most`.
    std::int64_t of_rank_0(std::int64_t mine, std::int64_t least, std::int64_t most);
    /// On rank 0: everybody's blob, which has so many bytes by rank (`due`, of rank 0 alone). Elsewhere nothing.
    std::vector<blob> collect(std::span<const std::byte> mine, std::span<const std::size_t> due);
    /// Throws on all ranks where one has another text than rank 0: another `what`.
    void agree(const std::string& mine, const std::string& what);

    /// Seconds on rank 0's steady clock, as far as this process knows it.
    double now() const;

private:
    enum class outcome : std::uint8_t { good, aborted, refused, failed };
    static blob pack_verdict(outcome verdict, std::size_t rank, std::span<const std::byte> text);
    static std::pair<outcome, std::size_t> worst_of(const std::vector<blob>& all);
    static blob judge_all(const std::vector<blob>& all, const answer& of_rank_0, const limits& most);
    static blob judge(const std::vector<blob>& all, const answer& of_rank_0, const limits& most,
                      std::exception_ptr& own);
    blob say(outcome how, std::span<const std::byte> mine, const answer& of_rank_0, const limits& most);
    [[noreturn]] void give_up(outcome verdict, std::uint32_t whose, std::span<const std::byte> text) const;
    void find_clock();

    std::unique_ptr<rendezvous> met_;
    double timeout_;
    int first_ = 0, last_ = 0;
    double clock_ = 0;   // what is to be added to this process's
    bool over_ = false;  // all know that the run has failed
};

}  // namespace chimera::executor
