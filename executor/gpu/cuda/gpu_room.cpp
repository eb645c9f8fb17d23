// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/cuda.hpp>
#include <executor/device/cuda/cuda_check.hpp>
#include <executor/gpu/cuda/gpu_room.hpp>
#include <executor/layers/embedding_and_head.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <map>

namespace chimera::executor {
namespace {

/// As in executor/communicate/nccl: copies that wait for their receiver.
constexpr int kept_by_nccl = 4;

class gpu_room final : public device_room {
public:
    gpu_room(const gpu_choice& how, const gpus_in_use& which) : how_(how), which_(which) {
        for (const space& each : spaces()) before_.push_back(each.free);
    }

    std::vector<space> spaces() override {
        const gpus_found found = find_gpus();
        std::vector<space> out;
        for (int gpu = which_.first; gpu < which_.first + which_.count; ++gpu) {
            space each{"GPU " + std::to_string(gpu) + ", " + found.all.at(static_cast<std::size_t>(gpu)).name, 0, 0};
            detail::check(cudaSetDevice(gpu), "choosing a GPU");
            detail::check(cudaMemGetInfo(&each.free, &each.all), "asking for free memory");
            out.push_back(each);
        }
        return out;
    }
    std::size_t taken() override {
        std::size_t most = 0;
        const auto now = spaces();
        for (std::size_t i = 0; i < now.size(); ++i)
            most = std::max(most, before_[i] - std::min(before_[i], now[i].free));
        return most;
    }
    int place_of(int worker) const override {
        if (!which_.apart) return 0;
        const int place = worker - which_.first_worker;
        return place >= 0 && place < which_.count ? place : -1;
    }

    executed_numbers numbers() const override { return how_.bf16 ? numbers_on_gpu_in_bf16 : numbers_on_gpu; }
    std::size_t own_bytes(const gpt2_sizes& config, const layer_range& layers, const unit_shape& unit) override {
        return how_.bf16 ? count<bf16>(config, layers, unit) : count<float>(config, layers, unit);
    }
    std::size_t step_bytes() const override { return sizeof(gpu::adamw_numbers); }
    int most_kept() const override { return which_.apart ? kept_by_nccl : std::numeric_limits<int>::max(); }

private:
    /// Scratch bytes that the plans of a block, or of the head, need. Plans are made once: those of fused attention are
    /// compiled.
    template <class Real>
    std::size_t planned(const gpt2_sizes& config, const unit_shape& unit, bool of_head) {
        const std::array key{config.heads,   config.channels, config.vocabulary,
                             unit.sequences, unit.tokens,     int{of_head}};
        if (const auto known = planned_.find(key); known != planned_.end()) return known->second;
        using device = cuda_device<Real>;
        cuda_options on;
        on.gpu = which_.first;
        on.deterministic = how_.deterministic;
        device plans(on);
        const std::size_t library = plans.scratch_bytes();
        parameter_list list(granule<device>);
        if (of_head)
            head<device>(plans, config, unit, list);
        else
            block<device>(plans, config, 0, unit, list);
        return planned_[key] = plans.scratch_bytes() - library;
    }
    /// Plans the stage's products, without its weights, and adds what its other operations want of the same scratch.
    template <class Real>
    std::size_t count(const gpt2_sizes& config, const layer_range& layers, const unit_shape& unit) {
        std::size_t constants = 0, scratch = gpu::sum_workspace(elements(config, layers));
        if (layers.last > layers.first) scratch = std::max(scratch, planned<Real>(config, unit, false));
        if (layers.head) {
            scratch = std::max(scratch, planned<Real>(config, unit, true));
            const int columns = logit_columns<cuda_device<Real>>(config.vocabulary);
            if (columns > config.vocabulary) constants = static_cast<std::size_t>(columns) * sizeof(Real);
        }
        const row_shape rows{unit.rows(), config.channels};
        if (layers.last > layers.first) scratch = std::max(scratch, gpu::columns_workspace(rows, 4));
        if (layers.head) scratch = std::max(scratch, gpu::columns_workspace(rows, 2));
        if (layers.head) scratch = std::max(scratch, gpu::sum_workspace(unit.size(1)));
        if (layers.embedding)
            scratch = std::max(
                scratch, gpu::embedding_workspace({unit.sequences, unit.tokens, config.channels, config.vocabulary}));
        return scratch + constants;
    }
    /// Of the stage's parameters, gaps included.
    std::size_t elements(const gpt2_sizes& c, const layer_range& layers) const {
        const model whole = executed_gpt2(c, 1, numbers());
        std::int64_t sum = 0;
        const auto add = [&](std::size_t i) { sum += whole.layers[i].parameters + whole.layers[i].padding; };
        if (layers.embedding) add(0);
        for (int i = layers.first; i < layers.last; ++i) add(static_cast<std::size_t>(i) + 1);
        if (layers.head) add(whole.layers.size() - 1);
        return static_cast<std::size_t>(sum);
    }

    gpu_choice how_;
    gpus_in_use which_;
    std::vector<std::size_t> before_;  // free, of each
    std::map<std::array<int, 6>, std::size_t> planned_;
};

}  // namespace

std::unique_ptr<device_room> make_gpu_room(const gpu_choice& how, const gpus_in_use& which) {
    return std::make_unique<gpu_room>(how, which);
}

}  // namespace chimera::executor
