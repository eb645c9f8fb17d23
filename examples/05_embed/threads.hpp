// SPDX-License-Identifier: Apache-2.0
// Workers that are threads of one process: their messages go through a mailbox.
#pragma once

#include "mailbox.hpp"
#include "model_worker.hpp"

#include <algorithm>
#include <array>

/// Holds the messages and sums that the workers share.
struct exchange {
    mailbox<int> messages;                  // by tag
    mailbox<std::array<int, 4>> gradients;  // by stage, update, from which worker, for which worker
};

class thread_worker : public model_worker {
public:
    thread_worker(const chimera::run_row& row, std::vector<stage> model, exchange& with)
        : model_worker(row, std::move(model)), with_(with) {}

    // glue: begin
    void send(const message_call& m) { with_.messages.put(m.tag, {data(m).begin(), data(m).end()}); }
    void receive(const message_call& m) { std::ranges::copy(with_.messages.take(m.tag), data(m).begin()); }
    void start_reduction(const stage_call& s) {
        for (const int other : s.members) with_.gradients.put({s.stage, s.update, index_, other}, gradient_[s.stage]);
    }
    void wait_reduction(const stage_call& s) {  // all add in the order of the members: they stay the same
        gradient_[s.stage].clear();
        for (const int other : s.members)
            add(gradient_[s.stage], with_.gradients.take({s.stage, s.update, other, index_}));
    }
    // glue: end

private:
    exchange& with_;
};
