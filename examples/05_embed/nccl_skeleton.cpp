// SPDX-License-Identifier: Apache-2.0
// The skeleton of a trainer on GPUs: compiled where CUDA and NCCL are found, to be filled with kernels.
#include "nccl.hpp"

#include <chimera/chimera.hpp>

using namespace chimera;

constexpr auto& table = proven<fixed_lowered<zb_v{.micro_batches = 32}.for_workers(8)>>;

/// One GPU's share of a training run; `holders`: for each stage the communicator of the GPUs that hold it.
void train(int rank, int iterations, gpu_model& model, ncclComm_t world, std::vector<ncclComm_t> holders) {
    const run_plan plan = make_run_plan(table, rank, {.rest = 1});
    nccl_worker gpu(plan, model, 4096 * 512, 4096 * 512 * 16, world, std::move(holders));
    for (int iteration = 0; iteration < iterations; ++iteration) run<table>(plan, gpu);
    cudaDeviceSynchronize();
}
