// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace chimera::executor {

/// A path as messages show it: control characters become '?', so that a message stays one line.
std::string shown(const std::filesystem::path& path);

/// The system's words for an error number.
std::string reason(int number);

/// Owns a file descriptor.
class descriptor {
public:
    explicit descriptor(int fd = -1) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor();
    int get() const { return fd_; }

private:
    int fd_;
};

/// Opens a regular file for reading. Throws error for anything else, with the system's reason.
descriptor open_file(const std::filesystem::path& path);

/// Bytes in an open file.
std::size_t size_of(const descriptor& file, const std::filesystem::path& path);

/// Reads exactly `into.size()` bytes from `offset`; a file that ends before is an error.
void read_at(const descriptor& file, std::size_t offset, std::span<std::byte> into, const std::filesystem::path& path);

/// The whole of a regular file of at most `limit` bytes.
std::string read_file(const std::filesystem::path& path, std::size_t limit);

class draft;

/// Writes a file that replaces `path` only when it is complete and on the disk: a draft beside it, fsync, rename, fsync
/// of the folder. Whatever fails, an earlier `path` stays as it was and the draft is removed; a draft of a process that
/// was killed is removed when the same file is written next. A link at `path` is replaced, not followed;
/// devices, pipes and folders are refused.
class atomic_file {
public:
    explicit atomic_file(std::filesystem::path path);
    ~atomic_file();
    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;

    void append(std::span<const std::byte> bytes);
    void append(std::string_view text);
    void commit();

private:
    [[noreturn]] void fail(int number) const;

    std::filesystem::path path_;
    std::unique_ptr<draft> file_;
};

}  // namespace chimera::executor
