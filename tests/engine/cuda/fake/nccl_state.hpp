// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace fake {

/// One side of a message whose stream has come to it.
struct side {
    void* data;
    std::size_t bytes;
    std::shared_ptr<std::atomic<bool>> done;
    std::shared_ptr<std::vector<char>> buffer{};  // in which it is under way, its sender being done
};

/// A collective as its members come to it.
struct rendezvous_of_all {
    std::map<int, std::vector<void*>> data;  // by rank: what the call was given
    bool over = false;
};

/// What the ranks of a communicator share.
struct shared {
    explicit shared(int n) : size(n) {}
    int size, arrived = 0;
    std::map<std::pair<int, int>, std::deque<side>> sends, receives;  // by sender and receiver
    std::map<std::uint64_t, rendezvous_of_all> collectives;           // by how many came before
    struct splitting {
        std::map<int, int> colors;
        std::map<int, std::shared_ptr<shared>> made;
    };
    std::map<std::uint64_t, splitting> splits;
    std::set<int> connecting, finalized;  // ranks that wait for all to do the same
};

struct call {
    ncclComm* comm;
    void* stream;
    enum { send, receive, collective } what;
    void* from;
    void* to;
    std::size_t bytes;
    int peer;  // or root
    std::function<void(rendezvous_of_all&)> carry_out;
};

}  // namespace fake

struct ncclComm {
    std::shared_ptr<fake::shared> all;
    int rank = 0;
    ncclComm* parent = nullptr;
    bool connected = false;  // for collectives
    int children = 0;
    std::uint64_t collectives = 0, splits = 0;
    bool aborted = false, finalizing = false, finalized = false;
    bool busy = false;                // a call was made and nobody has asked yet
    std::vector<fake::call> taken{};  // but not enqueued yet
    int color = -1;
    ncclComm** to_make = nullptr;
};

namespace fake {

/// Takes a call, or, inside of a group, adds it to that.
ncclResult_t add_call(call c);

}  // namespace fake
