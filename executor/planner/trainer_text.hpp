// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/planner/task.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// A configuration to put into the words of a training framework, with its cuts, and what it was found to take.
struct trainer_plan {
    const plan_task& task;
    configuration with;
    evaluation found;
};

/// A framework's text, and notes for the user that its format has no place for.
struct trainer_answer {
    std::string text;
    std::vector<std::string> notes;
};

/// Returns true for the format of a framework: megatron, torchtitan, deepspeed.
bool is_trainer(std::string_view format);

/// The configuration in the framework's words. Refuses, in one line, what the framework cannot run; nothing is printed
/// as something else. All that the plan decides is in it; data, optimiser and learning rate are left to the user.
trainer_answer trainer_text(std::string_view format, const trainer_plan& of);

/// Flags of pretrain_gpt.py of Megatron-LM 0.20 as one shell command.
trainer_answer megatron_text(const trainer_plan& of);

/// A configuration function in Python for torchtitan 0.2.2 (main of August 2026).
trainer_answer torchtitan_text(const trainer_plan& of);

/// A configuration of DeepSpeed 0.19 in JSON; what its PipelineModule is called with comes as a note.
trainer_answer deepspeed_text(const trainer_plan& of);

}  // namespace chimera::executor
