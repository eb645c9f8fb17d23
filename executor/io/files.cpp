// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/files.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>

namespace chimera::executor {

std::string shown(const std::filesystem::path& path) {
    std::string text = path.string();
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
    return text;
}

std::string reason(int number) { return std::generic_category().message(number); }

descriptor::~descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

descriptor open_file(const std::filesystem::path& path) {
    // Not blocking: opening a pipe that nobody writes to must not hang.
    descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) refuse("cannot read " + shown(path) + " (" + reason(errno) + ") give a file that can be read");
    struct stat info {};
    if (::fstat(file.get(), &info) != 0)
        refuse("cannot read " + shown(path) + " (" + reason(errno) + ") check the disk");
    if (!S_ISREG(info.st_mode)) refuse("cannot read " + shown(path) + " (not a regular file) give a regular file");
    return file;
}

std::size_t size_of(const descriptor& file, const std::filesystem::path& path) {
    struct stat info {};
    if (::fstat(file.get(), &info) != 0)
        refuse("cannot read " + shown(path) + " (" + reason(errno) + ") check the disk");
    return static_cast<std::size_t>(info.st_size);
}

void read_at(const descriptor& file, std::size_t offset, std::span<std::byte> into, const std::filesystem::path& path) {
    while (!into.empty()) {
        const auto got = ::pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) refuse("cannot read " + shown(path) + " (" + reason(errno) + ") check the disk");
        if (got == 0) refuse("cannot read " + shown(path) + " (it ended early) do not change it while it is read");
        into = into.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::size_t>(got);
    }
}

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
    const auto file = open_file(path);
    const auto size = size_of(file, path);
    if (size > limit)
        refuse(shown(path) + " is too large (" + std::to_string(size) + " bytes) at most " + std::to_string(limit) +
               " bytes are read");
    std::string text(size, '\0');
    read_at(file, 0, std::as_writable_bytes(std::span(text)), path);
    return text;
}

atomic_file::atomic_file(std::filesystem::path path)
    : path_(std::move(path)), partial_(path_.string() + ".partial"),
      file_(::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (file_.get() < 0) fail(errno);
}

atomic_file::~atomic_file() {
    if (!committed_ && file_.get() >= 0) ::unlink(partial_.c_str());
}

void atomic_file::fail(int number) const {
    refuse("cannot write " + shown(path_) + " (" + reason(number) +
           ") free space or choose another folder; an earlier file stays as it was");
}

void atomic_file::append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto put = ::write(file_.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail(errno);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
}

void atomic_file::commit() {
    if (::fsync(file_.get()) != 0 || ::rename(partial_.c_str(), path_.c_str()) != 0) fail(errno);
    committed_ = true;
    // The rename itself is on the disk only once the folder is.
    const auto parent = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    const descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || (::fsync(folder.get()) != 0 && errno != EINVAL)) fail(errno);
}

}  // namespace chimera::executor
