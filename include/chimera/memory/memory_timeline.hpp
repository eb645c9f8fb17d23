// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/memory/stage_memory.hpp>
#include <chimera/memory/tensor_lifetimes.hpp>
#include <chimera/program/program.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// A worker's memory while one of its instructions runs, in bytes; constant parts are left out.
struct memory_point {
    double activations = 0;  ///< kept for backwards
    double unfolded = 0;     ///< recomputed
    double boundaries = 0;   ///< received, to be sent, or handed from stage to stage
    /// Returns the sum of the parts, in bytes.
    [[nodiscard]] constexpr double total() const noexcept { return activations + unfolded + boundaries; }
};

/// A worker's memory over an iteration.
struct memory_row {
    state_bytes state;                 ///< weights, gradients and the optimiser's state of all its stages, in bytes
    double workspace = 0;              ///< bytes that passes need only while they run, of all its stages
    std::vector<memory_point> points;  ///< beside the worker's instructions
    std::size_t mark = 0;              ///< index of the high-water mark
    double pooled = 0;  ///< bytes of a pool for all points that is laid out beforehand, as the executor's is

    /// Returns the memory at the high-water mark; zeros for a row without instructions.
    [[nodiscard]] constexpr memory_point at_mark() const { return points.empty() ? memory_point{} : points[mark]; }
    /// Returns the largest number of bytes at a time if every tensor is freed as early as possible.
    [[nodiscard]] constexpr double peak() const { return state.total() + workspace + at_mark().total(); }
    /// Returns the bytes that the executor allocates: state and work space of each stage, and the pool.
    [[nodiscard]] constexpr double reserved() const { return state.total() + workspace + pooled; }
};

namespace detail {

/// Adds up one worker's row.
class memory_counter {
public:
    constexpr memory_counter(program_view p, std::span<const stage_memory> stages, double alignment)
        : p_(p), stages_(stages), alignment_(alignment), lives_(p, stages) {}

    constexpr memory_row count(int worker) {
        memory_row out;
        const std::span<const instruction> row = p_.row(worker);
        find_recomputed(row);
        double largest = 0;
        for (std::int32_t s = 0; s < p_.head.stages; ++s) {
            const auto group = p_.replica_group(s);
            if (std::find(group.begin(), group.end(), worker) == group.end()) continue;
            out.state += stage(s).state;
            // A stage that no unit passes here is laid out as if nothing were recomputed.
            const bool folds = recomputed_[static_cast<std::size_t>(s)] != 0;
            out.workspace += stage(s).workspace + (folds ? stage(s).brief : 0);
            largest = (std::max)(largest, padded_to(folds ? stage(s).kept : stage(s).whole(), alignment_));
        }
        out.points.assign(row.size() + 1, {});
        const std::vector<tensor_life>& lives = lives_.of(worker);
        for (const tensor_life& l : lives) {
            double memory_point::*const part = l.unfolded ? &memory_point::unfolded : &memory_point::boundaries;
            out.points[static_cast<std::size_t>(l.from)].*part += l.bytes;
            out.points[static_cast<std::size_t>(l.to) + 1].*part -= l.bytes;
        }
        add_activations(row, out.points);
        sum(out);
        out.pooled = p_.buffer_counts[static_cast<std::size_t>(worker)] * largest + detail::pooled(lives, alignment_);
        return out;
    }

private:
    constexpr const stage_memory& stage(int s) const { return stages_[static_cast<std::size_t>(s)]; }

    constexpr void find_recomputed(std::span<const instruction> row) {
        recomputed_.assign(static_cast<std::size_t>(p_.head.stages), 0);
        for (const instruction& x : row)
            if (x.op == action::recompute) recomputed_[x.stage] = 1;
    }
    /// Changes of what is kept: from a forward on, until behind the backward; of a pair, until behind the pair.
    constexpr void add_activations(std::span<const instruction> row, std::vector<memory_point>& to) const {
        for (std::size_t i = 0; i < row.size(); ++i) {
            const instruction& x = row[i];
            if (x.op == action::forward) to[i].activations += stage(x.stage).kept * x.count;
            if (x.op != action::backward && x.op != action::weight_gradient) continue;
            to[(std::min)(i + 1 + x.overlap, row.size())].activations -= stage(x.stage).kept * x.count;
        }
    }
    static constexpr void sum(memory_row& row) {
        for (std::size_t i = 0; i < row.points.size(); ++i) {
            if (i == 0) continue;
            row.points[i].activations += row.points[i - 1].activations;
            row.points[i].unfolded += row.points[i - 1].unfolded;
            row.points[i].boundaries += row.points[i - 1].boundaries;
        }
        row.points.pop_back();
        for (std::size_t i = 1; i < row.points.size(); ++i)
            if (row.points[i].total() > row.points[row.mark].total()) row.mark = i;
    }

    program_view p_;
    std::span<const stage_memory> stages_;
    double alignment_;
    tensor_lives lives_;
    std::vector<char> recomputed_;
};

}  // namespace detail

/// Returns the memory of every worker over an iteration of a program. `stages`: of every stage, for one unit.
/// `alignment`: bytes to which a pool fills up every tensor.
[[nodiscard]] constexpr std::vector<memory_row> memory_timeline(program_argument lowered,
                                                                std::span<const stage_memory> stages,
                                                                double alignment = 64) {
    detail::memory_counter counter(lowered, stages, alignment);
    std::vector<memory_row> out;
    for (std::int32_t w = 0; w < lowered.head.workers; ++w) out.push_back(counter.count(w));
    return out;
}

namespace detail {

/// Returns true if a row recomputes without slots for it: the backward comes first.
constexpr bool unfolds_silently(std::span<const slot> row, std::span<const stage_memory> stages) {
    for (const slot& s : row) {
        if (s.op == pass::recompute) return false;
        if (sends_gradient(s.op) && stages[s.stage].unfolded > 0) return true;
    }
    return false;
}

}  // namespace detail

/// Returns the largest number of bytes of activations, kept and recomputed, that a worker's row of slots holds at a
/// time. Linear in the slots; allocates nothing. In a row without recompute slots, the backward (or input gradient) of
/// a stage that unfolds recomputes first.
[[nodiscard]] constexpr double activation_peak(std::span<const slot> row, std::span<const stage_memory> stages) {
    const bool silently = detail::unfolds_silently(row, stages);
    double live = 0, most = 0, open = 0;  // open: what the first slot of a pair lets go when the second has ended
    for (const slot& s : row) {
        const stage_memory& of = stages[s.stage];
        if (s.op == pass::forward) live += of.kept * s.count;
        if (s.op == pass::recompute || (silently && sends_gradient(s.op))) live += of.unfolded * s.count;
        most = (std::max)(most, live);
        live -= open;
        open = 0;
        if (!ends_activation(s.op)) continue;
        const double freed = (of.kept + of.unfolded) * s.count;
        (s.overlap != 0 ? open : live) += s.overlap != 0 ? freed : -freed;
    }
    return most;
}

/// Returns the bytes that a worker needs beside activations: state, work space and boundary tensors. Each stage is
/// charged two inputs and two outputs: one in use and one in transfer. `held`: the stages that the worker holds.
[[nodiscard]] constexpr double held_memory(std::span<const stage_memory> stages, std::span<const std::int32_t> held) {
    double sum = 0;
    for (const std::int32_t s : held) {
        const stage_memory& of = stages[static_cast<std::size_t>(s)];
        sum += of.state.total() + of.workspace + of.brief + 2 * (of.input + of.output);
    }
    return sum;
}

namespace detail {

constexpr bool runs_through(std::span<const slot> row, std::int32_t stage) {
    return std::find_if(row.begin(), row.end(), [&](const slot& x) { return x.stage == stage; }) != row.end();
}

}  // namespace detail

/// Returns the largest number of bytes that a worker holds at a time, from its row of slots alone. Linear in the slots;
/// allocates nothing. For a stage that no unit passes, only state and work space count. The figure is up to 2 % too low
/// if inputs wait after their transfer (breadth_first with full recompute), by less without recompute.
[[nodiscard]] constexpr double memory_peak(std::span<const slot> row, std::span<const stage_memory> stages,
                                           std::span<const std::int32_t> held) {
    double sum = held_memory(stages, held) + activation_peak(row, stages);
    for (const std::int32_t s : held) {
        const stage_memory& of = stages[static_cast<std::size_t>(s)];
        if (!detail::runs_through(row, s)) sum -= of.brief + 2 * (of.input + of.output);
    }
    return sum;
}

/// Returns the largest number of bytes that `worker` of a schedule holds at a time.
[[nodiscard]] constexpr double memory_peak(schedule_argument order, int worker, std::span<const stage_memory> stages) {
    std::vector<std::int32_t> held;
    for (std::int32_t s = 0; s < order.head.stages; ++s)
        for (int p = 0; p < order.head.pipelines; ++p)
            if (order.worker_of(p, s) == worker) {
                held.push_back(s);
                break;
            }
    return memory_peak(order.row(worker), stages, held);
}

}  // namespace chimera
