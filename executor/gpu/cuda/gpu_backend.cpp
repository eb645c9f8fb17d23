// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/communicate/cuda/cuda_stream.hpp>
#include <executor/communicate/loopback/loopback.hpp>
#include <executor/device/cuda/gpu.hpp>
#include <executor/engine/cuda/cuda_graph.hpp>
#include <executor/engine/cuda/cuda_work_queue.hpp>
#include <executor/gpu/cuda/gpu_room.hpp>
#include <executor/gpu/cuda/nccl_world.hpp>
#include <executor/gpu/gpu_backend.hpp>
#include <executor/layers/cuda/gpt2_cuda.hpp>
#include <executor/layers/owned_stage.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace chimera::executor {

namespace {

/// Workers that share one GPU.
class loopback_joined final : public world {
public:
    loopback_joined(int gpu, std::vector<cuda_stream*> streams)
        : collective_(gpu), all_(std::move(streams)),
          world_(std::vector<stream*>(all_.begin(), all_.end()), collective_) {
        all_.push_back(&collective_);
    }
    std::vector<communicator*> ends() override { return world_.ends(); }
    std::shared_ptr<replay> graph() override { return make_cuda_graph(all_); }

private:
    cuda_stream collective_;
    std::vector<cuda_stream*> all_;
    loopback_world world_;
};

class gpu_backend final : public backend {
public:
    explicit gpu_backend(const gpu_choice& how) : how_(how), found_(find_gpus()) {
        if (found_.all.empty()) refuse("there is no GPU (" + found_.why + ") use --device cpu");
        if (how_.together && how_.together->alone()) how_.together = nullptr;
        apart_ = nccl_is_built_in && how.workers > 1 && static_cast<std::size_t>(how.workers) <= found_.all.size();
        if (how_.together) deal_gpus();
        room_ = make_gpu_room(how, in_use());
    }

    std::string name() const override { return found_.all.front().name; }
    bool on_host() const override { return false; }
    bool plays(int worker) const override { return !how_.together || how_.together->plays(worker); }

    std::shared_ptr<model_stage> make_stage(int worker, const gpt2_sizes& config, const layer_range& layers,
                                            const unit_shape& unit, std::uint64_t seed) override {
        return how_.bf16 ? make<bf16>(worker, config, layers, unit, seed)
                         : make<float>(worker, config, layers, unit, seed);
    }

    std::unique_ptr<world> join(const program_view& of) override {
        if (apart_) {
            std::vector<nccl_place> places;
            for (int w = 0; w < of.head.workers; ++w)
                if (plays(w)) places.push_back({w, stream_of(w).gpu(), stream_of(w).handle()});
            return join_by_nccl(of, places, how_.timeout_seconds, how_.together);
        }
        std::vector<cuda_stream*> streams;
        for (int w = 0; w < of.head.workers; ++w) streams.push_back(&stream_of(w));
        return std::make_unique<loopback_joined>(0, std::move(streams));
    }

    work_queue_maker work_queues() override {
        return [this](int worker) { return make_cuda_work_queue(stream_of(worker).gpu(), stream_of(worker).handle()); };
    }

    device_room* room() override { return room_.get(); }

    std::shared_ptr<std::byte> memory(int worker, std::size_t bytes) override {
        const auto made = std::make_shared<device_memory>(gpu_of(worker), std::max<std::size_t>(1, bytes));
        return {made, made->data()};
    }

private:
    /// Processes of one machine take its GPUs in the order of their ranks, unless each has been shown its own alone.
    void deal_gpus() {
        const process_group& all = *how_.together;
        if (!nccl_is_built_in)
            refuse("several processes cannot train on GPUs (this program was built without NCCL) start one process");
        const auto here = static_cast<int>(all.here().size()), gpus = static_cast<int>(found_.all.size());
        const bool own = gpus < here * all.local_size() && std::getenv("CUDA_VISIBLE_DEVICES") && gpus >= here;
        if (!own && gpus < here * all.local_size())
            refuse("this machine has " + std::to_string(gpus) + " GPUs for " + std::to_string(here * all.local_size()) +
                   " workers (" + std::to_string(all.local_size()) + " ranks with " + std::to_string(here) +
                   " each) start fewer ranks here or use --device cpu");
        first_gpu_ = own ? 0 : all.local_index(all.here().front());
        apart_ = true;
    }
    gpus_in_use in_use() const {
        if (!apart_) return {};
        if (!how_.together) return {.count = how_.workers, .apart = true};
        const auto here = how_.together->here();
        return {first_gpu_, static_cast<int>(here.size()), true, here.front()};
    }
    int gpu_of(int worker) const {
        if (how_.together) return first_gpu_ + worker - how_.together->here().front();
        return apart_ ? worker : 0;
    }

    template <class Real>
    std::shared_ptr<model_stage> make(int worker, const gpt2_sizes& config, const layer_range& layers,
                                      const unit_shape& unit, std::uint64_t seed) {
        cuda_options on;
        on.gpu = stream_of(worker).gpu();
        on.stream = stream_of(worker).handle();
        on.deterministic = how_.deterministic;
        return make_owned_stage(cuda_device<Real>(on), config, layers, unit, seed);
    }
    cuda_stream& stream_of(int worker) {
        auto& made = streams_[worker];
        if (!made) made = std::make_unique<cuda_stream>(gpu_of(worker));
        return *made;
    }

    gpu_choice how_;
    gpus_found found_;
    std::unique_ptr<device_room> room_;
    bool apart_ = false;                                   // every worker has a GPU of its own
    int first_gpu_ = 0;                                    // of the workers that this process plays
    std::map<int, std::unique_ptr<cuda_stream>> streams_;  ///< of every worker, for all that it has
};

}  // namespace

std::unique_ptr<backend> make_gpu_backend(const gpu_choice& how) { return std::make_unique<gpu_backend>(how); }

}  // namespace chimera::executor
