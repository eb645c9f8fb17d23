// SPDX-License-Identifier: Apache-2.0
#include <executor/data/left_out.hpp>
#include <executor/io/files.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

constexpr std::size_t named = 3;

}  // namespace

void left_out::add(const char* why, const std::filesystem::path& what) {
    auto at = std::ranges::find(all_, why, [](const auto& each) -> const std::string& { return each.first; });
    if (at == all_.end()) at = all_.insert(at, {why, {}});
    at->second.push_back(shown(what));
}

std::size_t left_out::count() const {
    std::size_t sum = 0;
    for (const auto& [why, names] : all_) sum += names.size();
    return sum;
}

std::string left_out::text() const {
    std::string text;
    for (const auto& [why, names] : all_) {
        text += (text.empty() ? "" : ", ") + std::to_string(names.size()) + " " + why + " (";
        for (std::size_t i = 0; i < std::min(named, names.size()); ++i) text += (i > 0 ? ", " : "") + names[i];
        text += names.size() > named ? ", …)" : ")";
    }
    return text;
}

}  // namespace chimera::executor
