// SPDX-License-Identifier: Apache-2.0
#include <chimera/program/update_group.hpp>
#include <executor/io/resources.hpp>
#include <executor/memory/update_groups.hpp>

namespace chimera::executor {

std::vector<int> units_of_updates(const program_view& of) {
    const auto groups =
        chimera::detail::find_update_groups(of.head, chimera::detail::pipelines_of_units(of.head, of.instructions));
    std::vector<int> units(static_cast<std::size_t>(groups.count), 0);
    for (std::int32_t u = 0; u < of.head.units(); ++u) ++units[static_cast<std::size_t>(groups[u])];
    return units;
}

double model_bytes(const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers) {
    const double c = config.channels, v = config.vocabulary;
    double bytes = 0;
    for (int s = 0; s < of.head.stages; ++s) {
        const layer_range& r = layers[static_cast<std::size_t>(s)];
        const double weights = (r.last - r.first) * (12 * c * c + 13 * c) +
                               (r.embedding ? (v + config.context) * c : 0) + (r.head ? (v + 2) * c : 0);
        const auto members = of.replica_group(s);
        for (std::size_t k = 0; k < members.size(); ++k) bytes += sizeof(float) * weights * (3 + of.versions_of(s, k));
    }
    return bytes;
}

void check_memory(const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers, double share) {
    check_room(share * model_bytes(of, config, layers), "the model with all copies and weight versions",
               "use fewer layers, channels, pipelines, copies or versions");
}

}  // namespace chimera::executor
