// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/communicate/local/local.hpp>
#include <executor/communicate/process/process.hpp>
#include <executor/device/device_memory.hpp>
#include <executor/layers/owned_stage.hpp>
#include <executor/workers/backend.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

class host_world final : public world {
public:
    explicit host_world(int workers) : world_(workers) {}
    std::vector<communicator*> ends() override { return world_.ends(); }

private:
    local_world world_;
};

class processes_joined final : public world {
public:
    processes_joined(process_group& all, int workers) : here_(all.here()), world_(all, here_, workers, all.timeout()) {}
    std::vector<communicator*> ends() override { return world_.ends(); }

private:
    std::vector<int> here_;
    process_world world_;
};

class host_backend final : public backend {
public:
    explicit host_backend(const host_choice& how) : how_(how) {
        if (how_.together && how_.together->alone()) how_.together = nullptr;
        if (how_.bf16 && !cpu_has_bf16())
            refuse("this CPU does not compute in bf16 (it lacks avx512_bf16) use a GPU or --precision fp32");
    }
    std::string name() const override { return "CPU"; }
    bool on_host() const override { return true; }
    bool plays(int worker) const override { return !how_.together || how_.together->plays(worker); }
    std::shared_ptr<model_stage> make_stage(int, const gpt2_sizes& config, const layer_range& layers,
                                            const unit_shape& unit, std::uint64_t seed) override {
        if (how_.bf16) return make_owned_stage(cpu_device_in<bf16>(how_.threads), config, layers, unit, seed);
        return make_owned_stage(cpu_device(how_.threads), config, layers, unit, seed);
    }
    std::unique_ptr<world> join(const program_view& of) override {
        if (how_.together) return std::make_unique<processes_joined>(*how_.together, of.head.workers);
        return std::make_unique<host_world>(of.head.workers);
    }
    std::shared_ptr<std::byte> memory(int, std::size_t bytes) override {
        const auto made = std::make_shared<host_memory>(std::max<std::size_t>(1, bytes));
        return {made, made->data()};
    }

private:
    host_choice how_;
};

}  // namespace

std::unique_ptr<backend> make_host_backend(const host_choice& how) { return std::make_unique<host_backend>(how); }

}  // namespace chimera::executor
