// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/group_rounds.hpp>

#include <algorithm>

namespace chimera::executor {
namespace {

bool disjoint(const members& a, const members& b) {
    return std::ranges::none_of(a, [&](std::int32_t w) { return std::ranges::binary_search(b, w); });
}

}  // namespace

std::vector<std::vector<members>> rounds_of(std::span<const members> groups) {
    std::vector<members> all(groups.begin(), groups.end());
    std::ranges::sort(all);
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::vector<std::vector<members>> rounds;
    for (const members& group : all) {
        if (group.size() < 2) continue;
        const auto fits = [&](const std::vector<members>& round) {
            return std::ranges::all_of(round, [&](const members& other) { return disjoint(group, other); });
        };
        const auto found = std::ranges::find_if(rounds, fits);
        if (found != rounds.end())
            found->push_back(group);
        else
            rounds.push_back({group});
    }
    return rounds;
}

}  // namespace chimera::executor
