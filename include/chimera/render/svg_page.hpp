// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/svg_rows.hpp>

#include <string>
#include <utility>
#include <vector>

namespace chimera::detail {

/// The opening tag, the style sheet, hatchings and a white page. `fonts`: the rules for the numbers in the slots.
inline void put_page(std::string& out, double width, double height, const std::string& fonts,
                     const svg_contents& contents) {
    put(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", px(width), "\" height=\"", px(height));
    put(out, "\" viewBox=\"0 0 ", px(width), ' ', px(height), "\" font-family=\"Helvetica,Arial,sans-serif\">\n");
    put(out, "<style>text{font-size:12px;fill:#2b2f36}.t{font-size:17px;font-weight:bold}.q{fill:#6b7280}");
    put(out, fonts, ".m{text-anchor:middle}");
    put(out, ".e{text-anchor:end}.idle{fill:url(#idle)}.x{fill:#c43a5e}.up{fill:#2b2f36}");
    put_styles(out, contents.used.data());
    put(out, "</style>\n<defs><pattern id=\"idle\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" ");
    put(out, "patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#f1f2f4\"/>");
    put(out, "<rect width=\"1\" height=\"6\" fill=\"#d9dce1\"/></pattern>\n");
    put_patterns(out, contents.used.data());
    put(out, "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
}

/// The rule for the numbers of one timeline.
inline void put_font(std::string& out, const char* style, double size) {
    put(out, '.', style, " text{text-anchor:middle;font-size:", px(size), "px}.", style, " .d{fill:#fff}");
}

struct legend_item {
    std::vector<std::string> classes;  // a swatch each
    std::string text;
    double left = 0;
    int line = 0;
};

/// Explains the colours, in as many lines as it takes.
class legend {
public:
    /// A lane's swatches with the names of its passes; past the last colour, the lanes that repeat it.
    void add_lane(int lane, int lanes_all, const svg_contents& contents, const lanes& colours, int pipelines) {
        legend_item item;
        for (int q = lane, n = 0; q < lanes_all; q += hue_count, ++n) {
            format::put(item.text, n == 0 ? "" : ", ", n == 3 ? "…" : colours.name(q, pipelines));
            if (n == 3) break;
        }
        add_passes(std::move(item), lane, contents);
    }

    /// The passes of one colour, after a text.
    void add_passes(legend_item item, int lane, const svg_contents& contents) {
        constexpr const char* passes[] = {"forward", "backward", "input gradient", "weight gradient", "recompute"};
        for (int op = 0; op < 5; ++op) {
            if (!contents.used[static_cast<std::size_t>(lane * 5 + op)]) continue;
            format::put(item.text, item.classes.empty() ? ": " : ", ", passes[op]);
            item.classes.push_back({passes[op][0], static_cast<char>('0' + lane)});
        }
        if (!item.classes.empty()) items_.push_back(std::move(item));
    }

    void add_others(const svg_contents& contents) {
        items_.push_back({{"idle"}, "idle"});
        if (contents.reductions) items_.push_back({{"x"}, "gradient reduction"});
        if (contents.updates) items_.push_back({{"up"}, "weight update"});
    }

    /// Lays it out in lines; returns how many.
    int place(double from, double to) {
        double left = from;
        int line = 0;
        for (legend_item& item : items_) {
            const double wide = 18.0 * static_cast<double>(item.classes.size()) + text_width(item.text) + 24;
            if (left > from && left + wide > to) left = from, ++line;
            item.left = left;
            item.line = line;
            left += wide;
        }
        return line + 1;
    }

    void put(std::string& out, double top) const {
        for (const legend_item& item : items_) {
            double left = item.left;
            const double base = top + item.line * 20;
            for (const std::string& cls : item.classes) {
                format::put(out, "<rect class=\"", cls, "\" x=\"", px(left), "\" y=\"", px(base - 10));
                format::put(out, "\" width=\"16\" height=\"12\" rx=\"2\"/>");
                left += 18;
            }
            format::put(out, "<text x=\"", px(left + 4), "\" y=\"", px(base), "\">", item.text, "</text>\n");
        }
    }

private:
    std::vector<legend_item> items_;
};

}  // namespace chimera::detail
