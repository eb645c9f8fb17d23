// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/plan/order_ticks.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/program/staleness.hpp>
#include <chimera/render/format.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/compare/contenders.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace chimera::executor {

namespace {

constexpr int chunks_most = 16;  // stages per worker that are tried

/// Forms of families that are compared beside the plain ones, as the command line writes them.
constexpr const char* variants[] = {"bidirectional --split", "bidirectional --scale doubling",
                                    "bidirectional --scale halving", "wave --waves 2"};

/// The options that a family's words ask for: a flag, and a value where the option has one.
family_options read_words(const std::string& words) {
    std::istringstream from(words);
    family_options out;
    std::string word;
    from >> word;
    out.which = family_named(word);
    while (from >> word) {
        const auto read = [&](const family_option& option, auto& to) {
            using type = std::remove_cvref_t<decltype(to)>;
            if (word != flag_of(option)) return;
            if constexpr (std::is_same_v<type, bool>) to = true;
            if constexpr (std::is_same_v<type, int>) from >> to;
            if constexpr (std::is_enum_v<type>) from >> word, to = static_cast<type>(value_of_label(option, word));
        };
        each_option(read, out);
    }
    return out;
}

std::vector<std::pair<std::string, family_options>> entries() {
    std::vector<std::pair<std::string, family_options>> out;
    for (const std::string_view family : family_names()) out.emplace_back(family, read_words(std::string(family)));
    for (const char* words : variants) out.emplace_back(words, read_words(words));
    return out;
}

/// Those of the names given, in the order of `entries`; all where none is given.
std::vector<std::pair<std::string, family_options>> entries(std::vector<std::string> names) {
    for (std::string& name : names) name = family_name(name);
    auto all = entries();
    std::string known;
    for (const auto& [name, options] : all) known += (known.empty() ? "" : ", ") + name;
    for (const std::string& name : names) {
        if (std::none_of(all.begin(), all.end(), [&](const auto& entry) { return entry.first == name; }))
            refuse("'" + name.substr(0, 40) + "' cannot be compared (known are " + known + ") give some of these");
    }
    if (names.empty()) return all;
    std::erase_if(all,
                  [&](const auto& entry) { return std::find(names.begin(), names.end(), entry.first) == names.end(); });
    return all;
}

/// The schedule on exactly `workers` workers: with as many stages per worker as the family needs.
schedule on_workers(family_options& of, int workers, int micro_batches) {
    of.micro_batches = micro_batches;
    if (of.which == family::data_parallel) {
        if (micro_batches % workers != 0)
            refuse("micro_batches must be a multiple of the workers (each has its share) use such a number");
        of.width = workers;
        of.micro_batches = micro_batches / workers;
        return make_schedule(of);
    }
    std::string why;
    for (int k = 1; k <= chunks_most; ++k) {
        of.stages = k * workers;
        try {
            schedule made = make_schedule(of);
            if (made.head.workers == workers) return made;
        } catch (const chimera_error& e) {
            if (why.empty() || k == 2) why = e.what();
        }
    }
    if (why.empty())
        why = "no number of stages gives " + std::to_string(workers) + " workers (of up to 16 on each) use others";
    refuse(why);
}

/// Costs of `stages` stages from those of the workers' shares: cut evenly, or taken together.
per_stage cut(const per_stage& share, std::int64_t workers, std::int64_t stages) {
    const double part = static_cast<double>(workers) / static_cast<double>(stages);
    std::vector<double> out;
    if (share.values.size() <= 1) {
        for (const double v : share.values) out.push_back(v * part);
        return out;
    }
    for (std::int64_t s = 0; s < stages; ++s) {
        double sum = 0;
        for (std::int64_t w = s * workers / stages; w < std::max((s + 1) * workers / stages, s * workers / stages + 1);
             ++w)
            sum += share.values[static_cast<std::size_t>(w)];
        out.push_back(stages >= workers ? sum * part : sum);
    }
    return out;
}

costs cut(costs c, std::int64_t workers, std::int64_t stages) {
    for (per_stage* one : {&c.forward, &c.backward, &c.input_gradient, &c.weight_gradient, &c.recompute, &c.paired,
                           &c.reduce.seconds, &c.reduce.bytes, &c.update})
        *one = cut(*one, workers, stages);
    return c;
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
    const program lowered = lower(made);
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

contender enter(std::string name, family_options of, const contest& with) {
    schedule made;
    costs cost = with.cost;
    double share = 1;
    if (with.workers > 0) {
        made = on_workers(of, with.workers, with.micro_batches);
        cost = cut(with.cost, with.workers, made.head.stages);
        share = static_cast<double>(with.workers) / made.head.stages;
    } else {
        of.stages = with.stages;
        of.micro_batches = with.micro_batches;
        made = make_schedule(of);
    }
    contender out = played(of, made, cost, with);
    family_options timely = of;
    static_cast<family_spec&>(timely) = with_ticks_of(cost, of);
    const pass_ticks unit;
    if (timely.hop_ticks != unit.hop || timely.forward_ticks > 1 || timely.input_ticks > 1 || timely.weight_ticks > 1) {
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
    for (auto& [name, options] : entries(with.families)) {
        if (with.stop.stop_requested()) break;
        try {
            contender one = enter(name, options, with);
            const std::string why = over_memory(one, with);
            why.empty() ? out.push_back(std::move(one)) : refused.push_back({name, why, true});
        } catch (const chimera_error& e) {
            refused.push_back({name, e.what()});
        }
    }
    for (contender& c : out)
        c.front = std::none_of(out.begin(), out.end(), [&](const contender& other) { return beats(other, c); });
    return out;
}

}  // namespace chimera::executor
