// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/io/draft.hpp>
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

/// The file behind a chain of links, so that a link stays one. Refuses a link to nothing: what it names is not known to
/// be wanted, and a file in its place would end the link.
std::string behind_links(const std::string& path) {
    char* resolved = ::realpath(path.c_str(), nullptr);
    struct stat facts {};
    if (resolved == nullptr && errno == ENOENT && ::lstat(path.c_str(), &facts) == 0 && S_ISLNK(facts.st_mode))
        refuse("cannot write " + path + " (a link to nothing) remove it, or name the file that it should lead to");
    if (resolved == nullptr) return path;
    std::string out(resolved);
    std::free(resolved);
    return out;
}

int write_in_place(const std::string& path, std::string_view text) {
    const descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file.get() < 0 ? errno : write_all(file.get(), text);
}

}  // namespace

void write_file(const std::string& path, std::string_view text) {
    if (path.empty()) refuse("the output's name is empty (no file can be written) name a file");
    const std::string target = behind_links(path);
    struct stat facts {};
    const bool exists = ::stat(target.c_str(), &facts) == 0;
    if (exists && S_ISDIR(facts.st_mode)) fail(path, EISDIR);
    if (exists && !S_ISREG(facts.st_mode)) {
        if (const int code = write_in_place(target, text)) fail(path, code);
        return;
    }
    if (exists && ::access(target.c_str(), W_OK) != 0) fail(path, errno);
    draft made(target);
    int code = made.error();
    if (code == 0 && exists) ::fchmod(made.file(), facts.st_mode & 07777U);  // not every file system has modes
    if (code == 0) code = write_all(made.file(), text);
    if (code == 0) code = made.replace_target();
    if (code != 0) fail(path, code);
}

void write_output(std::string_view text) {
    if (const int code = write_all(STDOUT_FILENO, text)) {
        refuse(std::string("cannot write to standard output (") + std::strerror(code) + ") make room, or use -o FILE");
    }
}

}  // namespace chimera::executor
