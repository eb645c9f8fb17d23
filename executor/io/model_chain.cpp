// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/model_chain.hpp>

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace chimera::executor::detail {

namespace {

constexpr std::size_t nobody = static_cast<std::size_t>(-1);

std::string layer_named(const link_of_chain& l) { return "layer " + l.name; }

using name_table = std::unordered_map<std::string, std::size_t>;

name_table table_of(const std::vector<link_of_chain>& layers) {
    name_table found;
    for (std::size_t i = 0; i < layers.size(); ++i)
        if (!found.emplace(layers[i].name, i).second)
            refuse(layer_named(layers[i]) + " is there twice (a name stands for one layer) rename one of them");
    return found;
}

/// The layer that this one comes after; nobody: it begins.
std::size_t before(const link_of_chain& l, const name_table& found) {
    if (l.after.size() > 1)
        refuse(layer_named(l) + ": after names " + std::to_string(l.after.size()) +
               " layers (a pipeline is a straight chain) join branches into one layer");
    if (l.after.empty()) return nobody;
    const auto at = found.find(l.after[0]);
    if (at == found.end()) refuse(layer_named(l) + ": after names no layer (" + l.after[0] + ") give a layer's name");
    return at->second;
}

}  // namespace

std::vector<std::size_t> order_of_chain(const std::vector<link_of_chain>& layers) {
    const name_table found = table_of(layers);
    std::vector<std::size_t> order(layers.size());
    if (std::ranges::none_of(layers, &link_of_chain::said)) {
        std::iota(order.begin(), order.end(), std::size_t{0});
        return order;
    }
    std::vector<std::size_t> next(layers.size(), nobody), before_it;
    for (const link_of_chain& l : layers) before_it.push_back(before(l, found));
    std::size_t first = nobody;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const std::size_t from = before_it[i];
        if (from == nobody) {
            if (first != nobody)
                refuse(layer_named(layers[i]) + " and " + layer_named(layers[first]) +
                       " both come after nothing (a chain has one beginning) say \"after\" in all but the first");
            first = i;
            continue;
        }
        if (next[from] != nobody)
            refuse(layer_named(layers[i]) + " and " + layer_named(layers[next[from]]) + " both come after " +
                   layers[from].name + " (a pipeline is a straight chain) join branches into one layer");
        next[from] = i;
    }
    std::vector<bool> passed(layers.size());
    order.clear();
    for (std::size_t i = first; i != nobody; i = next[i]) order.push_back(i), passed[i] = true;
    if (order.size() < layers.size()) {
        const auto left = std::ranges::find(passed, false) - passed.begin();
        refuse(layer_named(layers[static_cast<std::size_t>(left)]) +
               " comes after itself (the layers form a cycle) give a straight chain");
    }
    return order;
}

}  // namespace chimera::executor::detail
