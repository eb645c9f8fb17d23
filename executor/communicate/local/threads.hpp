// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/local/local.hpp>
#include <executor/communicate/local/members.hpp>
#include <executor/communicate/local/message_match.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace chimera::executor::detail {

/// The state that the workers of one process share, on any device.
struct threads {
    threads(int n, local_mode m) : workers(n), mode(m), bells(static_cast<std::size_t>(n)) {
        sum.rows.resize(bells.size());
    }
    void ring(int worker) { bells[static_cast<std::size_t>(worker)].ring(); }
    void ring_all() noexcept {
        for (auto& bell : bells) bell.ring();
    }
    /// Of a square of things, one for each pair of workers.
    std::size_t between(int from, int to) const {
        return static_cast<std::size_t>(from) * bells.size() + static_cast<std::size_t>(to);
    }

    using flags = std::unique_ptr<std::atomic<bool>[]>;
    struct total {
        std::mutex mutex;
        std::vector<std::vector<double>> rows;
        std::vector<double> values;
        std::size_t arrived = 0;
        std::uint64_t sums = 0;
    };

    int workers;
    local_mode mode;
    std::vector<event> bells;
    std::atomic<bool> aborted{false};
    std::mutex mutex;  // of what follows, while it is set up
    int messages = 0;
    flags sent, received;
    std::vector<std::unique_ptr<member_group>> groups;
    total sum;
};

/// One worker's end: who waits for whom. How data moves is what worlds differ in.
class thread_end : public communicator {
public:
    thread_end(threads& world, int worker, stream* order) : world_(world), worker_(worker), order_(order) {}

    int worker() const override { return worker_; }
    int workers() const override { return world_.workers; }
    void use_gate(core_semaphore* gate) override { gate_ = gate; }
    void prepare(int messages) override;
    void start(std::span<const transfer> group) override;
    bool poll(int message) override;
    void wait(int message) override;
    int join(int key, std::span<const std::int32_t> members) override;
    void start_all_reduce(int group, std::span<float> data) override;
    void wait_all_reduce(int group) override;
    void reduce_scatter(int group, std::span<float> data) override;
    void all_gather(int group, std::span<float> data) override;
    void sum(std::span<double> values) override;
    void abort() noexcept override;

protected:
    /// Matches a call with its other side; see the channels.
    virtual outcome hand_over(const transfer& t, bool eager) = 0;
    virtual outcome take(const transfer& t) = 0;
    /// Under the world's mutex: room for messages of one program.
    virtual void make_room(int) {}
    virtual std::unique_ptr<member_group> make_group(int key, std::span<const std::int32_t> members,
                                                     std::vector<event*> bells) = 0;
    stream* order() const { return order_; }

private:
    struct membership {
        member_group* group;
        std::size_t rank;
    };

    waiter self() {
        return {&world_.bells[static_cast<std::size_t>(worker_)], &world_.aborted, gate_, worker_, order_};
    }
    const membership& joined(int group) const { return joined_[static_cast<std::size_t>(group)]; }
    void wait_flag(threads::flags& set, int message);
    void examine(const transfer& t) const;
    void send(const transfer& t);
    void receive(const transfer& t);
    static void raise(threads::flags& set, int message) {
        set[static_cast<std::size_t>(message)].store(true, std::memory_order_release);
    }

    threads& world_;
    int worker_;
    stream* order_;
    core_semaphore* gate_ = nullptr;
    std::vector<membership> joined_;
};

}  // namespace chimera::executor::detail
