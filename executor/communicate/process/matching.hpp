// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/local/message_match.hpp>
#include <executor/communicate/process/receive_buffers.hpp>

#include <cstring>
#include <deque>
#include <vector>

namespace chimera::executor::detail {

/// Messages that come to one worker: the k-th that comes from a worker belongs to the k-th receive from it. One thread
/// at a time.
class matching {
public:
    matching(int workers, receive_buffers& pool) : from_(static_cast<std::size_t>(workers)), pool_(pool) {}

    void prepare(int messages) {
        if (there_.size() < static_cast<std::size_t>(messages)) there_.resize(static_cast<std::size_t>(messages));
    }
    /// Returns how many have come from a worker and were not yet to be received.
    std::size_t waiting(int from) const { return from_[static_cast<std::size_t>(from)].sent.size(); }
    int messages() const { return static_cast<int>(there_.size()); }

    /// Both throw `mismatched` where the two that meet are not of the same message.
    void receive(const transfer& t) {
        source& s = from_[static_cast<std::size_t>(t.peer)];
        s.receives.push(t);
        meet(s);
    }
    void arrived(int from, int worker, int message, blob data) {
        source& s = from_[static_cast<std::size_t>(from)];
        s.sent.push_back({{nullptr, data.size(), worker, message, true}, std::move(data)});
        meet(s);
    }

    bool there(int message) const { return there_[static_cast<std::size_t>(message)].is; }
    /// Puts the message where it was to be received.
    void fetch(int message) {
        met& m = there_[static_cast<std::size_t>(message)];
        if (!m.data.empty()) std::memcpy(m.to, m.data.data(), m.data.size());
        pool_.give(std::move(m.data));
        m = {};
    }

private:
    struct arrival {
        transfer what;
        blob data;
    };
    struct source {
        ring_queue<transfer> receives;
        std::deque<arrival> sent;
    };
    struct met {
        bool is = false;
        std::byte* to = nullptr;
        blob data;
    };

    void meet(source& s) {
        while (!s.receives.empty() && !s.sent.empty()) {
            arrival first = std::move(s.sent.front());
            s.sent.pop_front();
            const transfer received = s.receives.pop();
            check_matched(first.what, received);
            there_[static_cast<std::size_t>(received.message)] = {true, received.data, std::move(first.data)};
        }
    }

    std::vector<source> from_;  // by worker
    std::vector<met> there_;    // by message
    receive_buffers& pool_;
};

}  // namespace chimera::executor::detail
