// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/program/staleness.hpp>
#include <chimera/render/format.hpp>
#include <chimera/schedule/family_placement.hpp>
#include <chimera/schedule/order_ticks.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/compare/contenders.hpp>
#include <executor/compare/entries.hpp>
#include <executor/compare/share_costs.hpp>
#include <executor/io/resources.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <utility>

namespace chimera::executor {

namespace {

/// Refuses an order whose schedule, program and timeline would not fit into memory: about 270 bytes for each of its
/// slots, as measured (16 of the slot, 32 of each of its instructions, 24 of its step, what simulating takes).
void check_slots(const family_options& of) {
    const double slots = 2.0 * of.stages * of.micro_batches * of.width;
    check_room(270 * slots,
               "an order of " + std::to_string(of.stages) + " stages and " + std::to_string(of.micro_batches) +
                   " micro-batches",
               "use fewer");
}

/// The schedule on exactly `workers` workers a copy: with as many stages per worker as the family needs.
schedule on_workers(family_options& of, const contest& with) {
    if (of.which == family::data_parallel) {
        if (with.micro_batches % with.workers != 0)
            refuse("micro_batches must be a multiple of the workers (each has its share) use such a number");
        of.stages = 1;
        of.width = with.workers * with.width;
        of.micro_batches = with.micro_batches / with.workers;
        check_slots(of);
        return make_schedule(of);
    }
    const std::int64_t stages = std::int64_t{with.workers} * stages_per_worker(of);
    of.stages = static_cast<int>(std::min<std::int64_t>(stages, std::numeric_limits<int>::max()));
    check_slots(of);
    schedule made = make_schedule(of);
    if (made.head.workers != with.workers * with.width)
        refuse("no number of stages gives " + std::to_string(with.workers) + " workers (the family folds) use others");
    return made;
}

/// Counts what crosses between workers.
void count(contender& out, program_view of, const contest& with, const costs& c) {
    double bytes = 0;
    double reduced = 0;
    for (const instruction& i : of.instructions) {
        if (i.op == action::reduce_gradient) {
            ++out.reductions;
            reduced += c.reduce.bytes[i.stage];
        }
        if (!is_send(i.op)) continue;
        ++out.messages;
        const int boundary = i.op == action::send_activation ? i.stage - 1 : i.stage;
        if (with.transfer_bytes.given()) bytes += with.transfer_bytes[boundary] * i.count / of.head.micro_batch_parts;
    }
    if (with.transfer_bytes.given()) out.bytes = bytes;
    if (c.reduce.algorithm != collective::fixed) out.reduced = reduced;
    for (const std::int32_t copies : weight_copies(of)) out.weights = std::max(out.weights, copies);
    for (const stage_staleness& s : staleness(of)) out.stale = std::max(out.stale, s.largest);
}

/// The figures of one order of a family.
contender played(const family_options& of, const schedule& made, const costs& cost, const contest& with) {
    contender out;
    const program lowered = lower(made, with.synchronisation);
    out.options = of;
    out.head = made.head;
    out.played = simulate(lowered, cost);
    out.found = metrics(out.played);
    for (const worker_metrics& w : out.found.workers) out.peak = std::max(out.peak, w.peak_activations);
    count(out, lowered, with, cost);
    if (!with.timelines) out.played = timeline{};
    return out;
}

/// Returns true if a is at least as good as b in every figure, and better in one.
bool beats(const contender& a, const contender& b) {
    const double values[4][2] = {{a.worker_time(), b.worker_time()},
                                 {a.peak * a.share, b.peak * b.share},
                                 {a.weights * a.share, b.weights * b.share},
                                 {static_cast<double>(a.stale), static_cast<double>(b.stale)}};
    bool better = false;
    for (const auto& v : values) {
        const double slack = 1e-9 * std::max(std::abs(v[0]), std::abs(v[1]));
        if (v[0] > v[1] + slack) return false;
        better = better || v[0] < v[1] - slack;
    }
    return better;
}

}  // namespace

costs plain_costs() {
    costs out;
    out.backward = 2;
    return out;
}

family_options timed(family_options of, const costs& cost) {
    static_cast<family_spec&>(of) = with_ticks(of, mean_passes(cost, splits_backward(of)));
    return of;
}

contender enter(std::string name, family_options of, const contest& with) {
    schedule made;
    costs cost = with.cost;
    of.micro_batches = with.micro_batches;
    of.width *= with.width;
    double share = 1;
    if (with.workers > 0) {
        made = on_workers(of, with);
        cost = costs_of_shares(with.cost, with.workers, made.head.stages);
        share = static_cast<double>(with.workers) / made.head.stages;
    } else {
        of.stages = with.stages;
        check_slots(of);
        made = make_schedule(of);
    }
    contender out = played(of, made, cost, with);
    if (const family_options timely = timed(of, cost); timely != of) {
        contender other = played(timely, make_schedule(timely), cost, with);
        if (other.found.makespan < out.found.makespan) out = std::move(other);
    }
    out.name = std::move(name);
    out.share = share;
    return out;
}

std::string over_memory(const contender& who, const contest& with) {
    const double peak = who.peak * (with.workers > 0 ? who.share : 1);
    std::string why;
    if (!with.memory || peak <= *with.memory * (1 + 1e-9)) return why;
    format::put(why, "the peak is ", format::fixed_point{peak, 3}, " activations (--memory allows ");
    format::put(why, format::fixed_point{*with.memory, 3}, ")");
    return why;
}

std::vector<contender> hold(const contest& with, std::vector<refused_family>& refused) {
    std::vector<contender> out;
    std::size_t done = 0;
    const auto entries = entries_of(with.families, with.chunks);
    for (const auto& [name, options] : entries) {
        if (with.stop.stop_requested()) break;
        if (with.progress) with.progress(name, done++, entries.size());
        try {
            contender one = enter(name, options, with);
            const std::string why = over_memory(one, with);
            why.empty() ? out.push_back(std::move(one)) : refused.push_back({name, why, true});
        } catch (const chimera_error& e) {
            refused.push_back({name, e.what()});
        } catch (const std::bad_alloc&) {
            refused.push_back({name, "memory ran out (this process may use " + bytes_text(usable_memory()) + ")"});
        }
    }
    for (contender& c : out)
        c.front = std::none_of(out.begin(), out.end(), [&](const contender& other) { return beats(other, c); });
    return out;
}

}  // namespace chimera::executor
