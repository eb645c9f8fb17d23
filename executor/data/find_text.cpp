// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/data/corpus.hpp>

#include <algorithm>
#include <array>
#include <system_error>

namespace chimera::executor {

namespace {

namespace fs = std::filesystem;

bool is_build_folder(const fs::path& path) {
    const auto name = path.filename().string();
    std::error_code ignored;
    return name.rfind("build", 0) == 0 || name.rfind("cmake-build", 0) == 0 || name == "out" ||
           name == "node_modules" || name == "__pycache__" || fs::exists(path / "CMakeCache.txt", ignored) ||
           fs::exists(path / "CACHEDIR.TAG", ignored);
}

/// Empty, or a NUL byte near the start.
bool is_left_out(const fs::path& path) {
    const auto file = open_file(path);
    std::array<std::byte, 8192> start;
    const auto count = std::min(start.size(), size_of(file, path));
    read_at(file, 0, std::span(start).first(count), path);
    return count == 0 || std::find(start.begin(), start.begin() + count, std::byte{0}) != start.begin() + count;
}

void search(const fs::path& folder, const fs::path& excluded, std::vector<fs::path>& found) {
    std::error_code failed;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        entries.push_back(*at);
    if (failed)
        refuse("cannot read folder " + shown(folder) + " (" + failed.message() + ") make it readable or leave it out");
    std::sort(entries.begin(), entries.end());
    for (const auto& entry : entries) {
        if (entry.path().filename().string().front() == '.' || entry.is_symlink()) continue;
        if (entry.is_directory()) {
            std::error_code ignored;
            const bool left_out = !excluded.empty() && fs::equivalent(entry.path(), excluded, ignored);
            if (!left_out && !is_build_folder(entry.path())) search(entry.path(), excluded, found);
        } else if (entry.is_regular_file() && entry.path().extension() != ".bin" && !is_left_out(entry.path())) {
            found.push_back(entry.path());
        }
    }
}

void add_file(const fs::path& path, std::vector<fs::path>& found) {
    if (size_of(open_file(path), path) == 0)
        refuse("data file " + shown(path) + " is empty (0 bytes) give a file with text in it");
    if (is_left_out(path))
        refuse("data file " + shown(path) +
               " is binary (it has NUL bytes) give text, or a token file that ends in .bin");
    found.push_back(path);
}

}  // namespace

std::vector<fs::path> find_text(const std::vector<fs::path>& paths, const fs::path& excluded) {
    std::vector<fs::path> found;
    for (const auto& path : paths) {
        std::error_code failed;
        if (!fs::exists(path, failed))
            refuse("data path " + shown(path) + " cannot be found (" + (failed ? failed.message() : reason(ENOENT)) +
                   ") give an existing file or folder");
        const auto before = found.size();
        fs::is_directory(path) ? search(path, excluded, found) : add_file(path, found);
        if (found.size() == before)
            refuse("data folder " + shown(path) +
                   " has no text (all its files are hidden, empty or binary) give another");
    }
    return found;
}

corpus open_corpus(const std::vector<fs::path>& paths, int vocabulary, const fs::path& excluded) {
    if (paths.empty()) refuse("no data (the list of paths is empty) give files or folders to train on");
    const auto is_tokens = [](const fs::path& p) { return p.extension() == ".bin"; };
    const auto count = std::count_if(paths.begin(), paths.end(), is_tokens);
    if (count == 0) return corpus::text(find_text(paths, excluded), vocabulary);
    if (count != static_cast<std::ptrdiff_t>(paths.size()))
        refuse("token files and text do not mix (" + std::to_string(count) + " of " + std::to_string(paths.size()) +
               " paths end in .bin) train on one or the other");
    return corpus::tokens(paths, vocabulary);
}

}  // namespace chimera::executor
