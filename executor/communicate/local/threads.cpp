// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/local/threads.hpp>

#include <algorithm>
#include <string>

namespace chimera::executor::detail {

void thread_end::prepare(int messages) {
    const std::lock_guard lock(world_.mutex);
    if (messages <= world_.messages) return;
    world_.sent = std::make_unique<std::atomic<bool>[]>(static_cast<std::size_t>(messages));
    world_.received = std::make_unique<std::atomic<bool>[]>(static_cast<std::size_t>(messages));
    world_.messages = messages;
    make_room(messages);
}

void thread_end::start(std::span<const transfer> group) {
    for (const transfer& t : group) examine(t);
    for (const transfer& t : group) t.sends ? send(t) : receive(t);
    if (world_.mode == local_mode::eager) return;
    for (const transfer& t : group) {
        if (t.sends)
            wait_flag(world_.sent, t.message);
        else
            wait_for(self(), [&] { return poll(t.message); });
    }
}

bool thread_end::poll(int message) {
    return world_.received[static_cast<std::size_t>(message)].load(std::memory_order_acquire);
}

void thread_end::wait(int message) { wait_flag(world_.received, message); }

void thread_end::wait_flag(threads::flags& set, int message) {
    auto& flag = set[static_cast<std::size_t>(message)];
    wait_for(self(), [&] { return flag.load(std::memory_order_acquire); });
    flag.store(false, std::memory_order_relaxed);
}

void thread_end::examine(const transfer& t) const {
    if (t.message < 0 || t.message >= world_.messages || t.peer < 0 || t.peer >= world_.workers || t.peer == worker_)
        refuse("message " + std::to_string(t.message) + " between workers " + std::to_string(worker_) + " and " +
               std::to_string(t.peer) + " (no such message or peer) verify the program");
}

void thread_end::send(const transfer& t) {
    if (hand_over(t, world_.mode == local_mode::eager) != outcome::met) return;
    if (world_.mode == local_mode::rendezvous) raise(world_.sent, t.message);
    raise(world_.received, t.message);
    world_.ring(t.peer);
}

void thread_end::receive(const transfer& t) {
    const outcome what = take(t);
    if (what == outcome::queued) return;
    raise(world_.received, t.message);
    if (what == outcome::deposited) return;
    raise(world_.sent, t.message);
    world_.ring(t.peer);
}

int thread_end::join(int key, std::span<const std::int32_t> members) {
    const std::lock_guard lock(world_.mutex);
    auto& groups = world_.groups;
    const auto same = [&](const auto& g) { return g->key() == key && std::ranges::equal(g->members(), members); };
    auto found = std::ranges::find_if(groups, same);
    if (found == groups.end()) {
        std::vector<event*> bells;
        for (const int m : members) bells.push_back(&world_.bells[static_cast<std::size_t>(m)]);
        groups.push_back(make_group(key, members, std::move(bells)));
        found = groups.end() - 1;
    }
    joined_.push_back({found->get(), (*found)->rank_of(worker_)});
    return static_cast<int>(joined_.size()) - 1;
}

void thread_end::start_all_reduce(int group, std::span<float> data) {
    const auto& [what, rank] = joined(group);
    what->start_all_reduce(rank, data, self());
}

void thread_end::wait_all_reduce(int group) {
    const auto& [what, rank] = joined(group);
    what->wait_all_reduce(rank, self());
}

void thread_end::reduce_scatter(int group, std::span<float> data) {
    const auto& [what, rank] = joined(group);
    what->reduce_scatter(rank, data, self());
}

void thread_end::all_gather(int group, std::span<float> data) {
    const auto& [what, rank] = joined(group);
    what->all_gather(rank, data, self());
}

void thread_end::sum(std::span<double> values) {
    threads::total& t = world_.sum;
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
    wait_for(self(), [&] {
        const std::lock_guard lock(t.mutex);
        return t.sums > mine;
    });
    const std::lock_guard lock(t.mutex);
    std::ranges::copy(t.values, values.begin());
}

void thread_end::abort() noexcept {
    world_.aborted.store(true, std::memory_order_release);
    world_.ring_all();
}

}  // namespace chimera::executor::detail
