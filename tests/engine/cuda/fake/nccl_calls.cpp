// SPDX-License-Identifier: Apache-2.0

// What messages and collectives do when all their sides are there.

#include "tests/engine/cuda/fake/nccl_state.hpp"

#include <cstring>
#include <iterator>

namespace fake {
namespace {

ncclResult_t collective(ncclComm* comm, cudaStream_t stream, const void* from, void* to,
                        std::function<void(rendezvous_of_all&)> code) {
    return add_call({comm, stream, call::collective, const_cast<void*>(from), to, 0, 0, std::move(code)});
}

float* floats(void* data) { return static_cast<float*>(data); }

/// In the order of the ranks.
float total_at(const rendezvous_of_all& m, std::size_t i) {
    float total = floats(m.data.begin()->second[0])[i];
    for (auto next = std::next(m.data.begin()); next != m.data.end(); ++next) total += floats(next->second[0])[i];
    return total;
}

}  // namespace
}  // namespace fake

using namespace fake;

extern "C" {

ncclResult_t ncclSend(const void* from, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t on) {
    return add_call(
        {comm, on, call::send, const_cast<void*>(from), nullptr, count * (type == ncclFloat64 ? 8 : 1), peer, {}});
}
ncclResult_t ncclRecv(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t on) {
    return add_call({comm, on, call::receive, nullptr, to, count * (type == ncclFloat64 ? 8 : 1), peer, {}});
}

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t, ncclRedOp_t, ncclComm_t comm,
                           cudaStream_t on) {
    return collective(comm, on, from, to, [count](rendezvous_of_all& m) {
        for (std::size_t i = 0; i < count; ++i) {
            const float total = total_at(m, i);
            for (auto& [rank, data] : m.data) floats(data[1])[i] = total;
        }
    });
}
ncclResult_t ncclReduce(const void* from, void* to, size_t count, ncclDataType_t, ncclRedOp_t, int root,
                        ncclComm_t comm, cudaStream_t on) {
    return collective(comm, on, from, to, [count, root](rendezvous_of_all& m) {
        for (std::size_t i = 0; i < count; ++i) floats(m.data[root][1])[i] = total_at(m, i);
    });
}
ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count, ncclDataType_t, ncclRedOp_t, ncclComm_t comm,
                               cudaStream_t on) {
    return collective(comm, on, from, to, [count](rendezvous_of_all& m) {
        for (auto& [rank, data] : m.data)
            for (std::size_t i = 0; i < count; ++i)
                floats(data[1])[i] = total_at(m, static_cast<std::size_t>(rank) * count + i);
    });
}
ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t, int root, ncclComm_t comm,
                           cudaStream_t on) {
    return collective(comm, on, from, to, [count, root](rendezvous_of_all& m) {
        for (auto& [rank, data] : m.data)
            if (rank != root) std::memcpy(data[1], m.data[root][0], count * sizeof(float));
    });
}
ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t on) {
    const std::size_t bytes = count * (type == ncclFloat64 ? 8 : 4);
    return collective(comm, on, from, to, [bytes](rendezvous_of_all& m) {
        for (auto& [rank, data] : m.data)
            for (auto& [other, theirs] : m.data)
                std::memmove(static_cast<char*>(data[1]) + static_cast<std::size_t>(other) * bytes, theirs[0], bytes);
    });
}
}
