// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/cuda/fake/fake.hpp"
#include "tests/engine/cuda/fake/nccl_state.hpp"

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace fake {
namespace {

std::mutex mutex;  // never held while work is enqueued: the machine's lock is taken by work
std::map<std::string, std::shared_ptr<shared>> worlds;
std::set<int> lost_ranks, silent_ranks;
std::size_t buffered = 0;  // bytes of the largest message that leaves its sender before it is received
int abort_count = 0;
std::vector<std::unique_ptr<ncclComm>> communicators;  // for ever: work under way may still look at them

ncclComm* keep(ncclComm made) {
    communicators.push_back(std::make_unique<ncclComm>(std::move(made)));
    return communicators.back().get();
}

thread_local std::vector<call> grouped;
thread_local int depth = 0;

/// A kernel: all of the calls that one group makes on a stream. Under the machine's lock.
struct kernel {
    std::vector<call> calls;
    std::vector<std::shared_ptr<std::atomic<bool>>> waits;
    std::vector<std::uint64_t> turns;
    bool begun = false;

    bool go_on() {
        const std::lock_guard lock(mutex);
        if (!begun) begin();
        begun = true;
        return is_done();
    }
    bool is_done() const {
        for (std::size_t i = 0; i < calls.size(); ++i) {
            if (calls[i].comm->aborted) continue;
            if (!begun || lost_ranks.count(calls[i].comm->rank) != 0) return false;
            if (waits[i] && !*waits[i]) return false;
            if (!waits[i] && !calls[i].comm->all->collectives[turns[i]].over) return false;
        }
        return true;
    }
    bool is_of(const shared* all) const {
        return std::ranges::any_of(calls, [&](const call& c) { return c.comm->all.get() == all; });
    }
    void begin() {
        for (const call& c : calls) {
            turns.push_back(0);
            waits.push_back(nullptr);
            if (c.comm->aborted) continue;
            if (c.what == call::collective)
                join(c);
            else
                post(c);
        }
    }
    void join(const call& c) {
        turns.back() = c.comm->collectives++;
        auto& rendezvous = c.comm->all->collectives[turns.back()];
        rendezvous.data[c.comm->rank] = {c.from, c.to};
        if (rendezvous.data.size() < static_cast<std::size_t>(c.comm->all->size)) return;
        c.carry_out(rendezvous);
        rendezvous.over = true;
    }
    void post(const call& c) {
        const bool sends = c.what == call::send;
        const auto pair = sends ? std::pair(c.comm->rank, c.peer) : std::pair(c.peer, c.comm->rank);
        auto& mine = (sends ? c.comm->all->sends : c.comm->all->receives)[pair];
        auto& others = (sends ? c.comm->all->receives : c.comm->all->sends)[pair];
        side here{sends ? c.from : c.to, c.bytes, std::make_shared<std::atomic<bool>>(false)};
        waits.back() = here.done;
        if (sends && silent_ranks.count(c.comm->rank) != 0 && c.bytes > sizeof(double)) return;
        if (others.empty() && sends && c.bytes <= buffered) {
            const auto* const bytes = static_cast<const char*>(c.from);
            here.buffer = std::make_shared<std::vector<char>>(bytes, bytes + c.bytes);
            here.data = here.buffer->data();
            *here.done = true;
        }
        if (others.empty()) return mine.push_back(here);
        const side there = others.front();
        others.pop_front();
        if (there.bytes != here.bytes) std::abort();  // NCCL would hang or write beyond the end
        std::memcpy(sends ? there.data : here.data, sends ? here.data : there.data, here.bytes);
        *here.done = *there.done = true;
    }
};

std::vector<std::pair<int, std::shared_ptr<kernel>>> enqueued;  // with its GPU

bool some_wait(int gpu) {
    const std::lock_guard lock(mutex);
    std::erase_if(enqueued, [](const auto& one) { return one.second->is_done(); });
    return std::ranges::any_of(enqueued, [&](const auto& one) { return one.first == gpu; });
}
[[maybe_unused]] const bool told = [] { return waits_for_others = some_wait, true; }();

void enqueue(std::vector<call> calls) {
    std::map<void*, std::vector<call>> by_stream;
    for (call& c : calls) by_stream[c.stream].push_back(std::move(c));
    for (auto& [on, of_stream] : by_stream) {
        const auto k = std::make_shared<kernel>();
        k->calls = std::move(of_stream);
        {
            const std::lock_guard lock(mutex);
            enqueued.emplace_back(gpu_of(on), k);
        }
        stream_of(on).attempt([k] { return k->go_on(); });
    }
}

/// A call on a communicator that does not block is taken, and enqueued later, by a thread of NCCL's. Some versions say of it that it
/// is under way, some that all is well (NVIDIA/nccl issue 1495).
ncclResult_t end_group() {
    static unsigned turn = 0;
    if (depth > 0 || grouped.empty()) return ncclSuccess;
    const std::lock_guard lock(mutex);
    for (call& c : grouped) {
        c.comm->busy = true;
        c.comm->taken.push_back(std::move(c));
    }
    grouped.clear();
    return ++turn % 2 == 0 ? ncclSuccess : ncclInProgress;
}

/// Where rings and trees are made at the first call of a collective, all ranks make them together.
bool connects(ncclComm& comm) {
    if (comm.connected || std::ranges::none_of(comm.taken, [](const call& c) { return c.what == call::collective; }))
        return true;
    comm.all->connecting.insert(comm.rank);
    return comm.connected = comm.all->connecting.size() == static_cast<std::size_t>(comm.all->size);
}
bool connected_at_start() {
    const char* const later = std::getenv("NCCL_RUNTIME_CONNECT");
    return later && std::string(later) == "0";
}

/// Two kernels of a rank may be on its GPU at once, so how much of it each takes must be bounded.
bool is_good(const ncclConfig_t& config) {
    return config.blocking == 0 && config.minCTAs >= 1 && config.maxCTAs >= config.minCTAs && config.maxCTAs <= 32;
}

}  // namespace

ncclResult_t add_call(call c) {
    {
        const std::lock_guard lock(mutex);
        if (c.comm->aborted) return ncclInvalidUsage;
    }
    grouped.push_back(std::move(c));
    return end_group();
}

namespace {
ncclResult_t go_on_finalizing(ncclComm& comm) {
    const bool all_there = comm.all->finalized.size() == static_cast<std::size_t>(comm.all->size);
    const bool quiet = std::ranges::none_of(
        enqueued, [&](const auto& one) { return one.second->is_of(comm.all.get()) && !one.second->is_done(); });
    return (comm.finalized = all_there && quiet) ? ncclSuccess : ncclInProgress;
}
}  // namespace

void lose_connections(int rank) {
    const std::lock_guard lock(mutex);
    lost_ranks.insert(rank);
}
void lose_messages(int rank) {
    const std::lock_guard lock(mutex);
    silent_ranks.insert(rank);
}
void restore_connections() {
    const std::lock_guard lock(mutex);
    lost_ranks.clear();
    silent_ranks.clear();
}
void buffer_messages(std::size_t most) {
    const std::lock_guard lock(mutex);
    buffered = most;
}
int aborts() {
    const std::lock_guard lock(mutex);
    return abort_count;
}

}  // namespace fake

using namespace fake;

extern "C" {

const char* ncclGetErrorString(ncclResult_t result) { return result == ncclRemoteError ? "remote error" : "error"; }
const char* ncclGetLastError(ncclComm_t) { return ""; }
ncclResult_t ncclGetVersion(int* version) { return *version = fake::nccl_version, ncclSuccess; }
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    static std::atomic<int> count{0};
    *id = {};
    const int number = ++count;
    return std::memcpy(id->internal, &number, sizeof number), ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* made, int size, ncclUniqueId id, int rank, ncclConfig_t* config) {
    if (!is_good(*config)) return ncclInvalidArgument;
    const std::lock_guard lock(mutex);
    auto& world = worlds[std::string(id.internal, sizeof id.internal)];
    if (!world) world = std::make_shared<shared>(size);
    ++world->arrived;
    *made = keep({.all = world, .rank = rank, .connected = connected_at_start()});
    return ncclInProgress;
}

ncclResult_t ncclCommSplit(ncclComm_t from, int color, int key, ncclComm_t* made, ncclConfig_t* config) {
    if (!is_good(*config) || key != from->rank) return ncclInvalidArgument;
    const std::lock_guard lock(mutex);
    if (from->aborted) return ncclInvalidUsage;
    *made = nullptr;
    from->all->splits[from->splits].colors[from->rank] = color;
    from->to_make = made;
    from->color = color;
    return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
    if (comm->finalizing) the_machine().drain();
    std::unique_lock lock(mutex);
    *state = ncclSuccess;
    if (lost_ranks.count(comm->rank) != 0) return *state = ncclRemoteError, ncclSuccess;
    if (std::exchange(comm->busy, false) || comm->all->arrived < comm->all->size || !connects(*comm))
        return *state = ncclInProgress, ncclSuccess;
    if (const auto calls = std::exchange(comm->taken, {}); !calls.empty())
        return lock.unlock(), enqueue(calls), ncclSuccess;
    if (comm->finalizing && !comm->finalized) return *state = go_on_finalizing(*comm), ncclSuccess;
    if (!comm->to_make) return ncclSuccess;
    auto& split = comm->all->splits[comm->splits];
    if (split.colors.size() < static_cast<std::size_t>(comm->all->size)) return *state = ncclInProgress, ncclSuccess;
    if (comm->color >= 0) {
        int size = 0, rank = 0;
        for (const auto& [other, color] : split.colors) {
            rank += color == comm->color && other < comm->rank;
            size += color == comm->color;
        }
        auto& of = split.made[comm->color];
        if (!of) of = std::make_shared<shared>(size);
        ++of->arrived;
        *comm->to_make = keep({.all = of, .rank = rank, .parent = comm, .connected = connected_at_start()});
        ++comm->children;
    }
    comm->to_make = nullptr;
    ++comm->splits;
    return ncclSuccess;
}

/// What is under way is flushed, by all ranks together.
ncclResult_t ncclCommFinalize(ncclComm_t comm) {
    const std::lock_guard lock(mutex);
    if (comm->aborted) return ncclInvalidUsage;
    if (comm->children > 0) note_hazard("a communicator is finalized before those that were split from it");
    comm->finalizing = true;
    comm->all->finalized.insert(comm->rank);
    return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
    const std::lock_guard lock(mutex);
    if (!comm->finalized) return note_hazard("a communicator is destroyed that was not finalized"), ncclInvalidUsage;
    if (comm->parent) --comm->parent->children;
    return comm->aborted = true, ncclSuccess;
}

/// What has left this rank and was not received is lost.
ncclResult_t ncclCommAbort(ncclComm_t comm) {
    const std::lock_guard lock(mutex);
    ++abort_count;
    for (auto& [pair, all] : comm->all->sends)
        if (pair.first == comm->rank) std::erase_if(all, [](const side& one) { return one.buffer != nullptr; });
    return comm->aborted = true, ncclSuccess;
}

ncclResult_t ncclGroupStart() { return ++depth, ncclSuccess; }
ncclResult_t ncclGroupEnd() { return --depth, end_group(); }
}
