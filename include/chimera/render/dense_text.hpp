// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/decimal.hpp>
#include <chimera/render/palette.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace chimera::detail {

inline constexpr std::int8_t idle_class = -1;

/// A row cut into columns of one pixel (`scale` pixels per unit of time): the class that each column computes longest,
/// idle where it computes for less than half of it.
inline std::vector<std::int8_t> dense_columns(std::span<const step> row, const lanes& colours, double scale,
                                              double plot) {
    const auto columns = static_cast<std::size_t>(rounded_up(plot));
    std::vector<std::int8_t> out(columns, idle_class);
    std::array<double, class_count> here{};
    std::size_t column = 0;
    const auto settle = [&] {
        double busy = 0;
        for (const double c : here) busy += c;
        const auto most = std::max_element(here.begin(), here.end());
        if (busy >= 0.5) out[column] = static_cast<std::int8_t>(most - here.begin());
        here.fill(0);
    };
    for (const step& s : row) {
        if (!is_compute(s.op)) continue;
        const double end = (std::min)(s.end * scale, plot);
        for (double at = (std::max)(s.begin * scale, 0.0); at < end;) {
            const auto pixel = static_cast<std::size_t>(at), in = (std::min)(pixel, columns - 1);
            if (in != column) {
                settle();
                column = in;
            }
            const double next = (std::min)(end, static_cast<double>(pixel + 1));
            here[static_cast<std::size_t>(class_of(colours.of(s), s))] += next - at;
            at = next;
        }
    }
    settle();
    return out;
}

/// One path for each class: a rectangle for every run of columns.
inline void put_runs(std::string& out, const std::vector<std::int8_t>& columns, double left, double top,
                     double height) {
    std::array<std::string, class_count> paths;
    for (std::size_t i = 0, next = 0; i < columns.size(); i = next) {
        while (next < columns.size() && columns[next] == columns[i]) ++next;
        if (columns[i] == idle_class) continue;
        std::string& path = paths[static_cast<std::size_t>(columns[i])];
        put(path, 'M', fixed_point{left + static_cast<double>(i), 2}, ' ', fixed_point{top, 2}, 'h', next - i);
        put(path, 'v', fixed_point{height, 2}, "h-", next - i, 'z');
    }
    for (std::size_t c = 0; c < paths.size(); ++c) {
        if (paths[c].empty()) continue;
        put(out, "<path class=\"");
        put_class(out, static_cast<int>(c));
        put(out, "\" d=\"", paths[c], "\"/>");
    }
    out.push_back('\n');
}

}  // namespace chimera::detail
