// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/local/message_match.hpp>

#include <mutex>
#include <vector>

namespace chimera::executor::detail {

/// Messages from one worker to another, matched in order. Whoever comes second copies the data.
class channel {
public:
    /// `met`: the posted receive now has its data. `deposited` (eager only): a copy waits for the receive.
    outcome send(const transfer& t, bool eager);

    /// `met`: a waiting sender was served and has to be told. `deposited`: a copy that waited was taken.
    outcome receive(const transfer& t);

private:
    struct offer {
        transfer what;
        std::int32_t copy = -1;  // index into copies_, -1: the sender waits with its data
    };
    std::int32_t deposit(const transfer& t);

    std::mutex mutex_;
    ring_queue<offer> offers_;       // sends that came before their receive
    ring_queue<transfer> receives_;  // receives that came before their send
    std::vector<std::vector<std::byte>> copies_;
    std::vector<std::int32_t> unused_;
};

}  // namespace chimera::executor::detail
