// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/family_variants.hpp>
#include <chimera/plan/request.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace chimera {

/// Builds the report of a search: books what became of each candidate under its class, and ranks the best.
class report_builder {
public:
    /// Starts an empty report. `asked` must outlive the builder.
    explicit report_builder(const plan_request& asked) : asked_(asked) {}

    /// Books a candidate that stands for `modes` configurations. Returns its class.
    std::size_t consider(const family_spec& spec, std::int64_t modes) {
        const std::size_t which = class_of(spec);
        report_.classes[which].considered += modes;
        report_.considered += modes;
        return which;
    }
    /// Books configurations that break a rule.
    void refuse(std::size_t which, std::int64_t modes, const std::string& rule) {
        plan_class& c = report_.classes[which];
        c.unbuildable += modes;
        if (c.rule.empty()) c.rule = rule;
    }
    /// Books a candidate that takes at least `bound` seconds, too many for a place.
    void leave_out(std::size_t which, double bound) {
        plan_class& c = report_.classes[which];
        ++c.bounded;
        c.bound = c.bound == 0 ? bound : (std::min)(c.bound, bound);
    }
    /// Books configurations that lack at least so many bytes.
    void too_large(std::size_t which, std::int64_t modes, double lacking) {
        plan_class& c = report_.classes[which];
        c.too_large += modes;
        c.lacking = c.lacking == 0 ? lacking : (std::min)(c.lacking, lacking);
    }
    /// Returns the least bytes that one of a class lacks so far; infinity if none does.
    [[nodiscard]] double least_lacking(std::size_t which) const {
        const plan_class& c = report_.classes[which];
        return c.lacking == 0 ? std::numeric_limits<double>::infinity() : c.lacking;
    }
    /// Returns the seconds of a class's best so far; infinity if none was simulated.
    [[nodiscard]] double best_of(std::size_t which) const {
        const plan_class& c = report_.classes[which];
        return c.best == 0 ? std::numeric_limits<double>::infinity() : c.best;
    }
    /// Books simulations of so many orders with so many slots in all.
    void simulated(std::size_t which, std::int64_t orders, std::int64_t slot_count) {
        report_.classes[which].simulated += orders;
        report_.simulated += orders;
        report_.slot_total += slot_count;
    }
    /// Ranks the best configuration of a candidate. Stale weights are another way to train: ranked where asked for.
    void enter(std::size_t which, ranked one) {
        plan_class& c = report_.classes[which];
        if (c.best == 0 || one.found.seconds < c.best) c.best = one.found.seconds;
        if (c.stale) return;
        std::vector<ranked>& best = report_.ranking;
        best.insert(std::upper_bound(best.begin(), best.end(), one, ranks_before), std::move(one));
        if (best.size() > asked_.top) best.pop_back();
    }
    /// Notes seconds that no configuration can beat; the least of all calls holds.
    void bound(double seconds) { report_.bound = report_.bound == 0 ? seconds : (std::min)(report_.bound, seconds); }

    /// Returns the seconds beyond which a candidate cannot enter the ranking.
    [[nodiscard]] double worst() const {
        if (asked_.any && !report_.ranking.empty()) return 0;
        if (report_.ranking.size() < asked_.top) return std::numeric_limits<double>::infinity();
        return report_.ranking[asked_.top - 1].found.seconds;
    }
    /// Returns the seconds of the first place; 0 where none fits so far.
    [[nodiscard]] double best() const { return report_.ranking.empty() ? 0 : report_.ranking.front().found.seconds; }
    /// Hands the report over; the builder is of no use then.
    [[nodiscard]] plan_report finish() { return std::move(report_); }

private:
    std::size_t class_of(const family_spec& spec) {
        const std::string label = label_of(spec);
        if (const auto found = index_.find(label); found != index_.end()) return found->second;
        report_.classes.emplace_back();
        report_.classes.back().label = label;
        report_.classes.back().which = spec.which;
        report_.classes.back().stale = asynchronous(spec.which) && asked_.families.empty();
        return index_.emplace(label, report_.classes.size() - 1).first->second;
    }

    const plan_request& asked_;
    std::map<std::string, std::size_t> index_;
    plan_report report_;
};

}  // namespace chimera
