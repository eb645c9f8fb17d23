// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/local/channel.hpp>
#include <executor/communicate/local/group.hpp>
#include <executor/communicate/local/local.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>

namespace chimera::executor {

namespace {

using flags = std::unique_ptr<std::atomic<bool>[]>;

struct total {
    std::mutex mutex;
    std::vector<std::vector<double>> rows;
    std::vector<double> values;
    std::size_t arrived = 0;
    std::uint64_t sums = 0;
};

}  // namespace

struct local_world::shared {
    explicit shared(int n, local_mode m)
        : workers(n), mode(m), bells(static_cast<std::size_t>(n)), channels(bells.size() * bells.size()) {
        sum.rows.resize(bells.size());
    }
    void ring(int worker) { bells[static_cast<std::size_t>(worker)].ring(); }
    void ring_all() noexcept {
        for (auto& bell : bells) bell.ring();
    }
    detail::channel& between(int from, int to) {
        return channels[static_cast<std::size_t>(from) * bells.size() + static_cast<std::size_t>(to)];
    }

    int workers;
    local_mode mode;
    std::vector<detail::doorbell> bells;
    std::vector<detail::channel> channels;
    std::atomic<bool> aborted{false};
    std::mutex mutex;  // of what follows, while it is set up
    int messages = 0;
    flags sent, received;
    std::vector<std::unique_ptr<detail::local_group>> groups;
    total sum;
};

class local_world::end final : public communicator {
public:
    end(shared& world, int worker) : world_(world), worker_(worker) {}

    int worker() const override { return worker_; }
    int workers() const override { return world_.workers; }
    void use_gate(core_gate* gate) override { gate_ = gate; }

    void prepare(int messages) override {
        const std::lock_guard lock(world_.mutex);
        if (messages <= world_.messages) return;
        world_.sent = std::make_unique<std::atomic<bool>[]>(static_cast<std::size_t>(messages));
        world_.received = std::make_unique<std::atomic<bool>[]>(static_cast<std::size_t>(messages));
        world_.messages = messages;
    }

    void start(std::span<const transfer> group) override {
        for (const transfer& t : group) check(t);
        for (const transfer& t : group) t.sends ? send(t) : receive(t);
        if (world_.mode == local_mode::eager) return;
        for (const transfer& t : group) {
            if (t.sends)
                wait_for(world_.sent, t.message);
            else
                block([&] { return poll(t.message); });
        }
    }

    bool poll(int message) override {
        return world_.received[static_cast<std::size_t>(message)].load(std::memory_order_acquire);
    }
    void wait(int message) override { wait_for(world_.received, message); }

    int join(int key, std::span<const std::int32_t> members) override {
        const std::lock_guard lock(world_.mutex);
        auto& groups = world_.groups;
        const auto same = [&](const auto& g) { return g->key() == key && std::ranges::equal(g->members(), members); };
        auto found = std::ranges::find_if(groups, same);
        if (found == groups.end()) {
            std::vector<detail::doorbell*> bells;
            for (const int m : members) bells.push_back(&world_.bells[static_cast<std::size_t>(m)]);
            groups.push_back(std::make_unique<detail::local_group>(key, members, std::move(bells)));
            found = groups.end() - 1;
        }
        joined_.push_back({found->get(), (*found)->rank_of(worker_)});
        return static_cast<int>(joined_.size()) - 1;
    }

    void start_all_reduce(int group, std::span<float> data) override {
        const auto& [what, rank] = joined(group);
        what->start_all_reduce(rank, data);
    }
    void wait_all_reduce(int group) override {
        const auto& [what, rank] = joined(group);
        what->wait_all_reduce(rank, self());
    }
    void reduce_scatter(int group, std::span<float> data) override {
        const auto& [what, rank] = joined(group);
        what->reduce_scatter(rank, data, self());
    }
    void all_gather(int group, std::span<float> data) override {
        const auto& [what, rank] = joined(group);
        what->all_gather(rank, data, self());
    }

    void sum(std::span<double> values) override;

    void abort() noexcept override {
        world_.aborted.store(true, std::memory_order_release);
        world_.ring_all();
    }

private:
    struct membership {
        detail::local_group* group;
        std::size_t rank;
    };

    detail::doorbell& bell() { return world_.bells[static_cast<std::size_t>(worker_)]; }
    detail::waiter self() { return {&bell(), &world_.aborted, gate_, worker_}; }
    const membership& joined(int group) const { return joined_[static_cast<std::size_t>(group)]; }

    template <typename Ready>
    void block(Ready ready) {
        bell().wait([&] {
            if (world_.aborted.load(std::memory_order_acquire)) throw aborted();
            return ready();
        });
    }

    void wait_for(flags& set, int message) {
        auto& flag = set[static_cast<std::size_t>(message)];
        block([&] { return flag.load(std::memory_order_acquire); });
        flag.store(false, std::memory_order_relaxed);
    }

    void check(const transfer& t) const {
        if (t.message < 0 || t.message >= world_.messages || t.peer < 0 || t.peer >= world_.workers ||
            t.peer == worker_)
            refuse("message " + std::to_string(t.message) + " between workers " + std::to_string(worker_) + " and " +
                   std::to_string(t.peer) + " (no such message or peer) verify the program");
    }

    void send(const transfer& t) {
        const auto outcome = world_.between(worker_, t.peer).send(t, world_.mode == local_mode::eager);
        if (outcome != detail::channel::outcome::met) return;
        if (world_.mode == local_mode::rendezvous) raise(world_.sent, t.message);
        raise(world_.received, t.message);
        world_.ring(t.peer);
    }

    void receive(const transfer& t) {
        const auto outcome = world_.between(t.peer, worker_).receive(t);
        if (outcome == detail::channel::outcome::queued) return;
        raise(world_.received, t.message);
        if (outcome == detail::channel::outcome::deposited) return;
        raise(world_.sent, t.message);
        world_.ring(t.peer);
    }

    static void raise(flags& set, int message) {
        set[static_cast<std::size_t>(message)].store(true, std::memory_order_release);
    }

    shared& world_;
    int worker_;
    core_gate* gate_ = nullptr;
    std::vector<membership> joined_;
};

void local_world::end::sum(std::span<double> values) {
    total& t = world_.sum;
    std::uint64_t mine = 0;
    {
        const std::lock_guard lock(t.mutex);
        mine = t.sums;
        t.rows[static_cast<std::size_t>(worker_)].assign(values.begin(), values.end());
        if (++t.arrived == t.rows.size()) {
            t.values.assign(values.size(), 0.0);
            for (const auto& row : t.rows)
                for (std::size_t i = 0; i < row.size() && i < t.values.size(); ++i) t.values[i] += row[i];
            t.arrived = 0;
            ++t.sums;
            world_.ring_all();
        }
    }
    block([&] {
        const std::lock_guard lock(t.mutex);
        return t.sums > mine;
    });
    const std::lock_guard lock(t.mutex);
    std::ranges::copy(t.values, values.begin());
}

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
