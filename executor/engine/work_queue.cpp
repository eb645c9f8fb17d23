// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/stash_layout.hpp>
#include <executor/engine/work_queue.hpp>

#include <cstdlib>
#include <cstring>

namespace chimera::executor {

queue_memory::queue_memory(work_queue* from, std::size_t bytes) : from_(from) {
    const std::size_t size = bytes < alignment ? alignment : aligned(bytes);
    data_ = from ? from->allocate(size) : static_cast<std::byte*>(std::aligned_alloc(alignment, size));
    if (!from && data_) std::memset(data_, 0, size);
}

queue_memory::~queue_memory() {
    if (!data_) return;
    if (from_)
        from_->release(data_);
    else
        std::free(data_);  // NOLINT: from aligned_alloc
}

}  // namespace chimera::executor
