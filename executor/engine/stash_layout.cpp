// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/stash_layout.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

namespace chimera::executor {

std::size_t arrange(std::span<tensor> tensors, std::size_t offset) {
    std::vector<std::size_t> order(tensors.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return tensors[i].from; });
    std::multimap<std::size_t, std::size_t> unused;  // bytes -> offset
    std::multimap<int, const tensor*> live;          // by the last instruction
    for (const std::size_t i : order) {
        tensor& next = tensors[i];
        while (!live.empty() && live.begin()->first < next.from) {
            unused.emplace(aligned(live.begin()->second->bytes), live.begin()->second->offset);
            live.erase(live.begin());
        }
        const auto fit = unused.find(aligned(next.bytes));
        if (fit != unused.end()) {
            next.offset = fit->second;
            unused.erase(fit);
        } else {
            next.offset = offset;
            offset += aligned(next.bytes);
        }
        live.emplace(next.to, &next);
    }
    return offset;
}

}  // namespace chimera::executor
