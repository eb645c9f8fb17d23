// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/ledger.hpp>

namespace chimera {
namespace detail {

[[nodiscard]] constexpr bool overlaps(const slot& s) noexcept { return s.overlap; }
[[nodiscard]] constexpr bool overlaps(const instruction& i) noexcept { return i.overlap; }

/// Live activations along each row: from the start of a forward to the end of a backward or weight gradient.
/// A limit is in micro-batches, a peak in units.
template <typename View>
constexpr void check_bounded(const View& t, std::int32_t limit, report& r) {
    const auto* const all = items(t).data();
    const std::int64_t most = std::int64_t{limit} * t.head.micro_batch_parts;
    r.peaks.assign(static_cast<std::size_t>(t.head.workers), 0);
    for (std::int32_t w = 0; w < t.head.workers; ++w) {
        const std::int32_t begin = t.offsets[static_cast<std::size_t>(w)];
        const std::int32_t end = t.offsets[static_cast<std::size_t>(w) + 1];
        std::int64_t live = 0, peak = 0, held = 0;  // held: let go only when the partner has ended as well
        for (std::int32_t i = begin; i < end; ++i) {
            const auto& x = all[i];
            if (!computes(x)) continue;
            const auto op = static_cast<pass>(x.op);
            if (op == pass::forward) {
                live += x.count;
                if (peak <= most && live > most)
                    r.add({.law = law::bounded,
                           .what = complaint::over_limit,
                           .worker = w,
                           .index = i - begin,
                           .stage = x.stage,
                           .unit = applying(x.first),
                           .pipeline = x.pipeline,
                           .other = limit,
                           .instruction = is_program(t)});
                if (live > peak) peak = live;
            } else if (op == pass::backward || op == pass::weight_gradient) {
                held += x.count;
            }
            if (held == 0 || overlaps(x)) continue;
            live = live > held ? live - held : 0;
            held = 0;
        }
        r.peaks[static_cast<std::size_t>(w)] = static_cast<std::int32_t>(peak);
    }
}

}  // namespace detail

namespace laws {

/// Returns true if live activations never exceed `limit` micro-batches of one stage on any worker.
[[nodiscard]] constexpr bool bounded(schedule_argument s, std::int32_t limit) {
    report r;
    return detail::sound(s, r) && (detail::check_bounded(s, limit, r), r.ok());
}
[[nodiscard]] constexpr bool bounded(program_argument p, std::int32_t limit) {
    report r;
    return detail::sound(p, r) && (detail::check_bounded(p, limit, r), r.ok());
}

}  // namespace laws
}  // namespace chimera
