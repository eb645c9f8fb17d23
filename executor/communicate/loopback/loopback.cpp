// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/local/threads.hpp>
#include <executor/communicate/loopback/loopback.hpp>
#include <executor/communicate/loopback/loopback_channel.hpp>
#include <executor/communicate/loopback/loopback_group.hpp>

namespace chimera::executor {

struct loopback_world::shared : detail::threads {
    shared(int n, stream& c, local_mode m) : threads(n, m), collective(c), channels(bells.size() * bells.size()) {}

    stream& collective;
    std::mutex turn;  // of whoever enqueues on it
    std::vector<detail::staged_channel> channels;
    std::unique_ptr<detail::delivery[]> deliveries;   // by message
    std::unique_ptr<detail::staged_channel*[]> from;  // by message: the channel it came by
};

class loopback_world::end final : public detail::thread_end {
public:
    end(shared& world, int worker, stream& order) : thread_end(world, worker, &order), world_(world) {}

    void wait(int message) override {
        thread_end::wait(message);
        const auto m = static_cast<std::size_t>(message);
        world_.from[m]->fetch(world_.deliveries[m], *order());
    }

    void reserve(std::span<const traffic> all) override {
        for (const traffic& t : all)
            world_.channels[world_.between(worker(), t.peer)].reserve(t.bytes, t.most, *order());
    }

private:
    detail::outcome hand_over(const transfer& t, bool eager) override {
        return world_.channels[world_.between(worker(), t.peer)].send(t, eager, *order(), world_.deliveries.get());
    }
    detail::outcome take(const transfer& t) override {
        auto& channel = world_.channels[world_.between(t.peer, worker())];
        world_.from[static_cast<std::size_t>(t.message)] = &channel;
        return channel.receive(t, world_.deliveries.get());
    }
    void make_room(int messages) override {
        world_.deliveries = std::make_unique<detail::delivery[]>(static_cast<std::size_t>(messages));
        world_.from = std::make_unique<detail::staged_channel*[]>(static_cast<std::size_t>(messages));
    }
    std::unique_ptr<detail::member_group> make_group(int key, std::span<const std::int32_t> members,
                                                     std::vector<detail::doorbell*> bells) override {
        return std::make_unique<detail::stream_group>(key, members, std::move(bells), world_.collective, world_.turn);
    }

    shared& world_;
};

loopback_world::loopback_world(std::span<stream* const> streams, stream& collective, local_mode mode)
    : shared_(std::make_unique<shared>(static_cast<int>(streams.size()), collective, mode)) {
    for (std::size_t w = 0; w < streams.size(); ++w)
        ends_.push_back(std::make_unique<end>(*shared_, static_cast<int>(w), *streams[w]));
}

loopback_world::~loopback_world() = default;

communicator& loopback_world::at(int worker) { return *ends_.at(static_cast<std::size_t>(worker)); }

std::vector<communicator*> loopback_world::ends() {
    std::vector<communicator*> all;
    for (auto& one : ends_) all.push_back(one.get());
    return all;
}

std::size_t loopback_world::staged_bytes() const {
    std::size_t sum = 0;
    for (const auto& channel : shared_->channels) sum += channel.bytes();
    return sum;
}

}  // namespace chimera::executor
