// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/lane.hpp>
#include <executor/engine/stash_layout.hpp>

#include <cstdlib>
#include <cstring>

namespace chimera::executor {

lane_memory::lane_memory(lane* from, std::size_t bytes) : from_(from) {
    const std::size_t size = bytes < alignment ? alignment : aligned(bytes);
    data_ = from ? from->allocate(size) : static_cast<std::byte*>(std::aligned_alloc(alignment, size));
    if (!from && data_) std::memset(data_, 0, size);
}

lane_memory::~lane_memory() {
    if (!data_) return;
    if (from_)
        from_->release(data_);
    else
        std::free(data_);  // NOLINT: from aligned_alloc
}

}  // namespace chimera::executor
