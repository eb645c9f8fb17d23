// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/gpu/choose.hpp>

#ifdef CHIMERA_CUDA
#include <executor/device/cuda/gpu.hpp>
#include <executor/gpu/gpu_backend.hpp>
#endif

namespace chimera::executor {

namespace {

/// Says why there is no GPU; empty if there is one.
std::string why_none() {
#ifdef CHIMERA_CUDA
    const gpus_found found = find_gpus();
    return found.all.empty() ? found.why : "";
#else
    return "this program was built without CUDA";
#endif
}

}  // namespace

std::unique_ptr<backend> choose_backend(const job& wanted, [[maybe_unused]] int workers,
                                        const std::function<void(const std::string&)>& say, process_group* together) {
    const host_choice here{wanted.threads, wanted.in_bf16(), together};
    if (wanted.device == training_device::cpu) return make_host_backend(here);
    const std::string why = why_none();
    if (!why.empty()) {
        if (wanted.device == training_device::cuda)
            refuse("there is no GPU for the job (" + why + ") use --device cpu");
        auto cpu = make_host_backend(here);
        if (say) say("no GPU (" + why + "): training on the CPU");
        return cpu;
    }
#ifdef CHIMERA_CUDA
    return make_gpu_backend({workers, wanted.in_bf16(), wanted.deterministic, wanted.watchdog, together});
#else
    return make_host_backend(here);
#endif
}

}  // namespace chimera::executor
