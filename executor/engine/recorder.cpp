// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/describe.hpp>
#include <executor/engine/recorder.hpp>

#include <algorithm>
#include <cstdio>

namespace chimera::executor {

std::string flight_recorder::text(const program_view& p, int worker) const {
    std::string all;
    const std::uint64_t written = written_.load(std::memory_order_acquire);
    for (std::uint64_t i = written - std::min<std::uint64_t>(written, capacity); i < written; ++i) {
        const entry& e = entries_[i % capacity];
        const double end = e.end.load(std::memory_order_relaxed);
        char times[96], until[32] = "unfinished";
        if (end >= 0) std::snprintf(until, sizeof until, "%.6f", end);
        std::snprintf(times, sizeof times, "iteration %lld %.6f %s ",
                      static_cast<long long>(e.iteration.load(std::memory_order_relaxed)),
                      e.begin.load(std::memory_order_relaxed), until);
        all += times + chimera::detail::describe_instruction(p, worker, e.instruction.load(std::memory_order_relaxed)) +
               "\n";
    }
    return all;
}

}  // namespace chimera::executor
