// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/format.hpp>
#include <chimera/render/palette.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail {

/// The names of one timeline's steps in pictures.
class labels {
public:
    explicit labels(const timeline& from) : head_(from.head), colour_rows_(from), rank_(micro_batches(), 0) {
        std::vector<std::int32_t> owner(micro_batches(), -1);
        for (const step& s : from.steps) {
            if (!is_compute(s.op)) continue;
            for (int m = first_of(s); m <= last_of(s); ++m) owner[static_cast<std::size_t>(m)] = s.pipeline;
        }
        std::vector<std::int32_t> seen(static_cast<std::size_t>((std::max)(head_.pipelines, 1)), 0);
        for (std::size_t m = 0; m < owner.size(); ++m) {
            if (owner[m] >= 0) rank_[m] = seen[static_cast<std::size_t>(owner[m])]++;
        }
    }

    /// Micro-batches that a step covers, first to last, over the whole iteration.
    int first_of(const step& s) const { return s.first / head_.micro_batch_parts; }
    int last_of(const step& s) const { return (s.first + (std::max<int>)(s.count, 1) - 1) / head_.micro_batch_parts; }

    /// Micro-batch numbers over the whole iteration: 3, 4-5 where two are covered, 3a and 3b for halves.
    void put_number(std::string& out, const step& s) const { put_span(out, s, first_of(s), last_of(s)); }

    /// The short name in terminal pictures: pass and pipeline as a letter, then the micro-batch counted within its
    /// pipeline. One pipeline: F0 B0 I0 W0 R0. Two: d0 D0 down, u0 U0 up. More: a0 A0, b0 B0, …; beyond 26 p30f0 p30b0.
    /// The cell if a worker holds several stages of a pipeline: 4F0 of stage 4; d0.1 of the second of them.
    std::string cell(const step& s) const {
        std::string out;
        if (head_.pipelines <= 1 && colour_rows_.chunks() > 1) put(out, s.stage);
        put_letter(out, s);
        put_span(out, s, rank(first_of(s)), rank(last_of(s)));
        if (head_.pipelines > 1 && colour_rows_.chunk(s) > 0) put(out, '.', colour_rows_.chunk(s));
        if (head_.pipelines > 1 && s.op >= action::input_gradient) out.push_back("iwr"[static_cast<int>(s.op) - 2]);
        return out;
    }

    /// One character for a step, where there is no room for its number.
    char glyph(const step& s) const {
        std::string out;
        put_letter(out, s);
        return out.size() == 1 ? out[0] : out.back();
    }

    /// The micro-batch counted within its pipeline, as in `cell`, alone; and its last digit.
    std::string number(const step& s) const {
        std::string out;
        put_span(out, s, rank(first_of(s)), rank(last_of(s)));
        return out;
    }
    char digit(const step& s) const { return static_cast<char>('0' + rank(first_of(s)) % 10); }

    const colour_rows& colours() const { return colour_rows_; }

private:
    std::size_t micro_batches() const { return static_cast<std::size_t>((std::max)(head_.micro_batches, 0)); }
    int rank(int micro_batch) const { return rank_[static_cast<std::size_t>(micro_batch)]; }

    void put_letter(std::string& out, const step& s) const {
        const bool gradient = s.op != action::forward && s.op != action::recompute;
        const auto cased = [&](char lower) { out.push_back(static_cast<char>(gradient ? lower - 'a' + 'A' : lower)); };
        if (head_.pipelines <= 1) return out.push_back("FBIWR"[static_cast<int>(s.op)]);
        if (head_.pipelines == 2) return cased(s.pipeline == 0 ? 'd' : 'u');
        if (head_.pipelines <= 26) return cased(static_cast<char>('a' + s.pipeline));
        put(out, 'p', s.pipeline, gradient ? 'b' : 'f');
    }

    void put_span(std::string& out, const step& s, int from, int to) const {
        put(out, from);
        if (to != from) put(out, '-', to);
        if (head_.micro_batch_parts > 1 && s.count < head_.micro_batch_parts) {
            out.push_back(static_cast<char>('a' + s.first % head_.micro_batch_parts % 26));
        }
    }

    shape head_;
    colour_rows colour_rows_;
    std::vector<std::int32_t> rank_;  // of each micro-batch among those of its pipeline
};

/// The facts that the captions of every picture state.
struct summary {
    double makespan = 0;      ///< end of the last step or reduction
    double bubble_ratio = 0;  ///< 1 - busy / (workers · makespan); busy: compute steps
    double unit = 1;          ///< the shortest of the passes' mean durations: what one cell of a picture stands for
};

/// Returns true if two neighbours of a row share a stretch of time: a pair.
inline bool share_time(const step& a, const step& b) {
    return is_compute(a.op) && is_compute(b.op) && b.begin < a.end - 0.01 * (a.end - a.begin);
}

inline summary summarise(const timeline& from) {
    summary out;
    double total[5] = {};
    double number[5] = {};
    double busy = 0;
    for (int w = 0; w < from.head.workers; ++w) {
        double free_from = 0;
        const step* before = nullptr;
        for (const step& s : from.row(w)) {
            out.makespan = (std::max)(out.makespan, s.end);
            if (!is_compute(s.op)) continue;
            busy += (std::max)(s.end - (std::max)(s.begin, free_from), 0.0);
            free_from = (std::max)(free_from, s.end);
            const bool paired = before != nullptr && share_time(*before, s);
            total[static_cast<int>(s.op)] += (s.end - s.begin) / (paired ? 2 : 1);
            number[static_cast<int>(s.op)] += 1;
            before = &s;
        }
    }
    for (const step& s : from.reductions) out.makespan = (std::max)(out.makespan, s.end);
    double shortest = 0;
    for (int op = 0; op < 5; ++op) {
        if (total[op] > 0 && (shortest <= 0 || total[op] / number[op] < shortest)) shortest = total[op] / number[op];
    }
    out.unit = shortest > 0 ? shortest : (std::max)(out.makespan, 1.0);
    if (out.makespan > 0) out.bubble_ratio = 1 - busy / (out.makespan * (std::max)(from.head.workers, 1));
    return out;
}

}  // namespace chimera::detail

namespace chimera::format {

/// The sizes of a schedule as a phrase: "4 stages on 4 workers, 4 micro-batches, 2 pipelines".
inline void put_sizes(std::string& out, const shape& head) {
    const auto counted = [&](int n, const char* one, const char* more) { put(out, n, ' ', n == 1 ? one : more); };
    counted(head.stages, "stage on ", "stages on ");
    counted(head.workers, "worker, ", "workers, ");
    counted(head.micro_batches, "micro-batch", "micro-batches");
    if (head.pipelines > 1) put(out, ", ", head.pipelines, " pipelines");
}

}  // namespace chimera::format
