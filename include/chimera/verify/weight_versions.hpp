// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/update_group.hpp>
#include <chimera/verify/message_laws.hpp>
#include <chimera/verify/reduction_rounds.hpp>

#include <algorithm>

namespace chimera::detail {

/// Checks that there is one version if weights change once.
constexpr void check_no_versions(const program_view& p, report& r) {
    for (const std::int32_t count : p.version_counts)
        if (count != 1) r.add({.law = law::housed, .what = complaint::version_count, .other = 1, .instruction = true});
    for (std::int32_t w = 0; w < p.head.workers; ++w)
        for (std::int32_t i = p.offsets[static_cast<std::size_t>(w)]; i < p.offsets[static_cast<std::size_t>(w) + 1];
             ++i) {
            const instruction& x = p.instructions[static_cast<std::size_t>(i)];
            if (x.version == 0 || (!is_compute(x.op) && x.op != action::update_weights)) continue;
            fault f = program_fault(p, law::housed, complaint::bad_version, w, i);
            f.other = x.version;
            r.add(f);
        }
}

/// Walks the rows of a program that updates within the iteration and keeps book of what every version buffer holds.
class version_book {
public:
    constexpr version_book(const program_view& program, const update_groups& of, report& found)
        : p(program), groups(of), r(found), units(static_cast<std::size_t>(program.head.units())),
          stages(static_cast<std::size_t>(program.head.stages), stage_book{}), home(stages.size() * units, -1) {}

    constexpr void run() {
        for (std::int32_t w = 0; w < p.head.workers; ++w) {
            const std::int32_t begin = p.offsets[at(w)], end = p.offsets[at(w) + 1];
            lay_out(w, begin, end);
            for (std::int32_t i = begin; i < end; ++i) look_at(w, i);
            for (const std::int32_t s : held) close(w, s);
            for (std::int32_t i = begin; i < end; ++i) count_live(i);
            for (const std::int32_t s : held) check_count(w, s);
            for (std::int32_t i = begin; i < end; ++i) leave(i);
        }
    }

private:
    /// The versions of one stage in the row at hand. Version n is what n updates left.
    struct stage_book {
        std::int32_t count = -1;    // version buffers; -1: the row does not touch the stage
        std::int32_t buffers = 0;   // begin of its buffers in `holds` and `readers`
        std::int32_t versions = 0;  // begin of its versions in `last_read`
        std::int32_t made = 0;      // updates so far
        std::int32_t newest = 0;    // the buffer that the last one wrote
        std::int32_t live = 0, peak = 0;
        bool broken = false;
    };
    [[nodiscard]] static constexpr std::size_t at(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }

    [[nodiscard]] constexpr bool concerns(const instruction& x) const noexcept {
        if (x.stage >= p.head.stages) return false;
        return x.op == action::update_weights || (is_compute(x.op) && covers(p.head, x.first, x.count));
    }

    [[nodiscard]] constexpr std::int32_t buffers_of(std::int32_t w, std::int32_t stage) const noexcept {
        const auto group = p.replica_group(stage);
        const auto found = std::find(group.begin(), group.end(), w);
        return found == group.end() ? 1 : p.versions_of(stage, static_cast<std::size_t>(found - group.begin()));
    }

    constexpr void lay_out(std::int32_t w, std::int32_t begin, std::int32_t end) {
        held.clear();
        for (std::int32_t i = begin; i < end; ++i) {
            const instruction& x = p.instructions[at(i)];
            if (!concerns(x)) continue;
            if (stages[x.stage].count < 0) {
                stages[x.stage].count = std::clamp(buffers_of(w, x.stage), 0, 256);
                held.push_back(x.stage);
            }
            if (x.op == action::update_weights) ++stages[x.stage].made;
        }
        std::int32_t buffers = 0, versions = 0;
        for (const std::int32_t s : held) {
            stage_book& b = stages[at(s)];
            b.buffers = buffers;
            b.versions = versions;
            buffers += b.count;
            versions += b.made + 1;
            b.made = 0;
        }
        holds.assign(at(buffers), -1);
        readers.assign(at(buffers), 0);
        last_read.assign(at(versions), -1);
        for (const std::int32_t s : held)
            if (stages[at(s)].count > 0) holds[at(stages[at(s)].buffers)] = 0;
    }

    constexpr void complain(complaint what, std::int32_t w, std::int32_t i, std::int32_t other) {
        fault f = program_fault(p, law::housed, what, w, i);
        f.other = other;
        r.add(f);
        stages[at(f.stage)].broken = true;
    }

    constexpr void look_at(std::int32_t w, std::int32_t i) {
        const instruction& x = p.instructions[at(i)];
        if (!concerns(x)) return;
        stage_book& b = stages[x.stage];
        if (x.version >= b.count) return complain(complaint::bad_version, w, i, x.version);
        const std::size_t buffer = at(b.buffers + x.version);
        if (x.op == action::update_weights) {
            if (readers[buffer] > 0) complain(complaint::version_busy, w, i, x.version);
            holds[buffer] = ++b.made;
            b.newest = x.version;
            return;
        }
        for (std::int32_t u = x.first; u < x.first + x.count; ++u) read(w, i, u, buffer);
        if (holds[buffer] >= 0) last_read[at(b.versions + holds[buffer])] = i;
    }

    constexpr void read(std::int32_t w, std::int32_t i, std::int32_t unit, std::size_t buffer) {
        const instruction& x = p.instructions[at(i)];
        const stage_book& b = stages[x.stage];
        std::int32_t& own = home[x.stage * units + at(unit)];
        if (x.op == action::forward) {
            const std::int32_t right = updates_read(p.head.update, groups[unit], b.made);
            if (holds[buffer] != right) complain(complaint::wrong_version, w, i, right);
            if (own < 0) ++readers[buffer];
            own = x.version;
            return;
        }
        if (own != x.version) return complain(complaint::version_moved, w, i, x.version);
        if (!ends_activation(static_cast<pass>(x.op))) return;
        --readers[buffer];
        own = -1;
    }

    /// The next iteration starts from version 0.
    constexpr void close(std::int32_t w, std::int32_t stage) {
        stage_book& b = stages[at(stage)];
        if (b.newest == 0) return;
        r.add({.law = law::housed,
               .what = complaint::version_end,
               .worker = w,
               .stage = stage,
               .other = b.newest,
               .instruction = true});
        b.broken = true;
    }

    /// Walks once more, now that the last reader of each version is known, and counts how many live at once.
    constexpr void count_live(std::int32_t i) {
        const instruction& x = p.instructions[at(i)];
        if (!concerns(x) || stages[x.stage].broken) return;
        stage_book& b = stages[x.stage];
        if (b.peak == 0) {
            b.live = b.peak = 1;
            b.made = 0;
            for (std::int32_t k = 0; k < b.count; ++k) holds[at(b.buffers + k)] = k == 0 ? 0 : -1;
        }
        const std::size_t buffer = at(b.buffers + x.version);
        if (x.op == action::update_weights) {
            if (last_read[at(b.versions + b.made)] > i) ++b.live;
            holds[buffer] = ++b.made;
            b.peak = (std::max)(b.peak, b.live);
        } else if (holds[buffer] < b.made && last_read[at(b.versions + holds[buffer])] == i) {
            --b.live;
        }
    }

    constexpr void check_count(std::int32_t w, std::int32_t stage) {
        stage_book& b = stages[at(stage)];
        if (!b.broken && b.peak != buffers_of(w, stage))
            r.add({.law = law::housed,
                   .what = complaint::version_count,
                   .worker = w,
                   .stage = stage,
                   .other = b.peak,
                   .instruction = true});
        b = {};
    }

    constexpr void leave(std::int32_t i) {
        const instruction& x = p.instructions[at(i)];
        if (!concerns(x) || !is_compute(x.op)) return;
        for (std::int32_t u = x.first; u < x.first + x.count; ++u) home[x.stage * units + at(u)] = -1;
    }

    const program_view& p;
    const update_groups& groups;
    report& r;
    std::size_t units;
    std::vector<stage_book> stages;
    std::vector<std::int32_t> home;       // (stage, unit): the version that its forward read, while it is needed
    std::vector<std::int32_t> held;       // stages of the row at hand
    std::vector<std::int32_t> holds;      // per buffer: the version in it, -1: none
    std::vector<std::int32_t> readers;    // per buffer: forwards whose backward is to come
    std::vector<std::int32_t> last_read;  // per version: the last instruction that reads it
};

constexpr void check_versions(const program_view& p, const update_groups& groups, report& r) {
    version_book(p, groups, r).run();
}

}  // namespace chimera::detail
