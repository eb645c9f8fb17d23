// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <executor/communicate/communicator.hpp>
#include <executor/engine/replay.hpp>
#include <executor/engine/work_queue.hpp>
#include <executor/layers/gpt2_stage.hpp>
#include <executor/memory/measured_memory.hpp>
#include <executor/workers/process_group.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace chimera::executor {

/// All workers of a run joined.
class world {
public:
    virtual ~world() = default;
    /// The ends of the workers that this process plays, in their order.
    virtual std::vector<communicator*> ends() = 0;
    /// Records an iteration to launch it as a whole, see engine_options; null where that cannot be. The host may then
    /// ask nothing of the stages while it is recorded: no norms, no losses.
    virtual std::shared_ptr<replay> graph() { return nullptr; }
};

/// The devices of a run's workers: their stages, communicators and work queues. It
/// outlives all that it makes.
class backend {
public:
    virtual ~backend() = default;

    /// For the reader: "CPU" or a GPU's name.
    virtual std::string name() const = 0;
    /// Returns true if workers share the host's cores, so that each slot needs one.
    virtual bool on_host() const = 0;

    /// Returns true if this process plays the worker.
    virtual bool plays(int /*worker*/) const { return true; }
    /// A stage of the model as `worker` holds it. Start values depend on `seed` and the parameters' names alone.
    virtual std::shared_ptr<model_stage> make_stage(int worker, const gpt2_sizes& config, const layer_range& layers,
                                                    const unit_shape& unit, std::uint64_t seed) = 0;
    /// Joins the program's workers.
    virtual std::unique_ptr<world> join(const program_view& of) = 0;
    /// Of the workers that `join` joined; empty: the host's.
    virtual work_queue_maker work_queues() { return {}; }
    /// Of the GPUs that this process uses; null on the host.
    virtual device_room* room() { return nullptr; }
    /// Memory that the worker's stages can read and write, for boundary tensors outside an engine. Its thread may call.
    virtual std::shared_ptr<std::byte> memory(int worker, std::size_t bytes) = 0;
};

struct host_choice {
    int threads = 1;    ///< that a worker computes with
    bool bf16 = false;  ///< weights and activations; gradients, moments and master weights are fp32 always
    process_group* together =
        nullptr;  ///< the processes that share the workers; outlives the backend. Null: this one plays all
};

/// Workers as threads on this machine's cores. Throws chimera_error where they do not compute in bf16 and that is
/// wanted.
std::unique_ptr<backend> make_host_backend(const host_choice& how = {});

}  // namespace chimera::executor
