// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/format.hpp>
#include <chimera/render/palette.hpp>
#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::detail {

// Timelines for the explorer's page: rows as bytes, of which a regular schedule needs few. Read by explorer/timelines.js.
//
// A row: its kinds (a kind is an op, count, pipeline, stage and lane; each in five numbers) after their number, the number of
// its slots, then tokens. Numbers are in base 128, lowest digits first; those that may be negative are zigzagged (0, -1, 1, -2, …).
//   0, p, n      the next n slots are like the n that begin p slots before them
//   2·k + 1      a slot of kind k that goes on as the kind did: first, gap to the slot before, duration
//   2·k + 2      one that does not: three numbers follow, by which its step of `first`, its gap and its duration differ

/// Numbers in base 128, seven bits in each byte, the eighth set on all but the last.
inline void put_number(std::string& out, std::uint64_t value) {
    for (; value >= 128; value /= 128) out.push_back(static_cast<char>(value % 128 + 128));
    out.push_back(static_cast<char>(value));
}

inline void put_signed(std::string& out, std::int64_t value) {
    put_number(out,
               value < 0 ? static_cast<std::uint64_t>(-(value + 1)) * 2 + 1 : static_cast<std::uint64_t>(value) * 2);
}

/// Bytes as text: RFC 4648, padded.
inline void put_base64(std::string& out, std::string_view bytes) {
    constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t here = (std::min<std::size_t>)(3, bytes.size() - i);
        std::uint32_t three = 0;
        for (std::size_t k = 0; k < 3; ++k)
            three = three * 256 + (k < here ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= here ? digits[three >> (18 - 6 * k) & 63U] : '=');
    }
}

/// The unit in which all times of a timeline are whole numbers below 2^31: a tick, a simple fraction of one or, where
/// none fits, a 2^30th of the makespan.
inline double time_quantum(const timeline& played) {
    double makespan = 0;
    for (const auto* all : {&played.steps, &played.reductions})
        for (const step& s : *all) makespan = (std::max)(makespan, s.end);
    const auto whole = [](double value) { return std::abs(value - std::round(value)) < 1e-6; };
    for (const double quantum : {1.0, 0.5, 0.25, 0.125, 0.1, 0.05, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9}) {
        if (makespan / quantum >= 2147483648.0) break;
        const auto fits = [&](const step& s) { return whole(s.begin / quantum) && whole(s.end / quantum); };
        if (std::all_of(played.steps.begin(), played.steps.end(), fits) &&
            std::all_of(played.reductions.begin(), played.reductions.end(), fits))
            return quantum;
    }
    return makespan / 1073741824.0;
}

/// Packs the rows of a timeline one after the other.
class packer {
public:
    packer(const lanes& colours, double quantum) : colours_(colours), quantum_(quantum) {}

    void add(std::string& out, std::span<const step> row) {
        kinds_.clear();
        slots_.clear();
        std::int64_t before = 0;
        for (const step& s : row) before = add_slot(s, before);
        put_number(out, kinds_.size());
        for (const kind& k : kinds_)
            for (const std::int32_t field : k.fields) put_number(out, static_cast<std::uint64_t>(field));
        put_number(out, slots_.size());
        for (std::size_t i = 0; i < slots_.size();) {
            const repetition found = longest(i);
            if (found.length >= 4) {
                put_number(out, 0);
                put_number(out, found.period);
                put_number(out, found.length);
                i += found.length;
            } else {
                put_slot(out, slots_[i++]);
            }
        }
    }

private:
    struct kind {
        std::array<std::int32_t, 5> fields{};
        std::int64_t first = -1, leap = 1, gap = 0, duration = 0;  // of the kind's last slot; leap: how far first went
    };
    struct entry {
        std::size_t kind = 0;
        std::int64_t leap = 0, gap = 0, duration = 0;  // differences from the kind's slot before
        bool regular() const { return leap == 0 && gap == 0 && duration == 0; }
    };
    struct repetition {
        std::size_t period = 0, length = 0;
    };

    std::size_t kind_of(const step& s) {
        const std::array<std::int32_t, 5> fields{static_cast<std::int32_t>(s.op), s.count, s.pipeline, s.stage,
                                                 is_compute(s.op) ? colours_.of(s) : 0};
        std::size_t at = 0;
        while (at < kinds_.size() && kinds_[at].fields != fields) ++at;
        if (at == kinds_.size()) kinds_.push_back({.fields = fields});
        return at;
    }

    /// Returns when the slot ends, in quanta.
    std::int64_t add_slot(const step& s, std::int64_t before) {
        const std::size_t at = kind_of(s);
        kind& k = kinds_[at];
        const std::int64_t begin = std::llround(s.begin / quantum_);
        const std::int64_t end = std::llround(s.end / quantum_);
        const std::int64_t leap = s.first - k.first;
        slots_.push_back({at, leap - k.leap, begin - before - k.gap, end - begin - k.duration});
        k.first = s.first;
        k.leap = leap;
        k.gap = begin - before;
        k.duration = end - begin;
        return end;
    }

    /// The longest stretch from slot i on that repeats what came up to 16 slots before, of regular slots alone.
    repetition longest(std::size_t i) const {
        repetition best;
        for (std::size_t period = 1; period <= (std::min<std::size_t>)(i, 16); ++period) {
            std::size_t n = 0;
            while (i + n < slots_.size() && slots_[i + n].regular() &&
                   slots_[i + n].kind == slots_[i + n - period].kind)
                ++n;
            if (n > best.length) best = {period, n};
        }
        return best;
    }

    static void put_slot(std::string& out, const entry& e) {
        put_number(out, 2 * e.kind + (e.regular() ? 1 : 2));
        if (e.regular()) return;
        for (const std::int64_t value : {e.leap, e.gap, e.duration}) put_signed(out, value);
    }

    const lanes& colours_;
    double quantum_;
    std::vector<kind> kinds_;
    std::vector<entry> slots_;
};

/// Indices of slots, as base 64: each as its difference from the one before.
inline void put_chain(std::string& out, const std::vector<std::int32_t>& steps) {
    std::string bytes;
    std::int32_t before = 0;
    put_number(bytes, steps.size());
    for (const std::int32_t i : steps) {
        put_signed(bytes, std::int64_t{i} - before);
        before = i;
    }
    put_base64(out, bytes);
}

/// All rows, as base 64. `row(w)`: the steps of worker w.
template <class Row>
void put_packed(std::string& out, int workers, const lanes& colours, double quantum, Row row) {
    std::string bytes;
    packer packs(colours, quantum);
    for (int w = 0; w < workers; ++w) packs.add(bytes, row(w));
    put_base64(out, bytes);
}

}  // namespace chimera::detail
