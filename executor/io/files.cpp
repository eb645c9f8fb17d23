// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/draft.hpp>
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

atomic_file::atomic_file(std::filesystem::path path) : path_(std::move(path)) {
    struct stat facts {};  // a rename would put a file in the place of a device
    if (::lstat(path_.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode) && !S_ISLNK(facts.st_mode))
        refuse("cannot write " + shown(path_) + " (not a regular file) name another");
    file_ = std::make_unique<draft>(path_);
    if (file_->error() != 0) fail(file_->error());
}

atomic_file::~atomic_file() = default;

void atomic_file::fail(int number) const {
    refuse("cannot write " + shown(path_) + " (" + reason(number) +
           ") free space or choose another folder; an earlier file stays as it was");
}

void atomic_file::append(std::string_view text) {
    if (const int number = write_all(file_->file(), text)) fail(number);
}

void atomic_file::append(std::span<const std::byte> bytes) {
    append(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

void atomic_file::commit() {
    if (const int number = file_->replace_target()) fail(number);
}

}  // namespace chimera::executor
