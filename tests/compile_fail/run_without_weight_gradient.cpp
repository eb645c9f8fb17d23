// error: the program needs the hook weight_gradient(const pass_call&) add it
// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/fixed_program.hpp>
#include <chimera/run.hpp>
#include <chimera/schedule/zero_bubble.hpp>

using namespace chimera;

struct hooks {
    void forward(const pass_call&) {}
    void backward(const pass_call&) {}
    void input_gradient(const pass_call&) {}
    void send(const message_call&) {}
    void receive(const message_call&) {}
    void update(const stage_call&) {}
#ifdef TWIN
    void weight_gradient(const pass_call&) {}
#endif
};

int main() { run<fixed_lowered<zb_h1{.stages = 2, .micro_batches = 2}>>(0, hooks{}); }
