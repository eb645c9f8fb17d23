// SPDX-License-Identifier: Apache-2.0
// A job is made, trained on this machine, and reported: what `chimera train` does, from one's own program.
//     example_08_train TEXT OUTPUT      files or a folder of text; a folder for log, checkpoint and measured timeline
#include <executor/train/trainer.hpp>

#include <cstdio>

using namespace chimera::executor;

int main(int count, char** arguments) {
    if (count != 3) return std::fprintf(stderr, "give a text and a folder for the results\n"), 2;
    job wanted;
    wanted.model = {.layers = 4, .heads = 2, .channels = 32, .vocabulary = 256, .context = 32};  // bytes
    wanted.data = {arguments[1]};
    wanted.schedule = {{.which = chimera::family::bidirectional, .stages = 4, .micro_batches = 4}};
    wanted.batch = {.sequences = 2};
    wanted.optimiser = {.learning_rate = 3e-3, .steps = 60};
    wanted.output = arguments[2];

    train_options options;
    options.overwrite = true;
    options.after_step = [](std::int64_t step) {
        if (step % 20 == 0) std::printf("%d iterations done\n", static_cast<int>(step));
    };
    try {
        const train_report report = train(wanted, options);
        std::printf("%s", report_text(report).c_str());
        return report.last_loss < report.first_loss ? 0 : 1;
    } catch (const chimera::chimera_error& refused) {  // one line: the problem, why, and what to do
        return std::fprintf(stderr, "%s\n", refused.what()), 2;
    }
}
