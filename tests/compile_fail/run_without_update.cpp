// error: the program needs the hook update(const stage_call&) add it
// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/fixed_program.hpp>
#include <chimera/run.hpp>
#include <chimera/schedule/gpipe.hpp>

using namespace chimera;

struct hooks {
    void forward(const pass_call&) {}
    void backward(const pass_call&) {}
#ifdef TWIN
    void update(const stage_call&) {}
#endif
};

int main() { run<fixed_lowered<gpipe{.stages = 1, .micro_batches = 2}>>(0, hooks{}); }
