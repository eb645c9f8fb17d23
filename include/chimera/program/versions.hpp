// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/program/program.hpp>
#include <chimera/program/update_group.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail {

// Not constexpr: in constant evaluation the call itself is the diagnosis.
[[noreturn]] inline void too_many_versions(std::int32_t stage) {
    refuse(
        "stage " + std::to_string(stage) +
        " needs more than 256 weight versions (an instruction names one in 8 bits) use fewer stages or micro-batches");
}
[[noreturn]] inline void version_not_made(std::int32_t stage, std::int32_t unit) {
    refuse("stage " + std::to_string(stage) + ", unit " + std::to_string(unit) +
           " reads weights that are not made yet (double_buffered: of the update before the last) make update_every "
           "larger, "
           "at least as many as there are stages");
}

[[noreturn]] inline void mixed_versions(std::int32_t stage, std::int32_t unit) {
    refuse("stage " + std::to_string(stage) + ", unit " + std::to_string(unit) +
           " reads other weights than the unit before it in the same slot (a slot reads one version) split the slot or "
           "make "
           "update_every a multiple of its units");
}

/// Gives the weight versions of every stage their buffers by liveness: a version is live from the update that makes it
/// to its last reader, and at least to the next update, which starts from it. That one may leave its result in the same
/// buffer. The last update leaves it in buffer 0, where the next iteration starts.
class version_allotment {
public:
    constexpr version_allotment(program& p, const update_groups& groups)
        : p_(p), groups_(groups), units_(static_cast<std::size_t>(p.head.units())),
          read_(units_ * static_cast<std::size_t>(p.head.stages), 0), made_(static_cast<std::size_t>(p.head.stages), 0),
          opened_(made_), free_(made_.size()), versions_(static_cast<std::size_t>(groups.count) + 1),
          last_read_(made_.size() * versions_, -1), buffer_(made_.size() * versions_, 0) {}

    constexpr void run() {
        p_.version_counts.assign(p_.members.size(), 1);
        for (std::int32_t w = 0; w < p_.head.workers; ++w) {
            const std::int32_t begin = p_.offsets[at(w)], end = p_.offsets[at(w) + 1];
            for (std::int32_t i = begin; i < end; ++i) reset(p_.instructions[at(i)].stage);
            for (std::int32_t i = begin; i < end; ++i) find_reader(p_.instructions[at(i)], i);
            for (std::int32_t i = begin; i < end; ++i) made_[p_.instructions[at(i)].stage] = 0;
            for (std::int32_t i = begin; i < end; ++i) give(p_.instructions[at(i)], i);
            for (std::int32_t i = begin; i < end; ++i) count(w, p_.instructions[at(i)]);
        }
    }

private:
    [[nodiscard]] static constexpr std::size_t at(std::int32_t i) noexcept { return static_cast<std::size_t>(i); }
    [[nodiscard]] constexpr std::size_t cell(std::uint16_t stage, std::int32_t version) const noexcept {
        return stage * versions_ + at(version);
    }

    constexpr void reset(std::uint16_t stage) {
        if (opened_[stage] == 0) return;
        std::fill_n(last_read_.begin() + static_cast<std::ptrdiff_t>(cell(stage, 0)), versions_, -1);
        made_[stage] = opened_[stage] = 0;
        free_[stage].clear();
    }

    constexpr void find_reader(const instruction& x, std::int32_t i) {
        if (x.op == action::update_weights) ++made_[x.stage];
        if (!is_compute(x.op)) return;
        for (std::int32_t u = x.first; u < x.first + x.count; ++u) {
            std::int32_t& version = read_[x.stage * units_ + at(u)];
            if (x.op == action::forward) version = updates_read(p_.head.update, groups_[u], made_[x.stage]);
            if (version > made_[x.stage]) version_not_made(x.stage, u);
            if (version != read_[x.stage * units_ + at(x.first)]) mixed_versions(x.stage, u);
            last_read_[cell(x.stage, version)] = i;
        }
    }

    constexpr void give(instruction& x, std::int32_t i) {
        if (opened_[x.stage] == 0) opened_[x.stage] = 1;  // version 0 starts in buffer 0
        std::int32_t& made = made_[x.stage];
        if (x.op == action::update_weights) {
            release(x.stage, made, i - 1);
            ++made;
            x.version = static_cast<std::uint8_t>(buffer_[cell(x.stage, made)] =
                                                      take(x.stage, made + 1 == static_cast<std::int32_t>(versions_)));
        } else if (is_compute(x.op)) {
            const std::int32_t version = read_[x.stage * units_ + at(x.first)];
            x.version = static_cast<std::uint8_t>(buffer_[cell(x.stage, version)]);
            if (version < made) release(x.stage, version, i);
        }
    }

    /// Gives the version's buffer back unless something after instruction i reads it.
    constexpr void release(std::uint16_t stage, std::int32_t version, std::int32_t i) {
        if (last_read_[cell(stage, version)] <= i) free_[stage].push_back(buffer_[cell(stage, version)]);
    }

    constexpr std::int32_t take(std::uint16_t stage, bool last) {
        std::vector<std::int32_t>& free = free_[stage];
        if (free.empty()) {
            if (opened_[stage] == 256) too_many_versions(stage);
            return opened_[stage]++;
        }
        if (const auto zero = std::find(free.begin(), free.end(), 0); last && zero != free.end())
            std::iter_swap(zero, free.end() - 1);
        const std::int32_t buffer = free.back();
        free.pop_back();
        return buffer;
    }

    constexpr void count(std::int32_t w, const instruction& x) {
        if (x.op != action::update_weights) return;
        for (std::int32_t m = p_.member_offsets[x.stage]; m < p_.member_offsets[x.stage + 1u]; ++m)
            if (p_.members[at(m)] == w) p_.version_counts[at(m)] = opened_[x.stage];
    }

    program& p_;
    const update_groups& groups_;
    std::size_t units_;
    std::vector<std::int32_t> read_;    // (stage, unit): the version that its passes read, as updates made before it
    std::vector<std::int32_t> made_;    // stage: updates so far in the row
    std::vector<std::int32_t> opened_;  // stage: buffers in use so far
    std::vector<std::vector<std::int32_t>> free_;
    std::size_t versions_;                 // updates + 1
    std::vector<std::int32_t> last_read_;  // (stage, version): the last instruction that reads it, -1: none
    std::vector<std::int32_t> buffer_;     // (stage, version)
};

}  // namespace chimera::detail
