// SPDX-License-Identifier: Apache-2.0
// Loads orders as JSON and as CSV, holds them to their laws and walks every worker's row.
#include <chimera/io.hpp>
#include <chimera/run.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/verify.hpp>

#include <cstdio>
#include <string>

using namespace chimera;

struct counter {
    int passes = 0, sent = 0, received = 0;
    void forward(const pass_call&) { ++passes; }
    void backward(const pass_call&) { ++passes; }
    void input_gradient(const pass_call&) { ++passes; }
    void weight_gradient(const pass_call&) { ++passes; }
    void recompute(const pass_call&) { ++passes; }
    void send(const message_call&) { ++sent; }
    void receive(const message_call&) { ++received; }
    void start_reduction(const stage_call&) {}
    void wait_reduction(const stage_call&) {}
    void update(const stage_call&) {}
};

int walk(const char* file, int expected) {
    const program order = load_program(std::string(ORDERS) + "/" + file);
    counter all;
    for (int w = 0; w < order.head.workers; ++w) run(make_run_plan(order, w), all);
    std::printf("%s: %d passes, %d messages\n", file, all.passes, all.sent);
    return verify(order).ok() && all.passes == expected && all.sent == all.received && all.sent > 0 ? 0 : 1;
}

/// A skip that takes two messages for each micro-batch, and weights that two stages share.
int join_stages() {
    schedule order = generate(bidirectional{.stages = 8, .micro_batches = 16});
    order.links = {{link_kind::skip, 2, 5}, {link_kind::tied, 0, 7}};
    const program linked = lower(order);
    const int more = linked.messages - lower(bidirectional{.stages = 8, .micro_batches = 16}).messages;
    return verify(linked).ok() && more == 2 * 16 && linked.view().replica_group(8).size() == 2 ? 0 : 1;
}

int main() {
    try {
        (void)load_program("/nowhere");
    } catch (const chimera_error& e) {
        std::printf("%s\n", e.what());
        return walk("zb_v.json", 24) + walk("order.csv", 8) + join_stages();
    }
    return 2;
}
