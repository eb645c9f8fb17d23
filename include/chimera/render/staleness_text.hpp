// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/staleness.hpp>
#include <chimera/render/format.hpp>

#include <string>
#include <vector>

namespace chimera {

/// Writes the staleness of an asynchronous program's gradients by stage, and the weight versions its workers keep;
/// empty for a synchronous program.
[[nodiscard]] inline std::string staleness_text(program_argument lowered) {
    using format::put;
    std::string out;
    if (lowered.head.update == update_rule::flushed) return out;
    put(out, "updates            every ", lowered.head.update_every,
        lowered.head.update_every == 1 ? " micro-batch" : " micro-batches");
    put(out, " (", name(lowered.head.update), " weights)\n");
    put(out, "stage        staleness          mean     versions\n");
    const std::vector<stage_staleness> found = staleness(lowered);
    const auto cell = [&](const std::string& text, std::size_t width) {
        put(out, std::string(width > text.size() ? width - text.size() : 1, ' '), text);
    };
    for (int s = 0; s < lowered.head.stages; ++s) {
        const std::string stage = std::to_string(s);
        std::string mean;
        put(mean, format::fixed_point{found[static_cast<std::size_t>(s)].mean, 3});
        put(out, stage, std::string(stage.size() < 8 ? 8 - stage.size() : 0, ' '));
        cell(std::to_string(found[static_cast<std::size_t>(s)].largest), 14);
        cell(mean, 14);
        cell(std::to_string(lowered.versions_of(s, 0)), 13);
        out.push_back('\n');
    }
    return out;
}

}  // namespace chimera
