// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>
#include <executor/device/alignment.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

namespace chimera::executor {

/// Asks for large pages inside memory that was not touched yet: matrix products walk through far more small ones than a
/// processor keeps addresses of. The memory is as good without them.
inline void ask_for_large_pages(std::byte* data, std::size_t bytes) {
    constexpr std::uintptr_t page = 2 << 20;
    const auto first = reinterpret_cast<std::uintptr_t>(data);
    const std::uintptr_t begin = (first + page - 1) / page * page, end = (first + bytes) / page * page;
    if (begin < end) madvise(data + (begin - first), end - begin, MADV_HUGEPAGE);
}

/// Zeroed host memory on a 64-byte boundary, in large pages where the system gives them; moves, never copies.
class host_memory {
public:
    host_memory() = default;
    explicit host_memory(std::size_t bytes)
        : data_(static_cast<std::byte*>(::operator new (aligned(bytes), std::align_val_t{alignment}))), size_(bytes) {
        ask_for_large_pages(data_.get(), aligned(bytes));
        std::memset(data_.get(), 0, aligned(bytes));
    }

    std::byte* data() const { return data_.get(); }
    std::size_t size() const { return size_; }

private:
    struct release {
        void operator()(std::byte* data) const { ::operator delete (data, std::align_val_t{alignment}); }
    };
    std::unique_ptr<std::byte, release> data_;
    std::size_t size_ = 0;
};

/// Answers a device's questions for memory that is the host's own.
struct host_side {
    static constexpr bool on_host = true;
    static void upload(void* to, const void* from_host, std::size_t bytes) { copy_bytes(to, from_host, bytes); }
    static void download(void* to_host, const void* from, std::size_t bytes) { copy_bytes(to_host, from, bytes); }
    static void finish() {}
    static void settle() {}

private:
    static void copy_bytes(void* to, const void* from, std::size_t bytes) {
        if (bytes > 0) std::memcpy(to, from, bytes);  // pointers may be null when bytes is 0
    }
};

}  // namespace chimera::executor
