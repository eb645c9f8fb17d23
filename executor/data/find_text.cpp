// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/data/left_out.hpp>
#include <executor/io/files.hpp>
#include <executor/io/run_folder.hpp>

#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

namespace chimera::executor {

namespace {

namespace fs = std::filesystem;

/// First bytes of gzip, zstd, xz, zip and LZ4, whose files may hold no NUL early on; bzip2 has a digit among its own.
constexpr std::string_view packed[] = {"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ", "PK\x03\x04", "\x04\x22M\x18"};

bool is_compressed(std::string_view start) {
    if (start.starts_with("BZh") && start.substr(std::min<std::size_t>(4, start.size())).starts_with("1AY&SY"))
        return true;
    return std::ranges::any_of(packed, [&](std::string_view magic) { return start.starts_with(magic); });
}

constexpr std::string_view cache_signature = "Signature: 8a477f597d28d172789f06886806bc55";  // bford.info/cachedir

std::string start_of(const fs::path& path, std::size_t most) {
    const auto file = open_file(path);
    std::string start(std::min(most, size_of(file, path)), '\0');
    read_at(file, 0, std::as_writable_bytes(std::span(start)), path);
    return start;
}

/// The reason why a file is no text, or null.
const char* no_text(const fs::path& path) {
    const std::string start = start_of(path, 8192);
    if (start.empty()) return "empty";
    if (is_compressed(start)) return "compressed";
    return start.find('\0') != start.npos ? "binary" : nullptr;
}

bool there(const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored);
}

/// Returns true if a file in the folder shows that a tool made it.
bool is_made(const fs::path& folder) {
    for (const char* name :
         {"CMakeCache.txt", ".ninja_log", "pyvenv.cfg", ".package-lock.json", ".yarn-integrity", ".modules.yaml"})
        if (there(folder / name)) return true;
    const fs::path tag = folder / "CACHEDIR.TAG";
    return there(tag) && start_of(tag, cache_signature.size()) == cache_signature;
}

using file_key = std::pair<dev_t, ino_t>;

std::optional<file_key> key_of(const fs::path& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return file_key(facts.st_dev, facts.st_ino);
}

/// The regular files that standard output and standard error go to.
std::set<file_key> own_streams() {
    std::set<file_key> all;
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat facts {};
        if (::fstat(stream, &facts) == 0 && S_ISREG(facts.st_mode)) all.insert({facts.st_dev, facts.st_ino});
    }
    return all;
}

class search {
public:
    search(const fs::path& excluded, found_text& into)
        : excluded_(excluded.empty() ? std::nullopt : key_of(excluded)), streams_(own_streams()), into_(into) {}

    void path(const fs::path& path) {
        met_.clear();
        std::error_code failed;
        if (!fs::exists(path, failed))
            refuse("data path " + shown(path) + " cannot be found (" + (failed ? failed.message() : reason(ENOENT)) +
                   ") give an existing file or folder");
        const auto before = into_.files.size();
        if (!fs::is_directory(path)) return file(path);
        met_.insert(key_of(path).value_or(file_key()));
        folder(path);
        if (into_.files.size() > before) return;
        const std::string others = into_.others.text();
        refuse("data folder " + shown(path) + " has no text (" +
               (others.empty() ? "it is empty" : "left out are " + others) + ") give another");
    }

private:
    /// A path of its own, which nothing is passed over in.
    void file(const fs::path& path) {
        const auto bad = [&](const std::string& why, const char* remedy) {
            refuse("data file " + shown(path) + " is " + why + ") " + remedy);
        };
        const auto whole = fs::absolute(path).lexically_normal();
        const auto key = key_of(path);
        if (key && streams_.contains(*key)) bad("where this program writes (its output is no data", "give another");
        if (is_run_file(whole.filename().string()) && of_run(whole.parent_path()))
            bad("the output of a run (it is no data", "give the texts that are to be learnt");
        const char* found = no_text(path);
        const std::string_view why = found ? found : "";
        if (why == "empty") bad("empty (0 bytes", "give a file with text in it");
        if (why == "compressed") bad("compressed (its first bytes say so", "unpack it");
        if (why == "binary") bad("binary (it has NUL bytes", "give text, or a token file that ends in .bin");
        into_.files.push_back(path);
    }

    bool of_run(const fs::path& folder) const {
        return holds_run(folder) || (excluded_ && key_of(folder) == excluded_);
    }

    void folder(const fs::path& folder) {
        std::error_code failed;
        std::vector<fs::path> entries;
        for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
            entries.push_back(at->path());
        if (failed)
            refuse("cannot read folder " + shown(folder) + " (" + failed.message() +
                   ") make it readable or leave it out");
        std::sort(entries.begin(), entries.end());
        const bool runs = of_run(folder);
        for (const fs::path& each : entries) {
            if (const char* why = runs && is_run_file(each.filename().string()) ? "of a run" : entry(each))
                into_.others.add(why, each);
        }
    }

    /// Takes what is behind an entry, or says why not.
    const char* entry(const fs::path& path) {
        if (path.filename().string().front() == '.') return "hidden";
        std::error_code failed;
        const auto type = fs::status(path, failed).type();
        if (type == fs::file_type::not_found) return "leading to nothing";
        const auto key = key_of(path);
        if (failed || !key)
            refuse("cannot read " + shown(path) + " (" + (failed ? failed.message() : reason(errno)) +
                   ") make it readable or leave it out");
        if (type != fs::file_type::directory && type != fs::file_type::regular) return "neither file nor folder";
        if (type == fs::file_type::regular && streams_.contains(*key)) return "written by this program";
        if (!met_.insert(*key).second) return "met before";
        if (type == fs::file_type::directory) {
            if (of_run(path)) return "of a run";
            if (is_made(path)) return "made by a tool";
            folder(path);
            return nullptr;
        }
        if (path.extension() == ".bin") return "of tokens";
        if (const char* why = no_text(path)) return why;
        into_.files.push_back(path);
        return nullptr;
    }

    std::optional<file_key> excluded_;
    std::set<file_key> streams_, met_;  // met_: below the path that is searched
    found_text& into_;
};

}  // namespace

found_text find_text(const std::vector<fs::path>& paths, const fs::path& excluded) {
    found_text found;
    search in(excluded, found);
    for (const auto& path : paths) in.path(path);
    return found;
}

}  // namespace chimera::executor
