// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/draft.hpp>
#include <executor/io/run_folder.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <sstream>
#include <thread>
#include <vector>

namespace chimera::executor {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view title = "chimera run";

std::string host() {
    std::array<char, 256> text{};
    if (::gethostname(text.data(), text.size() - 1) != 0) return "?";
    return text.data();
}

/// Who a mark says has locked it.
struct owner {
    long process = 0;
    std::string on;
    bool lives() const {
        return process > 0 && (on != host() || ::kill(static_cast<pid_t>(process), 0) == 0 || errno == EPERM);
    }
};

/// Takes the lock of a byte, or returns false where another holds it. A file system without locks gives it to all.
bool lock_byte(const descriptor& mark, int how, off_t at) {
    struct flock wanted {};
    wanted.l_type = F_WRLCK;
    wanted.l_start = at;
    wanted.l_len = 1;
    while (::fcntl(mark.get(), how, &wanted) != 0) {
        if (errno == EAGAIN || errno == EACCES) return false;
        if (errno != EINTR) return true;
    }
    return true;
}

std::string content(const descriptor& mark) {
    std::array<char, 1024> text{};
    const auto got = ::pread(mark.get(), text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

owner owner_of(const descriptor& mark) {
    std::istringstream lines(content(mark));
    std::string first;
    owner found;
    std::getline(lines, first);
    lines >> found.process >> found.on;
    return found;
}

/// Who the system says has the first lock; else who the mark names.
owner holder(const descriptor& mark) {
    owner named = owner_of(mark);
    struct flock asked {};
    asked.l_type = F_WRLCK;
    asked.l_len = 1;
    if (::fcntl(mark.get(), F_GETLK, &asked) != 0 || asked.l_type == F_UNLCK || asked.l_pid <= 0) return named;
    if (asked.l_pid != named.process) return {asked.l_pid, host()};
    return named;
}

bool regular(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(fs::symlink_status(path, ignored));
}

const char* kind(fs::file_type type) {
    return type == fs::file_type::symlink     ? "a link"
           : type == fs::file_type::directory ? "a folder"
                                              : "no regular file";
}

/// The mark, opened without following or waiting for anything; empty where there is none.
descriptor open_mark(const fs::path& path, int flags) {
    descriptor mark(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0666));
    if (mark.get() < 0 && errno != ENOENT && errno != ENOTDIR)
        refuse("cannot open " + shown(path) + " (" + reason(errno) + ") remove it, or choose another --output");
    if (mark.get() < 0) return mark;
    struct stat facts {};
    const bool sound = ::fstat(mark.get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink <= 1;
    const std::string said = sound ? content(mark) : "";
    if (!sound || !(said.empty() || said.starts_with(title)))
        refuse(shown(path) +
               " is not the mark of a run (another file has its name) move it, or choose another --output");
    return mark;
}

bool is_recorder(const std::string& name) {
    if (!name.starts_with("recorder.") || !name.ends_with("txt")) return false;
    const std::string middle = name.substr(9, name.size() - 12);
    return middle.empty() ||
           (middle.ends_with('.') && middle.size() > 1 && middle.find_first_not_of("0123456789") == middle.size() - 1);
}

}  // namespace

bool is_run_file(const std::string& name) {
    using namespace run_file;
    static const std::array all{mark, job, log, checkpoint, earlier, diverged, timeline, page, trace};
    if (std::ranges::find(all, name) != all.end() || is_recorder(name)) return true;
    const std::string whole = target_of_draft(name);
    return !whole.empty() && whole != name && is_run_file(whole);
}

bool holds_run(const fs::path& folder) {
    return regular(folder / run_file::mark) || (regular(folder / run_file::job) && regular(folder / run_file::log));
}

/// Only a run's files are replaced, and only where they are files.
void run_folder::check_files() const {
    std::error_code failed;
    std::vector<fs::path> ours;
    for (fs::directory_iterator at(path_, failed), end; !failed && at != end; at.increment(failed))
        if (is_run_file(at->path().filename().string())) ours.push_back(at->path());
    std::ranges::sort(ours);
    for (const fs::path& each : ours)
        if (const auto type = fs::symlink_status(each, failed).type();
            type != fs::file_type::regular && type != fs::file_type::not_found)  // a draft of a living run may go
            refuse(shown(each) + " is " + kind(type) +
                   " (a run writes regular files of its own) remove it, or choose another --output");
    if (ours.empty() || holds_run(path_) || regular(path_ / run_file::checkpoint)) return;
    if (fs::symlink_status(ours.front(), failed).type() == fs::file_type::not_found) return;  // removed meanwhile
    refuse("the output folder " + shown(path_) + " holds " + shown(ours.front().filename()) +
           " (that no run wrote, and this one would replace) move it, or choose another --output");
}

void run_folder::take_if_marked() {
    check_files();
    mark_ = open_mark(path_ / run_file::mark, 0);
    if (taken()) lock();
}

/// A run that fails removes the folder that it made: its lock may be of a mark that has gone.
void run_folder::take() {
    using clock = std::chrono::steady_clock;
    const bool before = locked_;
    const auto end = clock::now() + std::chrono::seconds(2);
    while (!before && !(locked_ && is_there()) && clock::now() < end) {
        std::error_code failed;
        made_ = fs::create_directories(path_, failed);
        if (failed)
            refuse("cannot make the output folder " + shown(path_) + " (" + failed.message() +
                   ") choose another with --output");
        check_files();
        mark_ = open_mark(path_ / run_file::mark, O_CREAT);
        if (taken()) lock();
    }
    check();
    clean();
}

run_folder::~run_folder() {
    if (!made_ || !locked_ || !is_there()) return;
    std::error_code failed;
    for (fs::directory_iterator at(path_, failed), end; !failed && at != end; at.increment(failed))
        if (at->path().filename() != run_file::mark) return;
    if (failed) return;
    fs::remove(path_ / run_file::mark, failed);
    fs::remove(path_, failed);  // refused where another file has come meanwhile
}

/// Two locks on the mark. The system knows which process has the first one, from the moment that it is taken. The
/// second one tells runs of one process apart, and holds if such a one ends and takes the first with it.
void run_folder::lock() {
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    while (!lock_byte(mark_, F_SETLK, 0) || !lock_byte(mark_, F_OFD_SETLK, 1)) {
        const owner other = holder(mark_);
        if (!other.lives() && clock::now() - begin < std::chrono::seconds(2)) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // it has just gone, or is just coming
            continue;
        }
        const std::string who = other.process > 0 ? "process " + std::to_string(other.process) : "another process";
        refuse("the output folder " + shown(path_) + " is in use (" + who +
               (other.on.empty() || other.on == host() ? "" : " on " + shown(other.on)) +
               " trains into it) wait until it ends, or choose another --output");
    }
    locked_ = true;
    const std::string text = std::string(title) + "\n" + std::to_string(::getpid()) + " " + host() + "\n";
    if (::pwrite(mark_.get(), text.data(), text.size(), 0) < 0 ||
        ::ftruncate(mark_.get(), static_cast<off_t>(text.size())) != 0)
        refuse("cannot write " + shown(path_ / run_file::mark) + " (" + reason(errno) +
               ") free space, or choose another --output");
}

/// Returns true if the mark that is locked is the one in the folder.
bool run_folder::is_there() const {
    struct stat mine {
    }, there{};
    return ::fstat(mark_.get(), &mine) == 0 && ::lstat((path_ / run_file::mark).c_str(), &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

void run_folder::check() const {
    if (is_there()) return;
    refuse("the output folder " + shown(path_) +
           " is not what it was (it was moved, removed or replaced while in use) start again with another --output");
}

/// Recorders are written in place: one that has another name elsewhere is made anew.
void run_folder::clean() const {
    std::error_code failed;
    std::vector<fs::path> targets;
    for (fs::directory_iterator at(path_, failed), end; !failed && at != end; at.increment(failed)) {
        const std::string whole = target_of_draft(at->path().filename().string());
        if (!whole.empty() && is_run_file(whole)) targets.push_back(path_ / whole);
        std::error_code ignored;
        if (is_recorder(at->path().filename().string()) && fs::hard_link_count(at->path(), ignored) > 1)
            fs::remove(at->path(), ignored);
    }
    for (const fs::path& each : targets) remove_lost_drafts(each);
}

}  // namespace chimera::executor
