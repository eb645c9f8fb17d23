// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/gpu/cuda/nccl_world.hpp>

#ifdef CHIMERA_NCCL
#include <executor/communicate/nccl/nccl.hpp>

#include <exception>
#include <thread>
#endif

namespace chimera::executor {

#ifdef CHIMERA_NCCL
namespace {

class nccl_joined final : public world {
public:
    nccl_joined(const program_view& of, std::span<const nccl_place> places, double timeout_seconds,
                process_group* together)
        : ends_(places.size()) {
        nccl_options how;
        how.size = of.head.workers;
        how.timeout_seconds = timeout_seconds;
        for (int s = 0; s < of.head.stages; ++s)
            if (const auto group = of.replica_group(s); group.size() > 1)
                how.groups.emplace_back(group.begin(), group.end());
        prepare_nccl();
        const bool first = !together || together->leads();
        blob id = first ? make_nccl_id() : blob();
        if (together) id = together->broadcast(id, 4096);
        std::vector<std::exception_ptr> failures(places.size());
        std::vector<std::thread> threads;  // all ranks make theirs at once
        for (std::size_t w = 0; w < places.size(); ++w)
            threads.emplace_back([&, w, mine = how]() mutable {
                mine.rank = places[w].worker;
                mine.gpu = places[w].gpu;
                mine.compute = places[w].stream;
                try {
                    ends_[w] = make_nccl(id, mine);
                } catch (...) {
                    failures[w] = std::current_exception();
                }
            });
        for (std::thread& each : threads) each.join();
        for (const auto& failure : failures)
            if (failure) give_up(failure);
    }
    /// All ranks end theirs at once, as they began.
    ~nccl_joined() override {
        if (std::uncaught_exceptions() > uncaught_) abort();
        std::vector<std::thread> threads;
        for (auto& end : ends_) threads.emplace_back([&end] { end.reset(); });
        for (std::thread& each : threads) each.join();
    }
    nccl_joined(const nccl_joined&) = delete;
    nccl_joined& operator=(const nccl_joined&) = delete;

    std::vector<communicator*> ends() override {
        std::vector<communicator*> out;
        for (const auto& end : ends_) out.push_back(end.get());
        return out;
    }

private:
    void abort() noexcept {
        for (const auto& end : ends_)
            if (end) end->abort();
    }
    [[noreturn]] void give_up(const std::exception_ptr& why) {
        abort();
        std::rethrow_exception(why);
    }

    std::vector<std::unique_ptr<communicator>> ends_;
    int uncaught_ = std::uncaught_exceptions();
};

}  // namespace

std::unique_ptr<world> join_by_nccl(const program_view& of, std::span<const nccl_place> places, double timeout_seconds,
                                    process_group* together) {
    return std::make_unique<nccl_joined>(of, places, timeout_seconds, together);
}
#else
std::unique_ptr<world> join_by_nccl(const program_view&, std::span<const nccl_place>, double, process_group*) {
    refuse("this program was built without NCCL (workers on GPUs of their own need it) use one GPU");
}
#endif

}  // namespace chimera::executor
