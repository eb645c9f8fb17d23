// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/cuda/fake/fake.hpp"

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace fake {
namespace {

/// One side of a message whose stream has come to it.
struct side {
    void* data;
    std::size_t bytes;
    std::shared_ptr<std::atomic<bool>> done;
};

/// A collective as its members come to it.
struct meeting_of_all {
    std::map<int, std::vector<void*>> data;  // by rank: what the call was given
    bool over = false;
};

/// What the ranks of a communicator share.
struct shared {
    explicit shared(int n) : size(n) {}
    int size, arrived = 0;
    std::map<std::pair<int, int>, std::deque<side>> sends, receives;  // by sender and receiver
    std::map<std::uint64_t, meeting_of_all> collectives;              // by how many came before
    struct splitting {
        std::map<int, int> colors;
        std::map<int, std::shared_ptr<shared>> made;
    };
    std::map<std::uint64_t, splitting> splits;
    std::set<int> lost;
};

}  // namespace
}  // namespace fake

struct ncclComm {
    std::shared_ptr<fake::shared> all;
    int rank = 0;
    std::uint64_t collectives = 0, splits = 0;
    bool aborted = false;
    bool busy = false;  // a call was made and nobody has asked yet
    int color = -1;
    ncclComm** to_make = nullptr;
};

namespace fake {
namespace {

std::mutex mutex;  // never held while work is enqueued: the machine's lock is taken by work
std::map<std::string, std::shared_ptr<shared>> worlds;
std::set<int> lost_ranks;
std::vector<std::unique_ptr<ncclComm>> communicators;  // for ever: work under way may still look at them

ncclComm* keep(ncclComm made) {
    communicators.push_back(std::make_unique<ncclComm>(std::move(made)));
    return communicators.back().get();
}

struct call {
    ncclComm* comm;
    void* stream;
    enum { send, receive, collective } what;
    void* from;
    void* to;
    std::size_t bytes;
    int peer;  // or root
    std::function<void(meeting_of_all&)> carry_out;
};
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
        for (std::size_t i = 0; i < calls.size(); ++i) {
            if (calls[i].comm->aborted) continue;
            if (lost_ranks.count(calls[i].comm->rank) != 0) return false;
            if (waits[i] && !*waits[i]) return false;
            if (!waits[i] && !calls[i].comm->all->collectives[turns[i]].over) return false;
        }
        return true;
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
        auto& meeting = c.comm->all->collectives[turns.back()];
        meeting.data[c.comm->rank] = {c.from, c.to};
        if (meeting.data.size() < static_cast<std::size_t>(c.comm->all->size)) return;
        c.carry_out(meeting);
        meeting.over = true;
    }
    void post(const call& c) {
        const bool sends = c.what == call::send;
        const auto pair = sends ? std::pair(c.comm->rank, c.peer) : std::pair(c.peer, c.comm->rank);
        auto& mine = (sends ? c.comm->all->sends : c.comm->all->receives)[pair];
        auto& others = (sends ? c.comm->all->receives : c.comm->all->sends)[pair];
        const side here{sends ? c.from : c.to, c.bytes, std::make_shared<std::atomic<bool>>(false)};
        waits.back() = here.done;
        if (others.empty()) return mine.push_back(here);
        const side there = others.front();
        others.pop_front();
        if (there.bytes != here.bytes) std::abort();  // NCCL would hang or write beyond the end
        std::memcpy(sends ? there.data : here.data, sends ? here.data : there.data, here.bytes);
        *here.done = *there.done = true;
    }
};

ncclResult_t end_group() {
    if (depth > 0) return ncclSuccess;
    std::map<void*, std::vector<call>> by_stream;
    {
        const std::lock_guard lock(mutex);
        for (call& c : grouped) {
            c.comm->busy = true;
            by_stream[c.stream].push_back(std::move(c));
        }
    }
    grouped.clear();
    for (auto& [on, calls] : by_stream) {
        const auto k = std::make_shared<kernel>();
        k->calls = std::move(calls);
        stream_of(on).attempt([k] { return k->go_on(); });
    }
    return by_stream.empty() ? ncclSuccess : ncclInProgress;
}

ncclResult_t add_call(call c) {
    {
        const std::lock_guard lock(mutex);
        if (c.comm->aborted) return ncclInvalidUsage;
    }
    grouped.push_back(std::move(c));
    return end_group();
}

ncclResult_t collective(ncclComm* comm, cudaStream_t stream, const void* from, void* to,
                        std::function<void(meeting_of_all&)> code) {
    return add_call({comm, stream, call::collective, const_cast<void*>(from), to, 0, 0, std::move(code)});
}

float* floats(void* data) { return static_cast<float*>(data); }

/// In the order of the ranks.
float total_at(const meeting_of_all& m, std::size_t i) {
    float total = floats(m.data.begin()->second[0])[i];
    for (auto next = std::next(m.data.begin()); next != m.data.end(); ++next) total += floats(next->second[0])[i];
    return total;
}

}  // namespace

void lose_connections(int rank) {
    const std::lock_guard lock(mutex);
    lost_ranks.insert(rank);
}
void restore_connections() {
    const std::lock_guard lock(mutex);
    lost_ranks.clear();
}

}  // namespace fake

using namespace fake;

extern "C" {

const char* ncclGetErrorString(ncclResult_t result) { return result == ncclRemoteError ? "remote error" : "error"; }
const char* ncclGetLastError(ncclComm_t) { return ""; }
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
    static std::atomic<int> count{0};
    *id = {};
    const int number = ++count;
    return std::memcpy(id->internal, &number, sizeof number), ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* made, int size, ncclUniqueId id, int rank, ncclConfig_t* config) {
    if (config->blocking != 0) return ncclInvalidArgument;
    const std::lock_guard lock(mutex);
    auto& world = worlds[std::string(id.internal, sizeof id.internal)];
    if (!world) world = std::make_shared<shared>(size);
    ++world->arrived;
    *made = keep({.all = world, .rank = rank});
    return ncclInProgress;
}

ncclResult_t ncclCommSplit(ncclComm_t from, int color, int key, ncclComm_t* made, ncclConfig_t* config) {
    if (config->blocking != 0 || key != from->rank) return ncclInvalidArgument;
    const std::lock_guard lock(mutex);
    if (from->aborted) return ncclInvalidUsage;
    *made = nullptr;
    from->all->splits[from->splits].colors[from->rank] = color;
    from->to_make = made;
    from->color = color;
    return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
    const std::lock_guard lock(mutex);
    *state = ncclSuccess;
    if (lost_ranks.count(comm->rank) != 0) return *state = ncclRemoteError, ncclSuccess;
    if (std::exchange(comm->busy, false) || comm->all->arrived < comm->all->size)
        return *state = ncclInProgress, ncclSuccess;
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
        *comm->to_make = keep({.all = of, .rank = rank});
    }
    comm->to_make = nullptr;
    ++comm->splits;
    return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
    const std::lock_guard lock(mutex);
    return comm->aborted = true, ncclSuccess;
}

ncclResult_t ncclGroupStart() { return ++depth, ncclSuccess; }
ncclResult_t ncclGroupEnd() { return --depth, end_group(); }

ncclResult_t ncclSend(const void* from, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t on) {
    return add_call(
        {comm, on, call::send, const_cast<void*>(from), nullptr, count * (type == ncclFloat64 ? 8 : 1), peer, {}});
}
ncclResult_t ncclRecv(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t on) {
    return add_call({comm, on, call::receive, nullptr, to, count * (type == ncclFloat64 ? 8 : 1), peer, {}});
}

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t, ncclRedOp_t, ncclComm_t comm,
                           cudaStream_t on) {
    return collective(comm, on, from, to, [count](meeting_of_all& m) {
        for (std::size_t i = 0; i < count; ++i) {
            const float total = total_at(m, i);
            for (auto& [rank, data] : m.data) floats(data[1])[i] = total;
        }
    });
}
ncclResult_t ncclReduce(const void* from, void* to, size_t count, ncclDataType_t, ncclRedOp_t, int root,
                        ncclComm_t comm, cudaStream_t on) {
    return collective(comm, on, from, to, [count, root](meeting_of_all& m) {
        for (std::size_t i = 0; i < count; ++i) floats(m.data[root][1])[i] = total_at(m, i);
    });
}
ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count, ncclDataType_t, ncclRedOp_t, ncclComm_t comm,
                               cudaStream_t on) {
    return collective(comm, on, from, to, [count](meeting_of_all& m) {
        for (auto& [rank, data] : m.data)
            for (std::size_t i = 0; i < count; ++i)
                floats(data[1])[i] = total_at(m, static_cast<std::size_t>(rank) * count + i);
    });
}
ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t, int root, ncclComm_t comm,
                           cudaStream_t on) {
    return collective(comm, on, from, to, [count, root](meeting_of_all& m) {
        for (auto& [rank, data] : m.data)
            if (rank != root) std::memcpy(data[1], m.data[root][0], count * sizeof(float));
    });
}
ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t on) {
    const std::size_t bytes = count * (type == ncclFloat64 ? 8 : 4);
    return collective(comm, on, from, to, [bytes](meeting_of_all& m) {
        for (auto& [rank, data] : m.data)
            for (auto& [other, theirs] : m.data)
                std::memmove(static_cast<char*>(data[1]) + static_cast<std::size_t>(other) * bytes, theirs[0], bytes);
    });
}
}
