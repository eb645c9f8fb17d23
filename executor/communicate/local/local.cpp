// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/local/local.hpp>
#include <executor/communicate/local/local_channel.hpp>
#include <executor/communicate/local/local_group.hpp>
#include <executor/communicate/local/threads.hpp>

namespace chimera::executor {

struct local_world::shared : detail::threads {
    shared(int n, local_mode m) : threads(n, m), channels(bells.size() * bells.size()) {}

    std::vector<detail::channel> channels;
};

class local_world::end final : public detail::thread_end {
public:
    end(shared& world, int worker) : thread_end(world, worker, nullptr), world_(world) {}

private:
    detail::outcome hand_over(const transfer& t, bool eager) override {
        return world_.channels[world_.between(worker(), t.peer)].send(t, eager);
    }
    detail::outcome take(const transfer& t) override {
        return world_.channels[world_.between(t.peer, worker())].receive(t);
    }
    std::unique_ptr<detail::member_group> make_group(int key, std::span<const std::int32_t> members,
                                                     std::vector<detail::doorbell*> bells) override {
        return std::make_unique<detail::local_group>(key, members, std::move(bells));
    }

    shared& world_;
};

local_world::local_world(int workers, local_mode mode) : shared_(std::make_unique<shared>(workers, mode)) {
    for (int w = 0; w < workers; ++w) ends_.push_back(std::make_unique<end>(*shared_, w));
}

local_world::~local_world() = default;

communicator& local_world::at(int worker) { return *ends_.at(static_cast<std::size_t>(worker)); }

std::vector<communicator*> local_world::ends() {
    std::vector<communicator*> all;
    for (auto& one : ends_) all.push_back(one.get());
    return all;
}

}  // namespace chimera::executor
