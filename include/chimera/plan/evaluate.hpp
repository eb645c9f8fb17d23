// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/exposed_reductions.hpp>
#include <chimera/plan/stage_costs.hpp>
#include <chimera/plan/worker_memory.hpp>
#include <chimera/simulate/simulate.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace chimera {

/// The time and memory of a configuration.
struct evaluation {
    double seconds = 0;  ///< an iteration: passes, what reductions last beyond them, updates, overhead
    double compute = 0;  ///< last end of a pass
    double exposed = 0;  ///< most that a worker's reductions last beyond its passes
    double update = 0;   ///< largest of a worker
    double memory = 0;   ///< bytes, of the worker that comes closest to (or goes furthest beyond) its limit
    double lacking = 0;  ///< bytes that worker has too few; at most 0 where all fit
    int fullest = 0;     ///< its position in the pipeline group

    /// Returns true if every worker has memory enough.
    [[nodiscard]] constexpr bool fits() const noexcept { return lacking <= 0; }
};

/// Evaluates one configuration at a time, in steps that can be left out: costs and memory, then passes by simulation,
/// then reductions and updates under a synchronisation. Keeps its memory between configurations.
class evaluator {
public:
    /// Computes memory, and costs if it fits or `always`. `choice` must have its cuts; all references must live until
    /// the last step.
    void set(const model& network, const cluster& machines, const configuration& choice, const layer_sums& layers,
             prepared_family& family, const positions& at, bool always) {
        weigh_anew(network, choice, family, at);
        if (always || fits()) cost_ = cost_stages(network, machines, choice, layers, plain(), at);
    }
    /// Computes memory alone. Continue with `weigh`.
    void weigh_anew(const model& network, const configuration& choice, prepared_family& family, const positions& at) {
        choose_order(choice, family);
        memory_.measure(network, choice, plain().head());
        weigh(network, choice, family, at);
    }
    /// Computes memory alone, after `set`, for a configuration that differs in recompute only. If a worker's state
    /// alone is too large, ignores activations and reports the least lack.
    void weigh(const model& network, const configuration& choice, prepared_family& family, const positions& at) {
        choose_order(choice, family);
        memory_.choose(network, choice, plain());
        found_ = {};
        take_fullest(at, [&](int w) { return memory_.held(plain(), w); });
        if (!fits()) return;
        memory_.play(plain());
        take_fullest(at, [&](int w) { return memory_.held(plain(), w) + memory_.activations(w); });
    }
    /// Returns true if the configuration that was weighed last fits in memory.
    [[nodiscard]] bool fits() const { return found_.fits(); }
    /// Returns the memory of the configuration that was weighed last; its seconds are 0.
    [[nodiscard]] const evaluation& memory() const noexcept { return found_; }
    /// Returns the bytes that a worker lacks; at most 0 if memory suffices.
    [[nodiscard]] double lacking(int worker) const noexcept { return lacking_[static_cast<std::size_t>(worker)]; }
    /// Returns the order that is played: with recompute slots where a stage recomputes all. They are made at first use.
    [[nodiscard]] prepared_order& order() const { return again_ ? family_->recomputed() : plain(); }
    /// Returns the same without recompute slots.
    [[nodiscard]] prepared_order& plain() const { return family_->plain(); }

    /// The outcome of `play`.
    struct played_passes {
        double end = 0;     ///< last end of a pass, seconds; if not `whole`, a lower bound
        bool whole = true;  ///< false: it would have ended after the limit, and was given up
    };
    /// Simulates the passes: linear in slots. Gives up as soon as they are sure to end after `limit` seconds.
    played_passes play(double limit = std::numeric_limits<double>::infinity()) {
        const std::span<const double> work = order().work(cost_.seconds);
        const detail::deadline watch(work, limit);
        if (!detail::simulate_watched(played_, order().view(), cost_.seconds, watch)) return {limit, false};
        double end = 0;
        for (int w = 0; w < played_.head.workers; ++w)
            if (const auto row = played_.row(w); !row.empty()) end = (std::max)(end, row.back().end);
        return {end, true};
    }
    /// Returns the least seconds of passes, after `set`: without a simulation, what the busiest worker takes.
    double least_passes(const configuration& choice) {
        const std::span<const double> work = order().work(cost_.seconds);
        const double busiest = *std::max_element(work.begin(), work.end());
        return choice.continuous ? (std::max)(busiest, round_trips(choice.schedule)) : busiest;
    }

    /// The whole iteration, after `play`.
    evaluation time(const cluster& machines, const configuration& choice) {
        const synchronised_ends ends = synchronise(played_, order().reductions(choice.synchronisation), cost_.reduction,
                                                   machines.each.overlap_slowdown, machines.each.reduction_blocking);
        evaluation out = found_;
        out.compute = choice.continuous ? (std::max)(busiest(played_), round_trips(choice.schedule)) : ends.compute;
        out.exposed = ends.exposed;
        const double saved = ends.compute - out.compute;  // the ramps, where iterations follow without a drain
        for (int w = 0; w < plain().head().workers; ++w) {
            double update = 0;
            for (const std::int32_t s : plain().stages_of(w)) update += cost_.update[static_cast<std::size_t>(s)];
            out.update = (std::max)(out.update, update);
            out.seconds = (std::max)(out.seconds, ends.finished[static_cast<std::size_t>(w)] + update - saved);
        }
        out.seconds += machines.each.step_overhead;
        return out;
    }

    /// Returns the costs that `set` computed.
    [[nodiscard]] const stage_costs& cost() const noexcept { return cost_; }
    /// Returns the timeline of the last `play`, valid until the next.
    [[nodiscard]] const timeline& played() const noexcept { return played_; }

private:
    template <class Bytes>
    void take_fullest(const positions& at, const Bytes& bytes_of) {
        found_.lacking = -std::numeric_limits<double>::infinity();
        lacking_.clear();
        for (int w = 0; w < plain().head().workers; ++w) {
            const double bytes = bytes_of(w);
            const double lacking = bytes - at.memory[static_cast<std::size_t>(w)];
            lacking_.push_back(lacking);
            const bool fuller = lacking > found_.lacking || (std::isinf(lacking) && bytes > found_.memory);
            if (w > 0 && !fuller) continue;
            found_.lacking = lacking;
            found_.memory = bytes;
            found_.fullest = w;
        }
    }

    void choose_order(const configuration& choice, prepared_family& family) {
        family_ = &family;
        again_ = false;
        for (int s = 0; s < choice.schedule.stages; ++s)
            again_ = again_ || choice.recompute_of(s) == recompute_mode::full;
    }

    static double busiest(const timeline& played) {
        double most = 0;
        for (int w = 0; w < played.head.workers; ++w) {
            double busy = 0;
            for (const step& s : played.row(w)) busy += s.end - s.begin;
            most = (std::max)(most, busy);
        }
        return most;
    }

    /// Without a drain, as many micro-batches as there are stages are under way at a time: each takes its passes and
    /// messages, down and up again.
    double round_trips(const family_spec& order) const {
        double trip = 0;
        for (int s = 0; s < order.stages; ++s) {
            trip += cost_.seconds.forward[s] + cost_.seconds.backward[s];
            if (s + 1 == order.stages) continue;
            trip += 2 * cost_.seconds.transfer[s];
        }
        for (int s = 0; s < order.stages; ++s) trip += cost_.seconds.recompute[s];
        return order.micro_batches * trip / order.stages;
    }

    prepared_family* family_ = nullptr;
    bool again_ = false;  // whether a stage recomputes all
    stage_costs cost_;
    evaluation found_;
    std::vector<double> lacking_;
    timeline played_;
    worker_memory memory_;
};

}  // namespace chimera
