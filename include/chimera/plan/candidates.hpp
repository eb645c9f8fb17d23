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

/// Micro-batch sizes that are tried: powers of two that divide a copy's samples.
constexpr std::vector<int> micro_batch_sizes(std::int64_t samples, int most) {
    std::vector<int> out;
    for (std::int64_t b = 1; b <= (std::min<std::int64_t>)(samples, most); b *= 2)
        if (samples % b == 0) out.push_back(static_cast<int>(b));
    return out;
}

}  // namespace detail

/// Calls f(configuration) for every family, option, depth, width, tensor width and micro-batch size of a request. Modes
/// that leave the order as it is (synchronisation, recompute, ZeRO, layout) are the callee's. As many copies are made
/// as there are workers for and the samples divide into.
template <class F>
void for_each_candidate(const plan_request& request, const cluster& machines, int layers, const F& f) {
    std::vector<family> families = request.families;
    for (std::size_t i = 0; request.families.empty() && i < family_labels.size(); ++i)
        families.push_back(static_cast<family>(i));
    for (const int tensor : request.tensors) {
        if (tensor > machines.workers()) continue;
        for (const int pipeline : detail::pipeline_sizes(machines.workers() / tensor, layers, request.most_stages)) {
            const std::int64_t copies =
                detail::largest_divisor(request.samples, machines.workers() / tensor / pipeline);
            if (request.whole_copies != 0 && copies * tensor * pipeline != machines.workers()) continue;
            for (const int b : detail::micro_batch_sizes(request.samples / copies, request.most_micro_batch)) {
                const std::int64_t micro_batches = request.samples / copies / b;
                if (micro_batches > most_slots / (8 * pipeline)) continue;
                for (const family which : families)
                    for (const family_spec& spec : variants(which, pipeline, static_cast<int>(micro_batches),
                                                            (std::min)(layers, request.most_stages))) {
                        configuration one;
                        one.schedule = spec;
                        one.width = static_cast<int>(copies);
                        one.tensor = tensor;
                        one.micro_batch = b;
                        f(one);
                    }
            }
        }
    }
}

}  // namespace chimera
