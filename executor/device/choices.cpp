// SPDX-License-Identifier: Apache-2.0
#include <executor/device/choices.hpp>

#include <unistd.h>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

namespace chimera::executor {

namespace {

constexpr const char* first_line = "chimera.choices 1";

/// FNV-1a (Fowler, Noll, Vo): finds what a disk or an editor did to a line.
std::uint64_t sum_of(const std::string& text) {
    std::uint64_t sum = 0xcbf29ce484222325u;
    for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return sum;
}

std::string line_of(const std::string& key, const choices::way& found) {
    std::ostringstream out;
    out << key << std::hex;
    for (const auto number : found) out << ' ' << number;
    return out.str();
}

}  // namespace

choices::choices(std::filesystem::path file) : file_(std::move(file)) {
    std::ifstream in(file_);
    std::string line;
    if (!std::getline(in, line) || line != first_line) return;
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::uint64_t sum = 0;
        std::string key;
        way found{};
        words >> std::hex >> sum >> key;
        for (auto& number : found) words >> number;
        if (words && sum == sum_of(line_of(key, found))) all_[key] = found;
    }
}

auto choices::find(const std::string& key) const -> std::optional<way> {
    const std::lock_guard lock(mutex_);
    for (const auto* kept : {&for_now_, &all_})
        if (const auto at = kept->find(key); at != kept->end()) return at->second;
    return std::nullopt;
}

void choices::keep_for_now(const std::string& key, const way& found) {
    const std::lock_guard lock(mutex_);
    for_now_[key] = found;
}

void choices::keep(const std::string& key, const way& found) {
    const std::lock_guard lock(mutex_);
    all_[key] = found;
    for_now_.erase(key);
    if (!file_.empty()) write();
}

void choices::write() const {
    std::error_code ignored;
    std::filesystem::create_directories(file_.parent_path(), ignored);
    std::ostringstream out;
    out << first_line << '\n';
    for (const auto& [key, found] : all_) {
        const std::string line = line_of(key, found);
        out << std::hex << sum_of(line) << ' ' << line << '\n';
    }
    const std::string text = out.str();
    std::string draft = file_.string() + ".XXXXXX";
    const int file = ::mkstemp(draft.data());  // exclusively, under a name that cannot be foreseen
    if (file < 0) return;
    const bool whole = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (::close(file) == 0 && whole) return std::filesystem::rename(draft, file_, ignored);
    std::filesystem::remove(draft, ignored);
}

choices& shared_choices(const std::filesystem::path& folder, const std::string& name) {
    static std::mutex mutex;
    static std::map<std::filesystem::path, std::unique_ptr<choices>> all;
    const std::lock_guard lock(mutex);
    auto& found = all[folder / name];
    if (!found) found = folder.empty() ? std::make_unique<choices>() : std::make_unique<choices>(folder / name);
    return *found;
}

std::filesystem::path cache_folder() {
    if (const char* given = std::getenv("XDG_CACHE_HOME"); given && *given)
        return std::filesystem::path(given) / "chimera";
    if (const char* home = std::getenv("HOME"); home && *home)
        return std::filesystem::path(home) / ".cache" / "chimera";
    return {};
}

}  // namespace chimera::executor
