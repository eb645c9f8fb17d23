// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/unit_paths.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// The lower bounds of all schedules.
struct bounds {
    double makespan = 0;
    double span = 0;
};

/// Lower bounds of an instance, each proven where it is computed. Throughout: `work` of a worker is the sum of its
/// passes; it computes one at a time; so time on it is at least the work done in it.
class bounder {
public:
    explicit constexpr bounder(const instance& task) : of_(task), chain_(task) {
        for (std::int32_t l = 0; l < static_cast<std::int32_t>(task.pass_chains.size()); ++l) {
            entries_.push_back(find_entry(l));
            own_rests_.push_back(own_rest(l));
        }
    }

    constexpr bounds find() {
        bounds out;
        for (std::size_t w = 0; w < of_.held.size(); ++w) {
            if (of_.work[w] <= 0 && of_.held[w].empty()) continue;
            out.makespan = (std::max)(out.makespan, alone(w, false, until::all));
            out.span = (std::max)(out.span, alone(w, true, until::own));
            const double held = first_start(w);
            const double rooms = room_time(w);
            out.span = (std::max)(out.span, rooms);
            out.makespan = (std::max)(out.makespan, held + rooms);
            for (std::size_t v = w; v < of_.held.size() && of_.pipelines == 1; ++v)
                out.span = (std::max)(out.span, drained(w, v));
        }
        if (of_.pipelines == 2) out.span = (std::max)(out.span, opposed());
        out.makespan = (std::max)(out.makespan, out.span);
        windows(out);
        out.makespan = (std::max)(out.makespan, out.span);
        return out;
    }

private:
    constexpr const pass_chain& at(std::int32_t id) const { return of_.pass_chains[static_cast<std::size_t>(id)]; }
    constexpr double head(std::int32_t id) const { return chain_.head[static_cast<std::size_t>(id)]; }

    /// The first pass chain of a pass chain's pipeline on its worker: each unit passes there first.
    constexpr std::int32_t entry(std::int32_t id) const { return entries_[static_cast<std::size_t>(id)]; }
    constexpr std::int32_t find_entry(std::int32_t id) const {
        std::int32_t out = id;
        for (const std::int32_t other : of_.held[static_cast<std::size_t>(at(id).worker)])
            if (at(other).pipeline == at(id).pipeline && at(other).count > 0 && head(other) < head(out)) out = other;
        return out;
    }
    constexpr double first_start(std::size_t w) const {
        double least = 1e300;
        for (const std::int32_t l : of_.held[w])
            if (at(l).count > 0) least = (std::min)(least, head(l));
        return least;
    }
    /// Earliest start of a pass chain's pass after time 0, or after the worker's own first start: the same unit has
    /// passed through the worker's entry pass chain before, and nothing on the worker starts before its first start.
    constexpr double release(std::int32_t id, bool own) const { return own ? head(id) - head(entry(id)) : head(id); }
    /// The end to which the time after a pass is counted: the end of all, the worker's own last end, or the last end of
    /// the worker where the pass's pipeline begins.
    enum class until : std::uint8_t { all, own, home };

    /// Least time from the end of a pass to that end.
    constexpr double rest(std::int32_t id, until end) const {
        if (end == until::all) return chain_.tail[static_cast<std::size_t>(id)];
        return end == until::home ? back_home(id) : own_rests_[static_cast<std::size_t>(id)];
    }
    constexpr double own_rest(std::int32_t id) const {
        double most = 0;
        for (const std::int32_t other : of_.held[static_cast<std::size_t>(at(id).worker)]) {
            const pass_chain &a = at(id), &b = at(other);
            if (b.pipeline != a.pipeline || b.op == pass::forward || other == id || a.op == pass::weight_gradient)
                continue;
            if (a.op != pass::forward && b.stage > a.stage) continue;
            if (a.op == pass::forward || b.op == pass::weight_gradient || b.stage < a.stage)
                most = (std::max)(most, chain_.between(of_, id, other) + b.seconds);
        }
        return most;
    }

    constexpr double back_home(std::int32_t id) const {
        const pass_chain& l = at(id);
        if (l.op == pass::weight_gradient) return 0;
        const pass_chain& g = at(of_.id(l.pipeline, 0, 1));
        const double after = g.weight >= 0 ? at(g.weight).seconds : 0;
        return id == g.gradient ? after : chain_.between(of_, id, g.gradient) + g.seconds + after;
    }

    /// Longest work of `places` passes of one kind of a worker, no more than there are.
    constexpr double most_work(std::size_t w, bool weights, double places) const {
        std::vector<std::int32_t> pass_chains;
        for (const std::int32_t l : of_.held[w])
            if (at(l).op == (weights ? pass::weight_gradient : pass::forward)) pass_chains.push_back(l);
        std::sort(pass_chains.begin(), pass_chains.end(),
                  [&](std::int32_t a, std::int32_t b) { return at(a).seconds > at(b).seconds; });
        double sum = 0;
        for (const std::int32_t l : pass_chains) {
            double taken = 0;
            if (places + whole >= at(l).count)
                taken = at(l).count;
            else
                taken = static_cast<double>(static_cast<std::int64_t>(places + whole));
            sum += taken * at(l).seconds;
            places -= taken;
        }
        return sum;
    }
    /// Weight gradients that can be left when a worker's last gradient has ended: each keeps its share of the memory.
    constexpr double put_off(std::size_t w) const {
        if (!of_.split) return 0;
        double kept = 0;
        for (const std::int32_t l : of_.held[w])
            if (at(l).op == pass::weight_gradient) kept = -at(l).mass;
        const double most = of_.passes();
        return most_work(w, true, kept > 0 ? (std::min)(of_.limit[w] / kept, most) : most);
    }

    /// A worker by itself. For any r, q: the pass chains released at r or later with q or more to follow are done one
    /// at a time between r and the end less q (with all pass chains: work + earliest head + least tail; with one: the
    /// path of a unit). If before r only forwards can run, memory lets at most `limit` of them through, and all other
    /// work comes after r: for a linear pipeline r - limit F = (D-1)(I + 2 transfer) + (D - limit) F, the zero-bubble
    /// bound (arXiv 2401.10241, with transfers). When the worker's last gradient has ended only weight gradients are
    /// left, as many as memory holds: the rest of the work comes before the least tail of a gradient.
    constexpr double alone(std::size_t w, bool own_start, until end) const {
        double best = 0;
        const auto& pass_chains = of_.held[w];
        double last = 1e300;
        for (const std::int32_t l : pass_chains)
            if (at(l).count > 0 && sends_gradient(at(l).op)) last = (std::min)(last, rest(l, end));
        if (last > 1e299) return 0;
        for (const std::int32_t a : pass_chains) {
            if (at(a).count == 0) continue;
            const double r = release(a, own_start);
            bool only_forwards = true;
            double early = 0;
            for (const std::int32_t l : pass_chains) {
                if (at(l).count == 0 || release(l, own_start) >= r) continue;
                early += at(l).seconds * at(l).count;
                only_forwards = only_forwards && at(l).op == pass::forward;
            }
            const double before = only_forwards ? (std::min)(early, most_work(w, false, of_.limit[w])) : early;
            best = (std::max)(best, r + of_.work[w] - before);
            if (only_forwards) best = (std::max)(best, r + last_gradient(w) - before + last);
            if (pass_chains.size() > 64) continue;  // cubic; what is left out only matters where units are few
            for (const std::int32_t b : pass_chains)
                best = (std::max)(best, both(pass_chains, r, rest(b, end), own_start, end));
        }
        return best;
    }
    constexpr double both(const std::vector<std::int32_t>& pass_chains, double r, double q, bool own_start,
                          until end) const {
        double sum = 0;
        for (const std::int32_t l : pass_chains)
            if (release(l, own_start) >= r && rest(l, end) >= q) sum += at(l).seconds * at(l).count;
        return sum > 0 ? r + sum + q : 0;
    }

    /// Two pipelines: let worker a, where the first begins, start no later than worker b, where the second does.
    /// Counted from a's start the second pipeline's chains reach a no earlier than from time 0, and counted back from
    /// b's start plus the longest span, the first pipeline's chains must leave b early enough to end on a by then. Or
    /// the other way round.
    constexpr double opposed() const {
        const std::size_t a = 0, b = of_.held.size() - 1;
        if (of_.units < 2) return 0;
        const double one = (std::max)(alone(a, false, until::own), alone(b, true, until::home));
        const double other = (std::max)(alone(b, false, until::own), alone(a, true, until::home));
        return (std::min)(one, other);
    }

    /// The span of w through a worker v that units reach later and leave earlier: v starts when w has started and the
    /// chain between has passed; when its last gradient has ended at most the weight gradients that memory holds are
    /// left of its work; and that gradient still has to come back to w and end there.
    constexpr double drained(std::size_t w, std::size_t v) const {
        if (of_.held[w].empty() || of_.held[v].empty()) return 0;
        const pass_chain& a = at(of_.held[w].front());
        const pass_chain& b = at(of_.held[v].front());
        if (a.stage >= b.stage) return 0;
        double back = 1e300;
        for (const std::int32_t l : of_.held[v]) {
            if (!sends_gradient(at(l).op)) continue;
            const double end = chain_.between(of_, l, a.gradient) + at(a.gradient).seconds;
            back = (std::min)(back, end + (a.weight >= 0 ? at(a.weight).seconds : 0.0));
        }
        return head(b.forward) - head(a.forward) + last_gradient(v) + back;
    }

    /// From a worker's start to the end of its last gradient, idle time before the first gradient aside. Then only the
    /// weight gradients that memory holds are left. And where there are more forwards than room: when the last forward
    /// ends, what is left belongs to the live activations, `limit` at most; the rest of the work lies before (and a
    /// gradient, so the idle time before the first one is not this), and the round trip of that unit lies after.
    constexpr double last_gradient(std::size_t w) const {
        const double best = of_.work[w] - put_off(w);
        double trip = 1e300, most = 0, forwards = 0;
        for (const std::int32_t id : of_.held[w]) {
            const pass_chain& f = at(id);
            if (f.op != pass::forward || f.count == 0) continue;
            const pass_chain& g = at(f.gradient);
            const double after = f.weight >= 0 ? at(f.weight).seconds : 0;
            const double kept = f.weight >= 0 ? -at(f.weight).mass : 1;
            if (after > 0 && kept <= 0) return best;
            most = (std::max)({most, g.seconds + after, after > 0 ? after / kept : 0.0});
            const std::int32_t out = at(entry(id)).gradient;
            trip = (std::min)(trip, chain_.between(of_, id, out) + at(out).seconds);
            forwards += f.count;
        }
        if (forwards <= of_.limit[w] + whole) return best;
        return (std::max)(best, of_.work[w] - of_.limit[w] * most + trip);
    }

    /// Memory over time: a unit holds its place from its forward to the end of its weight gradient, at least as long as
    /// its chain takes, and all places together last limit times the span. With one stage on the worker, sharper: the
    /// forward number i + limit needs a place that one of the first i + limit gave back, so it starts no earlier than
    /// forward i plus that time.
    constexpr double room_time(std::size_t w) const {
        if (of_.limit[w] >= of_.passes()) return 0;
        double area = 0, hold = 0;
        std::int32_t forwards = 0, entry_chain = 0;
        for (const std::int32_t l : of_.held[w]) {
            if (at(l).op != pass::forward || at(l).count == 0) continue;
            const pass_chain& g = at(at(l).gradient);
            hold = head(g.gradient) + g.seconds - head(l);
            area += at(l).count * hold;
            if (g.weight >= 0) area += at(l).count * -at(g.weight).mass * at(g.weight).seconds;
            ++forwards;
            entry_chain = l;
        }
        const double least = area / of_.limit[w];
        const pass_chain& f = at(entry_chain);
        const double places = of_.limit[w];
        const bool full = !of_.split || at(f.weight).mass == -1;
        if (forwards != 1 || !full) return least;
        if (f.weight >= 0) hold += at(f.weight).seconds;
        const auto limit = static_cast<std::int32_t>(places + whole);
        std::vector<double> start(static_cast<std::size_t>(f.count), 0.0);
        for (std::int32_t i = 1; i < f.count; ++i) {
            double& here = start[static_cast<std::size_t>(i)];
            here = start[static_cast<std::size_t>(i - 1)] + f.seconds;
            if (i >= limit) here = (std::max)(here, start[static_cast<std::size_t>(i - limit)] + hold);
        }
        return (std::max)(least, start.back() + hold);
    }

    /// Linear pipelines: the window from a worker's first start to its first gradient. It is at least F + transfer +
    /// (window of the next worker) + transfer + I of the next, and holds c forwards, 1 <= c <= limit, and idle time. A
    /// worker whose idle time is to stay within x less its other needs can only have windows c F … c F + that; going
    /// from the last worker to the first with the least window possible shows whether x can be met at all.
    constexpr bool meets(double x, const std::vector<double>& need) const {
        double window = 0;
        for (int s = of_.stages; s-- > 0;) {
            const auto w = static_cast<std::size_t>(s);
            const pass_chain& f = at(of_.id(0, s, 0));
            const pass_chain& g = at(f.gradient);
            window = s + 1 == of_.stages ? f.seconds
                                         : window + f.seconds + at(f.after).travel + g.travel + at(g.before).seconds;
            const double idle = x - need[w];
            if (idle < 0) return false;
            if (f.seconds <= 0) {
                if (window > idle) return false;
                continue;
            }
            const double most = (std::min)(of_.limit[w], static_cast<double>(f.count));
            double c = static_cast<double>(static_cast<std::int64_t>((std::min)(window / f.seconds, most) + whole));
            if (window <= c * f.seconds + idle) continue;
            c += 1;
            if (c > most + whole) return false;
            window = (std::max)(window, c * f.seconds);
        }
        return true;
    }
    /// Returns the time that a worker's x must cover beside the idle time before its first gradient.
    constexpr double needs(std::size_t w, bool own) const {
        if (!own) {
            const double after = chain_.tail[static_cast<std::size_t>(of_.id(0, static_cast<int>(w), 1))];
            return first_start(w) + (std::max)(of_.work[w], last_gradient(w) + after);
        }
        const pass_chain& g = at(of_.id(0, static_cast<int>(w), 1));
        const double after = g.weight >= 0 ? at(g.weight).seconds : 0;
        double most = (std::max)(of_.work[w], last_gradient(w) + after);
        for (std::size_t u = 0; u < w; ++u) most = (std::max)(most, drained(u, w));
        return most;
    }
    constexpr void windows(bounds& out) const {
        if (of_.pipelines != 1 || of_.workers != of_.stages) return;
        for (const bool own : {false, true}) {
            double& low = own ? out.span : out.makespan;
            std::vector<double> need;
            for (std::size_t w = 0; w < of_.held.size(); ++w) need.push_back(needs(w, own));
            if (meets(low, need)) continue;
            double high = low;
            for (double step = low / 1024; !meets(high, need) && step < 1e6 * low; step *= 2) high = low + step;
            for (int i = 0; i < 60; ++i) {
                const double middle = (low + high) / 2;
                (meets(middle, need) ? high : low) = middle;
            }
        }
    }

    const instance& of_;
    chains chain_;
    std::vector<std::int32_t> entries_;  // per pass chain
    std::vector<double> own_rests_;      // per pass chain
};

constexpr bounds find_bounds(const instance& task) { return bounder(task).find(); }

}  // namespace chimera::detail::seek
