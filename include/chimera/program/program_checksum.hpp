// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace chimera {

// Plain loops over pointers, each step one expression on a copy: at compile time GCC takes far longer for calls.

/// Returns a sum of the instructions of a worker, in order: FNV-1a (64 bits; Fowler, Noll, Vo) of two numbers each.
/// Rows that differ in one field of one instruction have different sums.
[[nodiscard]] constexpr std::uint64_t checksum(std::span<const instruction> row) noexcept {
    using wide = std::uint64_t;
    constexpr wide prime = 0x100000001b3;
    const instruction* const all = row.data();
    const std::size_t count = row.size();
    wide sum = 0xcbf29ce484222325 ^ count;
    for (std::size_t k = 0; k < count; ++k) {
        const instruction i = all[k];
        sum = (((sum ^ (wide(i.op) << 56 | wide{i.count} << 49 | wide{i.overlap} << 48 | wide{i.pipeline} << 32 |
                        wide{i.stage} << 16 | wide{i.inputs} << 8 | wide{i.version})) *
                prime) ^
               (wide(i.first) + wide(i.peer) * 0x9e3779b97f4a7c15 + wide(i.buffer) * 0xbf58476d1ce4e5b9 +
                wide(i.group) * 0x94d049bb133111eb + wide(i.message) * 0xd6e8feb86659fd93 +
                wide(i.list) * 0xa0761d6478bd642f)) *
              prime;
    }
    return sum;
}

/// Returns a sum of all that a program says beside its instructions: its sizes and lists.
[[nodiscard]] constexpr std::uint64_t checksum_of_lists(program_argument table) noexcept {
    constexpr std::uint64_t prime = 0x100000001b3;
    std::uint64_t sum = 0xcbf29ce484222325;
    const std::string_view family = table.head.family.view();
    for (std::size_t k = 0; k < family.size(); ++k) sum = (sum ^ static_cast<unsigned char>(family[k])) * prime;
    const shape& h = table.head;
    const std::int32_t sizes[] = {h.workers,           h.stages,
                                  h.pipelines,         h.micro_batches,
                                  h.micro_batch_parts, static_cast<std::int32_t>(h.update),
                                  h.update_every,      table.messages};
    const std::span<const std::int32_t> lists[] = {
        sizes,         table.placement,      table.offsets,       table.buffers,
        table.members, table.member_offsets, table.buffer_counts, table.version_counts};
    for (const std::span<const std::int32_t>& list : lists) {
        const std::int32_t* const values = list.data();
        const std::size_t count = list.size();
        sum = (sum ^ count) * prime;
        for (std::size_t k = 0; k < count; ++k) sum = (sum ^ static_cast<std::uint32_t>(values[k])) * prime;
    }
    for (const stage_link& l : table.links)
        sum = (sum ^ (std::uint64_t{l.from} << 32 | std::uint64_t{l.to} << 8 | static_cast<std::uint64_t>(l.kind)) ^
               std::uint64_t{1} << 60) *
              prime;
    return sum;
}

}  // namespace chimera
