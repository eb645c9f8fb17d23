// error: the program needs the hook send(const message_call&), or start and wait, add it
// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/fixed_program.hpp>
#include <chimera/run.hpp>
#include <chimera/schedule/one_f_one_b.hpp>

using namespace chimera;

struct hooks {
    void forward(const pass_call&) {}
    void backward(const pass_call&) {}
    void start(std::span<const message_call>) {}
    void update(const stage_call&) {}
#ifdef TWIN
    void wait(const message_call&) {}
#endif
};

int main() { run<fixed_lowered<one_f_one_b{.stages = 2, .micro_batches = 2}>>(0, hooks{}); }
