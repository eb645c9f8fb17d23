// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>
#include <executor/communicate/process/admission.hpp>
#include <executor/communicate/process/collective_shares.hpp>
#include <executor/communicate/process/matching.hpp>
#include <executor/communicate/process/mesh.hpp>
#include <executor/communicate/process/wires.hpp>

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace chimera::executor::detail {

/// One worker's end of a world of processes. What comes is kept by the thread of its wires; the worker's own thread
/// moves it to where it belongs, so that nothing touches the worker's memory after its calls have returned.
class process_endpoint final : public communicator, private wires::reader {
public:
    /// `to`: connections by worker, of a world's `known`. `farewell_seconds`: for the others to come to the end as well.
    process_endpoint(int worker, std::vector<socket> to, const world_card& known, double farewell_seconds);
    ~process_endpoint() override;

    int worker() const override { return worker_; }
    int workers() const override { return workers_; }
    void expect(std::span<const transfer> row, int turns) override {
        const std::lock_guard lock(mutex_);
        allowed_.expect(row, turns);
    }
    void expect_sums(std::size_t numbers) override {
        const std::lock_guard lock(mutex_);
        allowed_.expect_sums(numbers);
    }
    void expect_reductions(int key, std::size_t elements, int under_way) override;
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
    void check() override;
    void abort() noexcept override;

private:
    verdict admits(int from, const message_header& what) override;
    void arrived(int from, const message_header& what, blob data) override;
    void wrong(int from, const std::string& why) noexcept override;
    void lost(int from) noexcept override;
    void work() override;

    void take(int from, const message_header& what, blob data);
    void examine(const transfer& t) const;
    void fail(std::exception_ptr why);
    void give_up(const std::string& why) noexcept;
    void refuse_if_over() const;
    template <typename Ready>
    void await(std::unique_lock<std::mutex>& lock, Ready ready);
    collective_shares& joined(int group) { return groups_.at(joined_[static_cast<std::size_t>(group)]); }
    int key_of(int group) const { return joined_[static_cast<std::size_t>(group)]; }
    void send_parts(int group, std::uint64_t turn, std::span<const float> data, bool gathers);
    void fetch(collective_shares& of, std::uint64_t turn, std::span<float> data);
    void add_share(int key, std::uint64_t turn);

    int worker_, workers_;
    double farewell_seconds_;
    receive_buffers pool_;
    std::mutex mutex_;  // of all that follows
    std::condition_variable changed_;
    admission allowed_;
    matching messages_;
    std::map<int, collective_shares> groups_;  // by key
    std::vector<int> joined_;                  // keys, by handle
    std::uint64_t sums_ = 0;
    std::map<std::uint64_t, std::map<int, blob>> rows_;  // of sums, by worker
    std::exception_ptr failure_;                         // what every call throws
    bool gave_up_ = false;
    wires wires_;  // last: its thread uses the rest
};

}  // namespace chimera::executor::detail
