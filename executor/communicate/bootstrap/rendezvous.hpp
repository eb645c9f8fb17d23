// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/frame.hpp>
#include <executor/communicate/bootstrap/identity.hpp>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace chimera::executor {

/// Processes that have found each other and exchange small pieces of data (the id of an NCCL communicator, say).
class rendezvous {
public:
    virtual ~rendezvous() = default;

    int rank() const { return me_.rank; }
    int size() const { return me_.size; }
    /// This process's number among those of its machine, and how many these are.
    int local_rank() const { return me_.local_rank; }
    int local_size() const { return local_size_; }

    /// A function that makes rank 0's answer from all ranks' blobs.
    using answer = std::function<blob(std::vector<blob> all)>;

    /// Bytes that may come in an exchange, at most: more is refused before there is memory for it.
    struct limits {
        std::size_t said = 0;      ///< of each rank to rank 0
        std::size_t answered = 0;  ///< of rank 0 to each
        /// This rank gives up: its blob is its last word, and nobody waits long for ranks that do not come. Their blobs
        /// are empty.
        bool last = false;
    };

    /// Everybody's blob goes to rank 0, in the order of the ranks, and its answer to all. All ranks call it; returns
    /// when the last has come. Throws, on every rank that still lives, when one has left or does not come within the
    /// time-out; `bad_message` where one sends what it may not.
    virtual blob ask(std::span<const std::byte> mine, const answer& of_rank_0, const limits& most) = 0;

    /// Everybody's blob, at most `most` bytes each, for all.
    std::vector<blob> exchange(std::span<const std::byte> mine, std::size_t most);
    /// Rank 0's blob, at most `most` bytes, for all.
    blob broadcast(std::span<const std::byte> mine, std::size_t most);

    /// Returns the address, a number of this machine, at which other machines reach this process.
    virtual std::string address() const = 0;

protected:
    explicit rendezvous(const identity& me) : me_(me) {}
    /// Exchanges the names of machines. To be called once, by the constructors.
    void find_local();

private:
    identity me_;
    int local_size_ = 1;
};

/// Seconds that ranks take, beyond the time-out, to tell each other that they give up.
inline constexpr double farewell_seconds = 3;

/// Waits until all have come: a process alone at once, else over TCP. Throws one line on every rank, within the
/// time-out and three seconds: a rank is missing or there twice, sizes or versions differ, the port is taken or
/// somebody else's.
std::unique_ptr<rendezvous> meet(const identity& me, const rendezvous_point& where);

/// Meets over MPI if its launcher started this process and the program was built with it, else over TCP with what the
/// environment says.
std::unique_ptr<rendezvous> meet();

}  // namespace chimera::executor
