// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/io/write.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace chimera::executor {

namespace {

[[noreturn]] void fail(const std::string& path, int code) {
    refuse("cannot write " + path + " (" + std::strerror(code) + ") name a file in a folder that can be written");
}

/// Writes everything; returns 0 or errno.
int write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t done = ::write(file, text.data(), text.size());
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(done));
    }
    return 0;
}

int write_and_close(int file, std::string_view text, bool sync) {
    int code = write_all(file, text);
    if (code == 0 && sync && ::fsync(file) != 0) code = errno;
    if (::close(file) != 0 && code == 0) code = errno;
    return code;
}

/// The file behind a chain of links, so that a link stays one.
std::string behind_links(const std::string& path) {
    char* resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr) return path;
    std::string out(resolved);
    std::free(resolved);
    return out;
}

}  // namespace

void write_file(const std::string& path, std::string_view text) {
    if (path.empty()) refuse("the output's name is empty (no file can be written) name a file");
    const std::string target = behind_links(path);
    struct stat facts {};
    const bool exists = ::stat(target.c_str(), &facts) == 0;
    if (exists && S_ISDIR(facts.st_mode)) fail(path, EISDIR);
    if (exists && !S_ISREG(facts.st_mode)) {
        const int file = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
        const int code = file < 0 ? errno : write_and_close(file, text, false);
        if (code != 0) fail(path, code);
        return;
    }
    if (exists && ::access(target.c_str(), W_OK) != 0) fail(path, errno);
    std::string beside = target + ".XXXXXX";
    const int file = ::mkstemp(beside.data());
    if (file < 0) fail(path, errno);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(file, exists ? facts.st_mode & 07777U : 0666U & ~mask);
    int code = write_and_close(file, text, true);
    if (code == 0 && std::rename(beside.c_str(), target.c_str()) != 0) code = errno;
    if (code == 0) return;
    ::unlink(beside.c_str());
    fail(path, code);
}

void write_output(std::string_view text) {
    if (const int code = write_all(STDOUT_FILENO, text)) {
        refuse(std::string("cannot write to standard output (") + std::strerror(code) + ") make room, or use -o FILE");
    }
}

}  // namespace chimera::executor
