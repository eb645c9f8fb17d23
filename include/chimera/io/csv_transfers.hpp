// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/complaint.hpp>
#include <chimera/io/csv_cells.hpp>
#include <chimera/io/table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace chimera::detail::reading {

/// A tensor between two stages: `to` receives the activation or the gradient of a micro-batch.
using tensor = std::tuple<bool, std::int32_t, std::int32_t>;  // gradient, stage that receives, micro-batch

struct event {
    tensor what;
    const csv_cell* cell;
};

/// Everything of one kind, ordered by tensor.
class events {
public:
    void add(const tensor& what, const csv_cell& cell) { all_.push_back({what, &cell}); }
    void sort() {
        std::sort(all_.begin(), all_.end(), [](const event& a, const event& b) { return a.what < b.what; });
    }
    const csv_cell* find(const tensor& what) const {
        const auto at = std::lower_bound(all_.begin(), all_.end(), what,
                                         [](const event& e, const tensor& t) { return e.what < t; });
        return at != all_.end() && at->what == what ? at->cell : nullptr;
    }
    auto begin() const { return all_.begin(); }
    auto end() const { return all_.end(); }

private:
    std::vector<event> all_;
};

[[noreturn]] inline void contradict(const csv_cell& c, complaint fault, const std::string& what) {
    throw contradiction(place_of(c) + text_of(c) + ' ' + what, fault);
}

struct transfer_check {
    const std::vector<std::int32_t>& placement;
    events made{}, needed{}, sends{}, receives{};

    std::int32_t stages() const { return static_cast<std::int32_t>(placement.size()); }

    void take_pass(const csv_cell& c) {
        const bool forward = c.op == action::forward;
        if (!forward && c.op != action::backward && c.op != action::input_gradient) return;
        const std::int32_t next = c.stage + (forward ? 1 : -1);
        const std::int32_t before = c.stage - (forward ? 1 : -1);
        if (next >= 0 && next < stages()) made.add({!forward, next, c.micro_batch}, c);
        if (before >= 0 && before < stages()) needed.add({!forward, c.stage, c.micro_batch}, c);
    }

    void take_transfer(const csv_cell& c) {
        if (c.stage >= stages() || placement[static_cast<std::size_t>(c.stage)] != c.row)
            contradict(c, complaint::needless,
                       "is on another worker than its stage (which computes elsewhere) move it to that row");
        const bool gradient = c.op == action::send_gradient || c.op == action::recv_gradient;
        if (is_recv(c.op)) return receives.add({gradient, c.stage, c.micro_batch}, c);
        sends.add({gradient, c.stage + (gradient ? -1 : 1), c.micro_batch}, c);
    }

    void check() {
        for (events* e : {&made, &needed, &sends, &receives}) e->sort();
        for (const event& e : sends) {
            const csv_cell* from = made.find(e.what);
            if (from == nullptr)
                contradict(*e.cell, complaint::needless, "sends what no pass yields (law matched) remove it");
            if (from->order >= e.cell->order)
                contradict(*e.cell, complaint::send_early,
                           "comes before " + text_of(*from) + " (law matched) move it behind");
            if (receives.find(e.what) == nullptr)
                contradict(*e.cell, complaint::never_received, "is received by nobody (law matched) add the receive");
        }
        for (const event& e : receives) {
            const csv_cell* to = needed.find(e.what);
            if (to == nullptr)
                contradict(*e.cell, complaint::needless, "receives what no pass needs (law matched) remove it");
            if (to->order <= e.cell->order)
                contradict(*e.cell, complaint::receive_late,
                           "comes after " + text_of(*to) + " (law matched) move it before");
            if (sends.find(e.what) == nullptr)
                contradict(*e.cell, complaint::never_sent, "is sent by nobody (law matched) add the send");
        }
        for (const event& e : needed) {
            const csv_cell* from = made.find(e.what);
            if (from == nullptr || from->row == e.cell->row || receives.find(e.what) != nullptr) continue;
            contradict(*e.cell, complaint::no_transfer,
                       "receives nothing from " + text_of(*from) + " (law matched) add a send and a receive");
        }
    }
};

/// Throws contradiction where transfers do not fit the passes: sends and receives without partner, on another worker
/// than their stage, before what they send or after what needs them, or none where one is needed.
/// `placement`: the row of every stage.
inline void check_transfers(const csv_cells& of, const std::vector<std::int32_t>& placement) {
    transfer_check check{placement};
    for (const csv_cell& c : of.passes) check.take_pass(c);
    for (const csv_cell& c : of.transfers) check.take_transfer(c);
    check.check();
}

}  // namespace chimera::detail::reading
