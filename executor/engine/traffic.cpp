// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/traffic.hpp>

#include <map>
#include <utility>

namespace chimera::executor {

std::vector<traffic> traffic_of(int worker, std::span<const transfer> row, std::span<const message_life> lives) {
    std::map<std::pair<std::int32_t, std::size_t>, std::vector<message_life>> sent;
    for (const transfer& t : row) {
        if (!t.sends || t.bytes == 0 || t.message < 0 || static_cast<std::size_t>(t.message) >= lives.size()) continue;
        const message_life& life = lives[static_cast<std::size_t>(t.message)];
        if (life.sender == worker && life.receiver == t.peer) sent[{t.peer, t.bytes}].push_back(life);
    }
    std::vector<traffic> out;
    for (const auto& [which, all] : sent) out.push_back({which.first, which.second, most_under_way(all)});
    return out;
}

}  // namespace chimera::executor
