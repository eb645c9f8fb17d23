// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/stage_memory.hpp>
#include <chimera/program/links.hpp>
#include <chimera/program/program.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera::detail {

/// A tensor beside the activation buffers, from one instruction of a worker's row to another, both included.
struct tensor_life {
    double bytes = 0;
    std::int32_t from = 0, to = 0;
    bool unfolded = false;  ///< recomputed activations, no boundary tensor
};

/// Finds the tensors that a worker's row needs and their lifetimes: what is received until it is consumed, what is made
/// until its transfers are done (a group of transfers has all of its tensors at once), what two stages of the worker
/// hand each other, and activations that are recomputed until their (weight) backward. A row that does not add up gets
/// what it names; verify judges it.
class tensor_lives {
public:
    constexpr tensor_lives(program_view p, std::span<const stage_memory> stages)
        : p_(p), stages_(stages), units_(static_cast<std::size_t>(p.head.units())),
          half_(units_ * (static_cast<std::size_t>(p.head.stages) + p.links.size())), received_(2 * half_, -1),
          sent_(2 * half_, -1), unfolded_(half_, -1) {}

    constexpr const std::vector<tensor_life>& of(int worker) {
        row_ = p_.row(worker);
        lives_.clear();
        transfers_ = 0;
        for (std::int32_t i = 0; i < size(); ++i)
            if (is_transfer(at(i).op)) place(i);
        for (std::int32_t i = 0; i < size();)
            if (is_transfer(at(i).op))
                i = join_group(i);
            else
                compute(i++);
        return lives_;
    }

private:
    constexpr std::int32_t size() const { return static_cast<std::int32_t>(row_.size()); }
    constexpr const instruction& at(std::int32_t i) const { return row_[static_cast<std::size_t>(i)]; }
    constexpr const stage_memory& stage(int s) const { return stages_[static_cast<std::size_t>(s)]; }
    constexpr std::size_t cell(bool gradient, int s, int unit) const {
        return (gradient ? half_ : 0) + static_cast<std::size_t>(s) * units_ + static_cast<std::size_t>(unit);
    }
    constexpr std::int32_t add(double bytes, std::int32_t i, bool unfolded = false) {
        lives_.push_back({bytes, i, i, unfolded});
        return static_cast<std::int32_t>(lives_.size()) - 1;
    }
    constexpr void extend(std::int32_t life, std::int32_t i) {
        tensor_life& l = lives_[static_cast<std::size_t>(life)];
        l.to = (std::max)(l.to, i);
    }

    constexpr void place(std::int32_t i) {
        const instruction& x = at(i);
        const bool gradient = x.op == action::send_gradient || x.op == action::recv_gradient;
        const bool linked = x.list >= 0 && static_cast<std::size_t>(x.list) < p_.links.size();
        const double bytes = linked     ? stage(p_.links[static_cast<std::size_t>(x.list)].from).output
                             : gradient ? stage(x.stage).output
                                        : stage(x.stage).input;
        const std::int32_t life = add(bytes * x.count, i);
        const int row = linked ? p_.head.stages + x.list : x.stage;
        for (int u = x.first; u < x.first + x.count; ++u)
            (is_send(x.op) ? sent_ : received_)[cell(gradient, row, u)] = life;
    }
    /// Lives of transfers stand in the order of the transfers.
    constexpr std::int32_t join_group(std::int32_t i) {
        const std::int32_t begin = i;
        do ++i;
        while (i < size() && is_transfer(at(i).op) && at(begin).group >= 0 && at(i).group == at(begin).group);
        for (std::int32_t k = begin; k < i; ++k) extend(transfers_++, i - 1);
        return i;
    }

    constexpr void compute(std::int32_t i) {
        const instruction& x = at(i);
        if (!is_compute(x.op)) return;
        const int s = x.stage, last = p_.head.stages - 1;
        const bool forward = x.op == action::forward;
        const bool backward = x.op == action::backward || x.op == action::input_gradient;
        for (int u = x.first; u < x.first + x.count; ++u) {
            if (forward && s > 0) take(cell(false, s, u), i);
            if (forward && s < last) give(cell(false, s + 1, u), stage(s).output, i);
            if (backward && s < last) take(cell(true, s, u), i);
            if (backward && s > 0) give(cell(true, s - 1, u), stage(s).input, i);
            for (std::size_t k = 0; (forward || backward) && k < p_.links.size(); ++k) {
                const stage_link& l = p_.links[k];
                const std::size_t c = cell(backward, p_.head.stages + static_cast<int>(k), u);
                if (reads_link(l, backward, s)) take(c, i);
                if (feeds_link(l, backward, s)) give(c, stage(l.from).output, i);
            }
            std::int32_t& full = unfolded_[cell(false, s, u)];
            if (x.op == action::recompute) full = add(stage(s).unfolded, i, true);
            if (!forward && full >= 0) extend(full, i);
            if (x.op == action::backward || x.op == action::weight_gradient) full = -1;
        }
    }
    constexpr void take(std::size_t c, std::int32_t i) {
        if (received_[c] >= 0) extend(received_[c], i);
        received_[c] = -1;
    }
    constexpr void give(std::size_t c, double bytes, std::int32_t i) {
        if (sent_[c] < 0) {
            received_[c] = add(bytes, i);
            return;
        }
        tensor_life& l = lives_[static_cast<std::size_t>(sent_[c])];
        l.from = (std::min)(l.from, i);
        sent_[c] = -1;
    }

    program_view p_;
    std::span<const stage_memory> stages_;
    std::size_t units_, half_;
    std::vector<std::int32_t> received_, sent_, unfolded_;  // (gradient, stage, unit) → life; -1: none
    std::span<const instruction> row_;
    std::vector<tensor_life> lives_;
    std::int32_t transfers_ = 0;  // of the row, so far
};

/// Bytes of one piece of memory that holds all tensors, laid out beforehand: each takes the place of a dead one of its
/// size, if there is one, so a size needs as many places as it has tensors at a time.
constexpr double pooled(std::vector<tensor_life> lives, double alignment) {
    for (tensor_life& l : lives) l.bytes = padded_to(l.bytes, alignment);
    std::sort(lives.begin(), lives.end(), [](const tensor_life& a, const tensor_life& b) {
        return a.bytes != b.bytes ? a.bytes < b.bytes : a.from < b.from;
    });
    double sum = 0;
    std::vector<std::int32_t> ends;
    for (std::size_t i = 0; i < lives.size();) {
        const std::size_t begin = i;
        ends.clear();
        for (; i < lives.size() && lives[i].bytes == lives[begin].bytes; ++i) ends.push_back(lives[i].to);
        std::sort(ends.begin(), ends.end());
        std::size_t most = 0, dead = 0;
        for (std::size_t k = begin; k < i; ++k) {
            while (ends[dead] < lives[k].from) ++dead;
            most = (std::max)(most, k - begin + 1 - dead);
        }
        sum += static_cast<double>(most) * lives[begin].bytes;
    }
    return sum;
}

}  // namespace chimera::detail
