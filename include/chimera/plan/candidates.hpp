// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/family_variants.hpp>
#include <chimera/plan/request.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace chimera {

namespace detail {

/// Sizes of a pipeline group that are tried: all small ones, divisors of the workers or of the layers (with the ends or
/// without), and powers of two.
constexpr std::vector<int> pipeline_sizes(int workers, int layers, int most) {
    std::vector<int> out;
    for (int p = 1; p <= (std::min)({workers, layers, most}); ++p)
        if (p <= 8 || workers % p == 0 || (p & (p - 1)) == 0 || layers % p == 0 || (layers - 2) % p == 0)
            out.push_back(p);
    return out;
}

/// The largest divisor of `samples` that is at most `most`.
constexpr std::int64_t largest_divisor(std::int64_t samples, std::int64_t most) {
    for (std::int64_t w = (std::min)(samples, most); w > 1; --w)
        if (samples % w == 0) return w;
    return 1;
}

/// The micro-batches of a copy: all of the same size, or of up to that many samples.
struct micro_batching {
    int count = 1;
    int samples = 1;

    friend constexpr bool operator==(const micro_batching&, const micro_batching&) = default;
};

/// Micro-batches that are tried for copies of up to `samples` and of at least `fewest` samples. Sizes are powers of
/// two, or what as many micro-batches need at least. None is empty. `even`: only powers of two that divide the samples.
constexpr std::vector<micro_batching> micro_batchings(std::int64_t samples, std::int64_t fewest, int most, bool even) {
    std::vector<micro_batching> out;
    for (std::int64_t b = 1; b <= (std::min<std::int64_t>)(samples, most); b *= 2) {
        const std::int64_t count = (samples + b - 1) / b, each = (samples + count - 1) / count;
        if (count > most_slots || count > fewest || (even && samples % b != 0)) continue;
        const micro_batching one{static_cast<int>(count), static_cast<int>(each)};
        if (out.empty() || !(out.back() == one)) out.push_back(one);
    }
    return out;
}

/// The copies of a pipeline group that are made: as many as the samples divide into, or as there are workers for where
/// that is more than twice as many.
constexpr std::int64_t copies_of(std::int64_t samples, std::int64_t most, bool even) {
    const std::int64_t divisor = largest_divisor(samples, most), all = (std::min)(samples, most);
    return even || 2 * divisor >= all ? divisor : all;
}

/// Orders of many chunks that are tried: cuts of the blocks, or of all layers, into equal stages.
constexpr bool worth_trying(const family_spec& spec, int layers) {
    const bool equal = layers % spec.stages == 0 || (layers - 2) % spec.stages == 0;
    return equal || (spec.chunks <= 8 && spec.waves <= 4);
}

}  // namespace detail

/// Calls f(configuration) for every family, option, depth, width, tensor width and micro-batch size of a request. Modes
/// that leave the order as it is (synchronisation, recompute, ZeRO, layout) are the callee's. If samples do not divide,
/// copies and micro-batches take as many as the largest of them, or fewer.
template <class F>
void for_each_candidate(const plan_request& request, const cluster& machines, int layers, const F& f) {
    std::vector<family> families = request.families;
    for (std::size_t i = 0; request.families.empty() && i < family_labels.size(); ++i)
        families.push_back(static_cast<family>(i));
    const int deepest = (std::min)(layers, request.most_stages);
    for (const int tensor : request.tensors) {
        if (tensor > machines.workers()) continue;
        for (const int pipeline : detail::pipeline_sizes(machines.workers() / tensor, layers, request.most_stages)) {
            const std::int64_t copies =
                detail::copies_of(request.samples, machines.workers() / tensor / pipeline, request.even);
            if (request.whole_copies && copies * tensor * pipeline != machines.workers()) continue;
            const std::int64_t each = (request.samples + copies - 1) / copies;
            for (const auto& [count, size] :
                 detail::micro_batchings(each, request.samples / copies, request.most_micro_batch, request.even)) {
                if (count > most_slots / (8 * pipeline) || !request.takes(count, pipeline)) continue;
                configuration shape;
                shape.width = static_cast<int>(copies);
                shape.tensor = tensor;
                shape.sequence_parallel = request.sequence_parallel && tensor > 1;
                shape.micro_batch = size;
                for (const family which : families)
                    for (const family_spec& spec : variants(which, pipeline, count, deepest)) {
                        if (!detail::worth_trying(spec, layers)) continue;
                        configuration one = shape;
                        one.schedule = spec;
                        one.continuous = asynchronous(which);
                        f(one);
                    }
            }
        }
    }
}

}  // namespace chimera
