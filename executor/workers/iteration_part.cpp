// SPDX-License-Identifier: Apache-2.0
#include <executor/workers/byte_stream.hpp>
#include <executor/workers/iteration_part.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

blob packed(const iteration_part& of) {
    packer to;
    to.add(of.began);
    to.add_all(std::span<const double>(of.losses));
    to.add_all(std::span<const double>(of.norms));
    to.add_all(std::span<const std::int32_t>(of.measured.offsets));
    to.add_all(std::span<const step>(of.measured.steps));
    to.add_all(std::span<const std::int32_t>(of.measured.reduction_offsets));
    to.add_all(std::span<const step>(of.measured.reductions));
    return to.bytes();
}

iteration_part unpacked(const blob& bytes) {
    unpacker from(bytes);
    iteration_part of;
    of.began = from.take<double>();
    of.losses = from.take_all<double>();
    of.norms = from.take_all<double>();
    of.measured.offsets = from.take_all<std::int32_t>();
    of.measured.steps = from.take_all<step>();
    of.measured.reduction_offsets = from.take_all<std::int32_t>();
    of.measured.reductions = from.take_all<step>();
    return of;
}

void add(std::vector<double>& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < std::min(to.size(), from.size()); ++i) to[i] += from[i];
}

/// Row `w` of what one process has measured, behind the rows before it.
void append(std::vector<std::int32_t>& offsets, std::vector<step>& to, std::span<const step> row, double later) {
    for (step one : row) {
        one.begin += later;
        one.end += later;
        to.push_back(one);
    }
    offsets.push_back(static_cast<std::int32_t>(to.size()));
}

}  // namespace

std::optional<iteration_part> put_together(crew& all, const iteration_part& mine) {
    if (all.alone()) return mine;
    const auto said = all.collect(packed(mine));
    if (!all.leads()) return std::nullopt;
    std::vector<iteration_part> parts;
    for (const blob& one : said) parts.push_back(unpacked(one));
    iteration_part whole{mine.began, mine.losses, mine.norms, {}};
    for (std::size_t r = 1; r < parts.size(); ++r) {
        whole.began = std::min(whole.began, parts[r].began);
        add(whole.losses, parts[r].losses);
        add(whole.norms, parts[r].norms);
    }
    timeline& to = whole.measured;
    to.head = mine.measured.head;
    to.placement = mine.measured.placement;
    to.offsets.assign(1, 0);
    to.reduction_offsets.assign(1, 0);
    const int each = to.head.workers / all.size();
    for (int w = 0; w < to.head.workers; ++w) {
        const iteration_part& its = parts[static_cast<std::size_t>(w / each)];
        append(to.offsets, to.steps, its.measured.row(w), its.began - whole.began);
        append(to.reduction_offsets, to.reductions, its.measured.reductions_of(w), its.began - whole.began);
    }
    return whole;
}

}  // namespace chimera::executor
