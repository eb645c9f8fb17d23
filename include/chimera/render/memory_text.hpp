// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/memory_timeline.hpp>
#include <chimera/program/program.hpp>
#include <chimera/render/format.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace chimera {

namespace detail {

/// Each part of a worker's memory at its high-water mark, by the name that text and JSON give it.
template <class Each>
void each_memory_part(const memory_row& row, Each each) {
    const memory_point at = row.at_mark();
    each("weights", row.state.weights);
    each("gradients", row.state.gradients);
    each("optimiser", row.state.optimiser);
    each("activations", at.activations);
    each("recomputed", at.unfolded);
    each("boundaries", at.boundaries);
    each("workspace", row.workspace);
    each("peak", row.peak());
    each("reserved", row.reserved());
}

}  // namespace detail

/// A table with a line for each worker: what is in its memory at its high-water mark, in binary units, their sum, and
/// what a trainer reserves that lays out its buffers beforehand.
[[nodiscard]] inline std::string memory_text(std::span<const memory_row> rows) {
    using format::put;
    std::string out;
    const auto cell = [&](std::string_view text, std::size_t width) {
        put(out, std::string(width > text.size() ? width - text.size() : 1, ' '), text);
    };
    put(out, "worker");
    if (!rows.empty()) detail::each_memory_part(rows.front(), [&](const char* name, double) { cell(name, 12); });
    out.push_back('\n');
    for (std::size_t w = 0; w < rows.size(); ++w) {
        const std::string number = std::to_string(w);
        put(out, number, std::string(number.size() < 6 ? 6 - number.size() : 0, ' '));
        detail::each_memory_part(rows[w], [&](const char*, double bytes) {
            std::string text;
            format::put_bytes(text, bytes);
            cell(text, 12);
        });
        out.push_back('\n');
    }
    return out;
}

/// Writes the memory of workers in bytes as JSON, an array with an object for each worker: {"weights":…, …,
/// "mark":instruction at the mark}.
[[nodiscard]] inline std::string memory_json(std::span<const memory_row> rows) {
    using format::put;
    std::string out = "[";
    for (const memory_row& row : rows) {
        put(out, &row == rows.data() ? "\n  {" : ",\n  {");
        detail::each_memory_part(row, [&](const char* name, double bytes) { put(out, '"', name, "\":", bytes, ','); });
        put(out, "\"mark\":", row.mark, '}');
    }
    return out + "]";
}

/// The timelines as CSV: a line for each instruction of each worker, bytes in memory while it runs.
[[nodiscard]] inline std::string memory_csv(program_argument lowered, std::span<const memory_row> rows) {
    using format::put;
    std::string out = "worker,instruction,op,stage,unit,activations,recomputed,boundaries,total\n";
    for (std::size_t w = 0; w < rows.size(); ++w) {
        const auto row = lowered.row(static_cast<int>(w));
        const double always = rows[w].state.total() + rows[w].workspace;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const memory_point& at = rows[w].points[i];
            put(out, w, ',', i, ',', name(row[i].op), ',', static_cast<int>(row[i].stage), ',', row[i].first, ',');
            put(out, at.activations, ',', at.unfolded, ',', at.boundaries, ',', always + at.total(), '\n');
        }
    }
    return out;
}

}  // namespace chimera
