// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/local/message_match.hpp>
#include <executor/communicate/stream.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace chimera::executor::detail {

/// A copy of what was sent, in the memory of the streams.
struct staged {
    std::byte* data = nullptr;
    std::size_t bytes = 0;
    stream* owner = nullptr;
    std::unique_ptr<stream::mark> filled, emptied;
};

/// The data that a matched receive is to fetch.
struct delivery {
    staged* from = nullptr;
    std::byte* to = nullptr;
    std::size_t bytes = 0;
};

/// Messages from one worker to another, matched in order as the calls are made; the data follows in the streams' order.
class staged_channel {
public:
    staged_channel() = default;
    ~staged_channel();
    staged_channel(const staged_channel&) = delete;
    staged_channel& operator=(const staged_channel&) = delete;

    /// Takes memory for so many messages of that size under way at a time; for more, or others, it is taken when they
    /// come.
    void reserve(std::size_t bytes, int count, stream& sender);

    /// Copies on the sender's stream. `met`: a receive was posted, and its delivery is now in `all`, by message.
    outcome send(const transfer& t, bool eager, stream& sender, delivery* all);

    /// `met`: the sender has to be told. `deposited`: it waits for nothing. In both cases the delivery is in `all`.
    outcome receive(const transfer& t, delivery* all);

    /// Has the receiver's stream wait for the copy and fetch it.
    void fetch(const delivery& what, stream& receiver);

    std::size_t bytes() const;

private:
    struct offer {
        transfer what;
        staged* copy = nullptr;
        bool eager = true;
    };
    staged* deposit(const transfer& t, stream& sender);
    staged* find_unused(std::size_t bytes, stream& sender);
    staged* make(std::size_t bytes, stream& sender);

    mutable std::mutex mutex_;
    ring_queue<offer> offers_;       // sends that came before their receive
    ring_queue<transfer> receives_;  // receives that came before their send
    std::vector<std::unique_ptr<staged>> copies_;
    std::vector<staged*> unused_;
};

}  // namespace chimera::executor::detail
