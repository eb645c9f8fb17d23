// SPDX-License-Identifier: Apache-2.0
#include <executor/io/checksum.hpp>
#include <executor/io/draft.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>

namespace chimera::executor {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view ending = ".partial";
constexpr std::size_t digits = 16;
constexpr std::size_t longest = 200;  // of the target's name, so that a draft's stays below 255

fs::path folder_of(const fs::path& target) { return target.has_parent_path() ? target.parent_path() : fs::path("."); }

std::string beginning(const fs::path& target) { return "." + target.filename().string().substr(0, longest) + "."; }

std::uint64_t random_number() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number) return number;
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
           static_cast<std::uint64_t>(::getpid()) << 40;  // O_EXCL still holds
}

bool is_lost(const descriptor& file) {
    struct stat facts {};
    return file.get() >= 0 && ::fstat(file.get(), &facts) == 0 && S_ISREG(facts.st_mode) &&
           ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

int write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto put = ::write(file, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return 0;
}

std::string target_of_draft(const std::string& name) {
    const std::size_t rest = digits + ending.size() + 1;
    if (name.size() < rest + 2 || name[0] != '.' || !name.ends_with(ending) || name[name.size() - rest] != '.')
        return "";
    const auto number = name.substr(name.size() - rest + 1, digits);
    if (number.find_first_not_of("0123456789abcdef") != number.npos) return "";
    return name.substr(1, name.size() - rest - 1);
}

void remove_lost_drafts(const fs::path& target) {
    const std::string wanted = target.filename().string().substr(0, longest);
    std::error_code failed;
    for (fs::directory_iterator at(folder_of(target), failed), end; !failed && at != end; at.increment(failed)) {
        if (target_of_draft(at->path().filename().string()) != wanted) continue;
        const descriptor file(::open(at->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (is_lost(file)) ::unlink(at->path().c_str());
    }
}

draft::draft(fs::path target, mode_t mode) : target_(std::move(target)) {
    remove_lost_drafts(target_);
    for (int i = 0; i < 100 && !there_ && error_ == 0; ++i) there_ = create(mode);
    if (!there_ && error_ == 0) error_ = EEXIST;
}

/// Returns false with no error where another try may do: a taken name, or a stranger who took the file for a lost one.
bool draft::create(mode_t mode) {
    path_ = folder_of(target_) / (beginning(target_) + hex(random_number()) + std::string(ending));
    file_ = descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (file_.get() < 0) {
        if (errno != EEXIST) error_ = errno;
        return false;
    }
    const bool taken = ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    struct stat facts {};
    if (!taken && ::fstat(file_.get(), &facts) == 0 && facts.st_nlink > 0) return true;
    ::unlink(path_.c_str());
    return false;
}

draft::~draft() {
    if (there_) ::unlink(path_.c_str());
}

int draft::replace_target() {
    if (::fsync(file_.get()) != 0 || ::rename(path_.c_str(), target_.c_str()) != 0) return errno;
    there_ = false;
    const descriptor folder(::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) return errno == EACCES ? 0 : errno;  // a folder that may not be listed cannot be asked
    return ::fsync(folder.get()) != 0 && errno != EINVAL ? errno : 0;
}

}  // namespace chimera::executor
