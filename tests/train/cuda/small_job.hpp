// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/train/scratch.hpp"

#include <executor/gpu/gpu_backend.hpp>
#include <executor/train/trainer.hpp>

#include <cstring>
#include <string>

namespace chimera::test {

using namespace chimera::executor;

#ifdef CHIMERA_ON_HOST  // kernels are emulated
inline constexpr int layers = 4, steps = 3;
#else
inline constexpr int layers = 8, steps = 6;
#endif

inline job small_job(const scratch& folder, const std::string& output, const char* family, int stages) {
    job wanted;
    wanted.model = {layers, 2, 32, 256, 32};
    std::string text;
    for (int i = 0; i < 9000; ++i) text += static_cast<char>('a' + i * i % 7 + i % 3);
    wanted.data = {folder.write("text.txt", text)};
    wanted.batch = {2, 32};
    wanted.schedule.which = family_named(family);
    wanted.schedule.stages = stages;
    wanted.schedule.micro_batches = 4;
    wanted.optimiser.steps = steps;
    wanted.optimiser.learning_rate = 1e-2;
    wanted.output = folder / output.c_str();
    wanted.device = training_device::cuda;
    wanted.deterministic = true;
    return wanted;
}

/// All workers on the first GPU.
inline train_report train_there(const job& wanted, train_options options = {}) {
    options.make_backend = [](const job& of, int) { return make_gpu_backend({1, of.in_bf16(), of.deterministic, 30}); };
    return train(wanted, options);
}

/// The tensors of a checkpoint; its header names the job.
inline std::string weights(const job& of) {
    const std::string all = contents(of.output / "checkpoint.safetensors");
    std::uint64_t header = 0;
    std::memcpy(&header, all.data(), sizeof header);
    return all.substr(sizeof header + header);
}

}  // namespace chimera::test
