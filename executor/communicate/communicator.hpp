// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace chimera::executor {

class core_semaphore;

/// Thrown out of every blocked and every later call once somebody has called `abort`.
struct aborted : chimera_error {
    aborted() : chimera_error("communication aborted (another worker failed) see the first report") {}
};

/// Two workers do not agree on the order of their messages: `sent` met the receive of `expected`.
struct mismatched : chimera_error {
    mismatched(const std::string& text, int receiver, int expected_message)
        : chimera_error(text), worker(receiver), expected(expected_message) {}
    int worker, expected;
};

/// One send or receive. The message's index is the same at both ends.
struct transfer {
    std::byte* data = nullptr;  ///< what is sent, or where it is received
    std::size_t bytes = 0;
    std::int32_t peer = -1;  ///< the worker at the other end
    std::int32_t message = -1;
    bool sends = false;
};

/// A worker's sends of one size to one peer: so many of them can be under way at a time, sent and not yet received.
struct traffic {
    std::int32_t peer = -1;
    std::size_t bytes = 0;
    int most = 0;
};

/// One worker's end of the communication. Each end is used by one thread; `abort` may come from any.
/// Blocked calls throw `aborted` after `abort`, and `error` when the two sides disagree.
class communicator {
public:
    virtual ~communicator() = default;

    virtual int worker() const = 0;
    virtual int workers() const = 0;

    /// Announce what may come, before `prepare` and `join`: a communicator over a network refuses all else as it comes,
    /// before there is memory for it. `row`: the receives of an iteration (and sends, which are skipped), of which at
    /// most `turns` iterations are under way at a time.
    virtual void expect(std::span<const transfer> /*row*/, int /*turns*/) {}
    /// `numbers`: of the largest sum.
    virtual void expect_sums(std::size_t /*numbers*/) {}
    /// `elements`: of the largest collective of the group that will be joined under `key`. `under_way`: collectives
    /// that a member starts at most before another has started the first of them.
    virtual void expect_reductions(int /*key*/, std::size_t /*elements*/, int /*under_way*/) {}

    /// Makes room for messages 0 … messages - 1. Allocates; to be called before the first transfer.
    virtual void prepare(int messages) = 0;

    /// Announces the worker's traffic of an iteration: a communicator that keeps copies of it takes their memory here,
    /// as it cannot while messages are under way.
    virtual void reserve(std::span<const traffic>) {}

    /// Work that a collective does on the calling thread takes one of the gate's cores. Null: none.
    virtual void use_gate(core_semaphore*) {}

    /// Starts calls that must progress together. On return the sent data may be overwritten; what is received
    /// is there after `wait`. Calls between two workers match in order.
    virtual void start(std::span<const transfer> group) = 0;

    /// Returns true if the receive of `message` has its data.
    virtual bool poll(int message) = 0;

    /// Blocks until the receive of `message` has its data; to be called once for each receive.
    virtual void wait(int message) = 0;

    /// Joins the group that all of `members` (ascending) join under `key`; returns its handle. Allocates.
    virtual int join(int key, std::span<const std::int32_t> members) = 0;

    /// Sum over the group, ((g0 + g1) + g2) + … in the order of its members for each element: the same bits on all.
    /// `start_all_reduce` returns at once; the data belongs to the communicator until `wait_all_reduce` returns.
    virtual void start_all_reduce(int group, std::span<float> data) = 0;
    virtual void wait_all_reduce(int group) = 0;

    /// Member r of n ends with elements [r·size/n, (r + 1)·size/n) summed in the order of the members. Blocks.
    virtual void reduce_scatter(int group, std::span<float> data) = 0;

    /// Member r of n contributes elements [r·size/n, (r + 1)·size/n); all end with all of them. Blocks.
    virtual void all_gather(int group, std::span<float> data) = 0;

    /// Sum over all workers, in their order, of a few numbers: the same bits on all. Blocks.
    virtual void sum(std::span<double> values) = 0;

    /// Throws what has gone wrong with calls that returned before they were carried out: after what was enqueued has
    /// come to its end, this says whether it came to a good one.
    virtual void check() {}

    /// Wakes every blocked call of every worker with `aborted`.
    virtual void abort() noexcept = 0;
};

}  // namespace chimera::executor
