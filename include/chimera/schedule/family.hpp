// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chimera {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // two of the specs are aliases, which GCC takes for shadowed
/// The published families, synchronous ones first.
enum class family : std::uint8_t {
    gpipe,
    one_f_one_b,
    gems,
    bidirectional,
    interleaved,
    breadth_first,
    zb_h1,
    zb_h2,
    zb_v,
    v_half,
    v_min,
    dualpipe,
    dualpipe_v,
    wave,
    bitpipe,
    data_parallel,
    pipedream,
    pipedream_2bw
};
#pragma GCC diagnostic pop

inline constexpr std::array<std::string_view, 18> family_labels{
    "gpipe",      "one_f_one_b", "gems",    "bidirectional", "interleaved", "breadth_first",
    "zb_h1",      "zb_h2",       "zb_v",    "v_half",        "v_min",       "dualpipe",
    "dualpipe_v", "wave",        "bitpipe", "data_parallel", "pipedream",   "pipedream_2bw"};

/// The name of a family on command lines and in files: `one_f_one_b`.
constexpr std::string_view name(family which) { return family_labels[static_cast<std::size_t>(which)]; }

/// A family chosen at run time, with the options that some have; itself a schedule_spec.
/// A number that is 0 leaves the choice to the family.
struct family_spec {
    family which = family::one_f_one_b;
    int stages = 1;
    int micro_batches = 1;
    int pipelines = 0;                              ///< bidirectional
    chimera::scale scale = chimera::scale::direct;  ///< bidirectional
    bool split = false;                             ///< bidirectional
    int chunks = 0;                                 ///< interleaved, breadth_first
    int group = 0;                                  ///< interleaved
    int waves = 0;                                  ///< wave
    int update_every = 0;                           ///< pipedream_2bw
    int width = 1;                                  ///< data_parallel

    /// Calls f with the family's own spec.
    template <class F>
    constexpr auto visit(const F& f) const {
        const int two = chunks == 0 ? 2 : chunks;
        switch (which) {
            case family::gpipe:
                return f(gpipe{stages, micro_batches});
            case family::gems:
                return f(gems{stages, micro_batches});
            case family::bidirectional:
                return f(bidirectional{stages, micro_batches, pipelines == 0 ? 2 : pipelines, scale, split});
            case family::interleaved:
                return f(interleaved{stages, micro_batches, two, group});
            case family::breadth_first:
                return f(breadth_first{stages, micro_batches, two});
            case family::zb_h1:
                return f(zb_h1{stages, micro_batches});
            case family::zb_h2:
                return f(zb_h2{stages, micro_batches});
            case family::zb_v:
                return f(zb_v{stages, micro_batches});
            case family::v_half:
                return f(v_half{stages, micro_batches});
            case family::v_min:
                return f(v_min{stages, micro_batches});
            case family::dualpipe:
                return f(dualpipe{stages, micro_batches});
            case family::dualpipe_v:
                return f(dualpipe_v{stages, micro_batches});
            case family::wave:
                return f(wave{stages, micro_batches, waves == 0 ? 1 : waves});
            case family::bitpipe:
                return f(bitpipe{stages, micro_batches});
            case family::data_parallel:
                return f(data_parallel{stages, micro_batches, width});
            case family::pipedream:
                return f(pipedream{stages, micro_batches});
            case family::pipedream_2bw:
                return f(pipedream_2bw{stages, micro_batches, update_every});
            case family::one_f_one_b:
                break;
        }
        return f(one_f_one_b{stages, micro_batches});
    }

    constexpr refusal refused() const {
        return visit([](const auto& spec) { return spec.refused(); });
    }
    constexpr int workers() const {
        return visit([](const auto& spec) { return spec.workers(); });
    }
    constexpr int placements() const {
        return visit([](const auto& spec) { return spec.placements(); });
    }
    constexpr std::size_t slot_count() const {
        return visit([](const auto& spec) { return spec.slot_count(); });
    }
    constexpr schedule make() const {
        return visit([](const auto& spec) { return spec.make(); });
    }
    friend constexpr bool operator==(const family_spec&, const family_spec&) = default;
};

/// Whether weights change within an iteration.
constexpr bool asynchronous(family which) { return which == family::pipedream || which == family::pipedream_2bw; }

/// Stages that a worker of the family holds on one pipeline, as the spec's own options say.
constexpr int stages_per_worker(const family_spec& of) {
    switch (of.which) {
        case family::interleaved:
        case family::breadth_first:
            return of.chunks == 0 ? 2 : of.chunks;
        case family::wave:
            return 2 * (of.waves == 0 ? 1 : of.waves);
        case family::zb_v:
        case family::v_half:
        case family::v_min:
        case family::dualpipe_v:
        case family::bitpipe:
            return 2;
        default:
            return 1;
    }
}

}  // namespace chimera
