// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/format.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail {

/// What has a colour of its own: a pipeline or, where a worker holds several stages of one, each of them (a chunk; the
/// first is the one of the lowest stage).
class lanes {
public:
    explicit lanes(const timeline& from) : stages_(static_cast<std::size_t>((std::max)(from.head.stages, 0))) {
        chunk_.reserve(from.placement.size());
        std::vector<std::uint16_t> seen(static_cast<std::size_t>((std::max)(from.head.workers, 0)), 0);
        for (std::size_t i = 0; i < from.placement.size(); ++i) {
            if (stages_ > 0 && i % stages_ == 0) std::fill(seen.begin(), seen.end(), std::uint16_t{0});
            chunk_.push_back(seen[static_cast<std::size_t>(from.placement[i])]++);
            chunks_ = (std::max<int>)(chunks_, chunk_.back() + 1);
        }
        count_ = (std::max)(from.head.pipelines, 1) * chunks_;
    }

    int chunks() const { return chunks_; }
    int count() const { return count_; }
    int chunk(const step& s) const {
        const std::size_t at = s.pipeline * stages_ + s.stage;
        return at < chunk_.size() ? chunk_[at] : 0;
    }
    int of(const step& s) const { return s.pipeline * chunks_ + chunk(s); }

    /// "pipeline 1", "chunk 0", "pipeline 1, chunk 0".
    std::string name(int lane, int pipelines) const {
        std::string out;
        if (pipelines > 1 || chunks_ == 1) put(out, "pipeline ", lane / chunks_);
        if (chunks_ > 1) put(out, out.empty() ? "chunk " : ", chunk ", lane % chunks_);
        return out;
    }

private:
    std::size_t stages_;
    std::vector<std::uint16_t> chunk_;  // of (pipeline, stage)
    int chunks_ = 1;                    // most stages of a pipeline on one worker
    int count_ = 1;
};

/// Colours of one pipeline: forwards light, backwards dark, the halves of a backward between them.
struct hue {
    const char* forward;
    const char* backward;
    const char* input_gradient;
    const char* weight_gradient;
};

/// Told apart with any common colour blindness (the hues follow Okabe and Ito), and in grey by light and dark.
inline constexpr hue hues[] = {
    {"#a9d3f0", "#12629e", "#3f8cc4", "#8a9fb5"},  // blue
    {"#fcd3a2", "#bd5309", "#e07f2d", "#c8a486"},  // orange
    {"#a8dfc8", "#087354", "#2f9f7c", "#8fb3a4"},  // green
    {"#e9c3e0", "#8b3a7b", "#b968a8", "#b79bb1"},  // purple
    {"#efe39a", "#7d6a00", "#b29a1e", "#b9b07c"},  // olive
    {"#b9e6f2", "#146f8c", "#3c9dbb", "#8eb3bf"},  // cyan
    {"#f6bdb7", "#9c2a2a", "#cb5a55", "#c4979a"},  // red
    {"#d2d4d8", "#474b52", "#747983", "#a0a4ab"},  // grey
};
inline constexpr int hue_count = 8;
inline constexpr int class_count = hue_count * 5;  // a class is a hue and a pass

inline int class_of(int lane, const step& s) { return lane % hue_count * 5 + static_cast<int>(s.op); }
inline bool is_dark(int cls) { return cls % 5 == 1 || cls % 5 == 2; }

/// The CSS name of a class: f0, b0, i0, w0, r0, f1, …
inline void put_class(std::string& out, int cls) { put(out, "fbiwr"[cls % 5], cls / 5); }

/// The style sheet of the hues that `used` (one flag per class) asks for.
inline void put_styles(std::string& out, const bool* used) {
    for (int cls = 0; cls < class_count; ++cls) {
        if (!used[cls]) continue;
        const hue& h = hues[cls / 5];
        const char* fills[] = {h.forward, h.backward, h.input_gradient, h.weight_gradient};
        put(out, ".");
        put_class(out, cls);
        if (cls % 5 == 4) {
            put(out, "{fill:url(#r", cls / 5, ")}");
        } else {
            put(out, "{fill:", fills[cls % 5], '}');
        }
    }
}

/// Hatching, for what is computed a second time.
inline void put_patterns(std::string& out, const bool* used) {
    for (int h = 0; h < hue_count; ++h) {
        if (!used[h * 5 + 4]) continue;
        put(out, "<pattern id=\"r", h, "\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" ");
        put(out, "patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" fill=\"", hues[h].forward);
        put(out, "\"/><rect width=\"1.5\" height=\"5\" fill=\"", hues[h].input_gradient);
        put(out, "\" fill-opacity=\"0.6\"/></pattern>\n");
    }
}

}  // namespace chimera::detail
