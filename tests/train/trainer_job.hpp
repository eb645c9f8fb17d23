// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "scratch.hpp"

#include <executor/train/trainer.hpp>

#include <random>
#include <string>

namespace chimera::test {

/// Text that a bigram model cannot follow and a model that looks back can.
inline std::string sample_text() {
    std::string text;
    std::mt19937 random(1);
    const char* const words[] = {"abcxabdyab", "bbcxbadza", "acdxbby", "aadybcz"};
    while (text.size() < 12'000) text += words[random() % 4];
    return text;
}

inline executor::job small_job(const scratch& folder, const char* output) {
    executor::job wanted;
    wanted.model = {4, 2, 16, 256, 16};
    wanted.data = {folder.write("text.txt", sample_text())};
    wanted.batch = {2, 16};
    wanted.optimiser.steps = 6;
    wanted.optimiser.learning_rate = 1e-2;
    wanted.output = folder / output;
    return wanted;
}

inline std::string weights(const executor::job& of) { return contents(of.output / "checkpoint.safetensors"); }

}  // namespace chimera::test
