// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/simulate/costs.hpp>

#include <cstddef>
#include <vector>

namespace chimera::detail {

/// log2 of a group size for the collective's formula; 0 for r <= 1.
[[nodiscard]] constexpr double log2_of(int r) noexcept {
    double whole = 0;
    double x = r;
    for (; x >= 2; x /= 2) ++whole;
    double part = 0;  // fraction of the binary logarithm, digit by digit: std::log2 is not constexpr
    for (double digit = 0.5; digit > 1e-17; digit /= 2) {
        x *= x;
        if (x >= 2) {
            part += digit;
            x /= 2;
        }
    }
    return r <= 1 ? 0 : whole + part;
}

/// Seconds that the reduction of so many bytes over r workers takes by an algorithm that is not `fixed`; see
/// `reduce_cost` for the formulas.
[[nodiscard]] constexpr double collective_seconds(const reduce_cost& c, double bytes, int r) noexcept {
    const double rounds = c.algorithm == collective::rabenseifner ? 2 * log2_of(r) : 2.0 * (r - 1);
    return rounds * c.latency + 2.0 * (r - 1) * bytes / (c.bandwidth * r);
}
/// Seconds that the reduction of `stage` over r workers takes.
[[nodiscard]] constexpr double reduce_seconds(const reduce_cost& c, int stage, int r) noexcept {
    if (r <= 1) return 0;
    return c.algorithm == collective::fixed ? c.seconds[stage] : collective_seconds(c, c.bytes[stage], r);
}
/// Seconds that the reduction of the k-th tied link's weights over r workers takes.
[[nodiscard]] constexpr double tied_seconds(const costs& c, int k, int r) noexcept {
    if (r <= 1) return 0;
    return c.reduce.algorithm == collective::fixed ? c.tied[k] : collective_seconds(c.reduce, c.tied[k], r);
}

constexpr void check_length(const per_stage& cost, int stages, const char* name) {
    if (cost.values.size() != 1 && static_cast<int>(cost.values.size()) < stages)
        refuse(std::string(name) +
               " has too few costs (one for all stages or one for each) give as many as there are stages");
}

/// Costs as flat tables: seconds per unit of every pass and stage, and per unit and boundary.
struct rates {
    std::vector<double> pass;      ///< 5 × stages
    std::vector<double> transfer;  ///< boundaries: stages - 1, at least one entry
    std::vector<double> paired;    ///< stages: a forward together with a full backward; empty: the sum of the two
    std::size_t stages;

    constexpr rates(const costs& c, const shape& head) : stages(static_cast<std::size_t>(head.stages)) {
        const per_stage* each[] = {&c.forward, &c.backward, &c.input_gradient, &c.weight_gradient, &c.recompute};
        const char* names[] = {"forward", "backward", "input_gradient", "weight_gradient", "recompute"};
        pass.reserve(5 * stages);
        for (int p = 0; p < 5; ++p) {
            check_length(*each[p], head.stages, names[p]);
            for (int s = 0; s < head.stages; ++s) pass.push_back((*each[p])[s] / head.micro_batch_parts);
        }
        if (c.paired.given()) {
            check_length(c.paired, head.stages, "paired");
            for (int s = 0; s < head.stages; ++s) paired.push_back(c.paired[s] / head.micro_batch_parts);
        }
        check_length(c.transfer, head.stages - 1, "transfer");
        transfer.reserve(stages);
        for (int s = 0; s < head.stages; ++s)
            transfer.push_back(s + 1 < head.stages ? c.transfer[s] / head.micro_batch_parts : 0.0);
    }

    /// Seconds of a slot or a compute instruction.
    template <class Compute>
    [[nodiscard]] constexpr double of(const Compute& c) const noexcept {
        return pass[static_cast<std::size_t>(c.op) * stages + c.stage] * c.count;
    }
    /// Returns whether the two have a cost of their own when they run together.
    template <class Compute>
    [[nodiscard]] constexpr bool pairs(const Compute& a, const Compute& b) const noexcept {
        const int kinds = (1 << static_cast<int>(a.op)) | (1 << static_cast<int>(b.op));
        return kinds == 3 && !paired.empty();  // a forward and a full backward
    }
    /// Seconds of two that run together.
    template <class Compute>
    [[nodiscard]] constexpr double of(const Compute& a, const Compute& b) const noexcept {
        if (!pairs(a, b)) return of(a) + of(b);
        const Compute& forward = static_cast<int>(a.op) == 0 ? a : b;
        return paired[forward.stage] * forward.count;
    }
};

}  // namespace chimera::detail
