// SPDX-License-Identifier: Apache-2.0
// A communicator of one's own for the executor's engine: what it needs of any transport, over parcels.
#pragma once

#include "socket_mail.hpp"

#include <executor/communicate/communicator.hpp>

#include <atomic>
#include <cstring>
#include <numeric>

class socket_communicator final : public chimera::executor::communicator {
public:
    using transfer = chimera::executor::transfer;

    socket_communicator(int worker, std::vector<int> sockets) : worker_(worker), mail_(std::move(sockets)) {
        std::vector<std::int32_t> all(static_cast<std::size_t>(mail_.size()));
        std::iota(all.begin(), all.end(), 0);
        groups_.push_back({-1, std::move(all), {}});
    }

    int worker() const override { return worker_; }
    int workers() const override { return mail_.size(); }
    void prepare(int messages) override { receives_.resize(static_cast<std::size_t>(messages)); }

    void start(std::span<const transfer> calls) override {
        for (const transfer& t : calls) {
            if (t.sends)
                checked([&] { mail_.send(t.peer, t.message, {t.data, t.bytes}); });
            else
                receives_[static_cast<std::size_t>(t.message)] = t;  // its data is fetched when it is waited for
        }
    }
    bool poll(int message) override { return mail_.has(receives_[static_cast<std::size_t>(message)].peer, message); }
    void wait(int message) override {
        const transfer& t = receives_[static_cast<std::size_t>(message)];
        checked([&] { fetch(t.peer, message, {t.data, t.bytes}); });
    }

    int join(int key, std::span<const std::int32_t> members) override {
        groups_.push_back({-2 - key, {members.begin(), members.end()}, {}});
        return static_cast<int>(groups_.size()) - 1;
    }
    void start_all_reduce(int handle, std::span<float> data) override {
        group& g = groups_[static_cast<std::size_t>(handle)];
        g.data = data;
        give(g, std::as_bytes(data));
    }
    void wait_all_reduce(int handle) override {
        const group& g = groups_[static_cast<std::size_t>(handle)];
        add(g, g.data);
    }
    void reduce_scatter(int handle, std::span<float> data) override {  // all of the sums: more than was asked for
        start_all_reduce(handle, data);
        wait_all_reduce(handle);
    }
    void all_gather(int handle, std::span<float> data) override {
        const group& g = groups_[static_cast<std::size_t>(handle)];
        const auto n = g.members.size(), all = data.size();
        const auto share = [&](std::size_t r) { return data.subspan(r * all / n, (r + 1) * all / n - r * all / n); };
        for (std::size_t r = 0; r < n; ++r)
            if (g.members[r] == worker_) give(g, std::as_bytes(share(r)));
        for (std::size_t r = 0; r < n; ++r)
            if (g.members[r] != worker_)
                checked([&] { fetch(g.members[r], g.number, std::as_writable_bytes(share(r))); });
    }
    void sum(std::span<double> values) override {
        give(groups_.front(), std::as_bytes(values));
        add(groups_.front(), values);
    }
    void abort() noexcept override {
        aborted_ = true;
        mail_.shut(SHUT_RDWR);
    }

private:
    struct group {
        std::int64_t number = 0;  ///< of its parcels: below those of messages
        std::vector<std::int32_t> members;
        std::span<float> data;  ///< of the reduction under way
    };

    /// What fails after `abort` fails because of it.
    template <class Call>
    void checked(Call call) try {
        call();
    } catch (const chimera::chimera_error&) {
        if (aborted_) throw chimera::executor::aborted();
        throw;
    }
    void fetch(int from, std::int64_t number, std::span<std::byte> into) {
        const socket_mail::bytes came = mail_.take(from, number);
        if (came.size() != into.size())
            chimera::refuse("worker " + std::to_string(from) + " sent " + std::to_string(came.size()) + " bytes (" +
                            std::to_string(into.size()) + " were expected) run one program everywhere");
        std::memcpy(into.data(), came.data(), came.size());
    }
    void give(const group& g, std::span<const std::byte> what) {
        for (const std::int32_t w : g.members)
            if (w != worker_) checked([&] { mail_.send(w, g.number, what); });
    }
    /// The sum over the members in their order, so that all get the same bits.
    template <class Number>
    void add(const group& g, std::span<Number> data) {
        const std::vector<Number> own(data.begin(), data.end());
        std::vector<Number> part(own.size());
        for (const std::int32_t w : g.members) {
            if (w != worker_) checked([&] { fetch(w, g.number, std::as_writable_bytes(std::span(part))); });
            const std::vector<Number>& next = w == worker_ ? own : part;
            for (std::size_t i = 0; i < data.size(); ++i) data[i] = w == g.members[0] ? next[i] : data[i] + next[i];
        }
    }

    int worker_;
    std::atomic<bool> aborted_ = false;
    socket_mail mail_;
    std::vector<transfer> receives_;  // by message
    std::vector<group> groups_;       // the first: all workers
};
