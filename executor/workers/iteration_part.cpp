// SPDX-License-Identifier: Apache-2.0
#include <executor/workers/byte_stream.hpp>
#include <executor/workers/iteration_part.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

constexpr double longest = 1e9;  // seconds that anything may be away from the beginning

/// What a worker does in an iteration, in the order of its timeline, without times.
struct row {
    std::vector<step> steps, reductions;
};

row row_of(const program_view& program, int worker) {
    row all;
    for (const instruction& i : program.row(worker)) {
        const step one{i.op, i.count, i.pipeline, i.stage, i.first, 0, 0};
        if (is_compute(i.op) || i.op == action::update_weights) all.steps.push_back(one);
        if (i.op == action::reduce_gradient) all.reductions.push_back(one);
    }
    return all;
}

void add_times(packer& to, std::span<const step> all) {
    for (const step& one : all) {
        to.add(one.begin);
        to.add(one.end);
    }
}

/// Losses, norms and times; what the times are of, rank 0 knows.
blob packed(const process_group& all, const iteration_part& of) {
    packer to;
    to.add(of.began);
    to.add_all(std::span<const double>(of.losses));
    to.add_all(std::span<const double>(of.norms));
    for (const int w : all.here()) {
        add_times(to, of.measured.row(w));
        add_times(to, of.measured.reductions_of(w));
    }
    return to.bytes();
}

std::size_t bytes_of(const process_group& all, const program_view& program, const iteration_part& mine, int rank) {
    std::size_t doubles = 1 + mine.losses.size() + mine.norms.size();
    const int each = program.head.workers / all.size();
    for (int w = rank * each; w < (rank + 1) * each; ++w) {
        const row its = row_of(program, w);
        doubles += 2 * (its.steps.size() + its.reductions.size());
    }
    return doubles * sizeof(double) + 2 * sizeof(std::uint64_t);
}

void read_times(unpacker& from, std::vector<step>& all) {
    for (step& one : all) {
        one.begin = from.take<double>(-longest, longest, "the time");
        one.end = from.take<double>(one.begin, longest, "the time");
    }
}

void add(std::vector<double>& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

/// What one process has measured of a worker, behind the rows before it.
void append(std::vector<std::int32_t>& offsets, std::vector<step>& to, std::span<const step> from, double later) {
    for (step one : from) {
        one.begin += later;
        one.end += later;
        to.push_back(one);
    }
    offsets.push_back(static_cast<std::int32_t>(to.size()));
}

/// What a rank says, by what it must be.
struct rank_part {
    double began = 0;
    std::vector<double> losses, norms;
    std::vector<row> rows;  ///< of its workers
};

rank_part unpacked(const blob& bytes, int rank, int ranks, const program_view& program, const iteration_part& mine) {
    unpacker from(bytes, rank);
    rank_part of;
    of.began = from.take<double>(mine.began - longest, mine.began + longest, "the time");
    of.losses = from.take_all<double>(mine.losses.size(), "losses");
    of.norms = from.take_all<double>(mine.norms.size(), "norms");
    const int each = program.head.workers / ranks;
    for (int w = rank * each; w < (rank + 1) * each; ++w) {
        row& its = of.rows.emplace_back(row_of(program, w));
        read_times(from, its.steps);
        read_times(from, its.reductions);
    }
    from.end();
    return of;
}

}  // namespace

std::optional<iteration_part> put_together(process_group& all, const program_view& program,
                                           const iteration_part& mine) {
    if (all.alone()) return mine;
    std::vector<std::size_t> due;
    if (all.leads())
        for (int r = 0; r < all.size(); ++r) due.push_back(bytes_of(all, program, mine, r));
    const auto said = all.collect(packed(all, mine), due);
    if (!all.leads()) return std::nullopt;
    std::vector<rank_part> parts;
    for (const blob& one : said)
        parts.push_back(unpacked(one, static_cast<int>(parts.size()), all.size(), program, mine));
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
    for (const rank_part& its : parts)
        for (const row& each : its.rows) {
            append(to.offsets, to.steps, each.steps, its.began - whole.began);
            append(to.reduction_offsets, to.reductions, each.reductions, its.began - whole.began);
        }
    return whole;
}

}  // namespace chimera::executor
