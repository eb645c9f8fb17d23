// SPDX-License-Identifier: Apache-2.0
// Walks a row with -fno-exceptions. With an argument, the hooks lack one: the line is printed, and the program aborts.
#include <chimera/run/walk_row.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

chimera::run_row row();

struct some {
    int calls = 0;
    void forward(const chimera::pass_call&) { ++calls; }
    void input_gradient(const chimera::pass_call&) { ++calls; }
    void send(const chimera::message_call&) { ++calls; }
    void receive(const chimera::message_call&) { ++calls; }
    void update(const chimera::stage_call&) { ++calls; }
};
struct all : some {
    void weight_gradient(const chimera::pass_call&) { ++calls; }
};

int main(int count, char**) {
    std::signal(SIGABRT, [](int) { std::_Exit(3); });  // ctest takes a signal for a failure, whatever was printed
    if (count > 1) run(row(), some{});
    all hooks;
    run(row(), hooks);
    std::printf("%d calls\n", hooks.calls);  // three passes and four messages of five units, and the update
    return 0;
}
