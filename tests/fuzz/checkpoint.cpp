// SPDX-License-Identifier: Apache-2.0
// Any bytes as a checkpoint: as the JSON of a header, and as a whole file with and without a checksum that is right.
#include <chimera/core/error.hpp>
#include <executor/checkpoint/checkpoint.hpp>
#include <executor/io/checksum.hpp>

#include <sys/mman.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using namespace chimera::executor;

void check(const checkpoint_header& header, std::size_t data_bytes) {
    std::size_t at = 0;
    for (const auto& tensor : header.tensors) {
        std::size_t count = 4;
        for (const auto size : tensor.shape) count *= static_cast<std::size_t>(size);
        if (tensor.begin != at || tensor.end - tensor.begin != count) std::abort();
        at = tensor.end;
    }
    if (at != data_bytes) std::abort();
}

template <class Action>
void one_line_or_nothing(Action action) {
    try {
        action();
    } catch (const chimera::error& refused) {
        if (std::strchr(refused.what(), '\n')) std::abort();
    }
}

/// A file in memory that is opened by path.
const std::string& file_with(const std::string& bytes) {
    static const int fd = memfd_create("checkpoint", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(fd);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        std::abort();
    return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t data_bytes = data[0];
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    one_line_or_nothing([&] { check(parse_checkpoint_header(text, data_bytes, "x"), data_bytes); });
    one_line_or_nothing([&] { open_checkpoint(file_with(text)); });

    std::string header = text;
    const std::uint64_t length = header.size();
    const std::string start(reinterpret_cast<const char*>(&length), 8), body(data_bytes, 'x');
    const auto at = detail::checksum_position(header);
    if (at == header.npos) return 0;
    header.replace(at, 16, hash_text(start + header.replace(at, 16, 16, '0') + body));
    one_line_or_nothing([&] {
        const auto& path = file_with(start + header + body);
        const auto opened = open_checkpoint(path);
        check(opened, data_bytes);
        float value = 0;
        const named_tensor wanted{"a", {1}, {&value, 1}};
        load_checkpoint(path, opened, {&wanted, 1});
    });
    return 0;
}
