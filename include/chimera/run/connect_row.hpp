// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/links.hpp>
#include <chimera/program/program.hpp>
#include <chimera/run/describe_instruction.hpp>
#include <chimera/run/run_plan.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace chimera::detail {

/// A tensor that one pass of a worker hands to another, or a message brings or takes away, or a recompute unfolds. It
/// is live from one position of the worker's row to another, both included.
struct boundary_tensor {
    std::int32_t count = 1;  // units
    std::int32_t from = 0, to = 0;
    std::int32_t message = -1;  // the index of its call among the row's messages; -1: none
    bool unfolded = false;
};

/// One unit's part of a tensor.
struct tensor_part {
    std::int32_t tensor = -1, unit = 0;
};

/// A row whose passes and messages are connected by tensors that have no memory yet.
struct connected_row {
    run_plan plan;
    std::vector<boundary_tensor> tensors;
    std::vector<tensor_part> parts;        // beside plan.places; no tensor: an activation buffer
    std::vector<std::int32_t> of_message;  // beside plan.messages
};

/// Finds which message or pass of the same worker feeds which pass. Refuses a row that does not add up: a tensor that
/// is not made, or not used.
class row_connector {
public:
    constexpr row_connector(const program_view& p, int worker)
        : p_(p), worker_(worker), row_(p.row(worker)), units_(static_cast<std::size_t>(p.head.units())),
          local_(static_cast<std::size_t>(p.head.stages) + p.links.size(), -1), books_(local_.size(), book{}) {
        out_.plan.worker = worker;
        out_.plan.links.assign(p.links.begin(), p.links.end());
        out_.plan.activation_buffers = p.buffer_counts[static_cast<std::size_t>(worker)];
    }

    [[nodiscard]] constexpr connected_row run() {
        for (std::int32_t i = 0; i < size(); ++i) look_at(i);
        incoming_.resize(2 * units_ * static_cast<std::size_t>(touched_), tensor_part{});
        outgoing_.resize(incoming_.size(), tensor_part{});
        unfolded_.resize(any_recompute_ ? incoming_.size() / 2 : 0, tensor_part{});
        message_of_.resize(row_.size(), -1);
        for (std::int32_t i = 0; i < size(); ++i)
            if (is_transfer(at(i).op)) place_message(i);
        for (std::int32_t i = 0; i < size();) i += add_step(i);
        for (const tensor_part& left : incoming_)
            if (left.tensor >= 0) wrong(tensor(left).from, "what it yields is never used or sent");
        return std::move(out_);
    }

private:
    /// A stage on this worker, while its row is walked.
    struct book {
        bool recomputed = false, reducing = false;
        std::int32_t all_updates = 0, updates = 0;
        std::uint8_t newest = 0;
    };

    [[nodiscard]] constexpr std::int32_t size() const noexcept { return static_cast<std::int32_t>(row_.size()); }
    [[nodiscard]] constexpr const instruction& at(std::int32_t i) const { return row_[static_cast<std::size_t>(i)]; }
    [[noreturn]] void wrong(std::int32_t i, const char* why) const { cannot_run(p_, worker_, i, why); }
    [[nodiscard]] constexpr boundary_tensor& tensor(const tensor_part& part) {
        return out_.tensors[static_cast<std::size_t>(part.tensor)];
    }
    constexpr void extend(const tensor_part& part, std::int32_t i) { tensor(part).to = (std::max)(tensor(part).to, i); }

    constexpr void look_at(std::int32_t i) {
        const instruction& x = at(i);
        const bool reduces = x.op == action::reduce_gradient || x.op == action::wait_gradient;
        if (x.stage >= p_.head.stages && (!reduces || x.stage + 1u >= p_.member_offsets.size()))
            wrong(i, "there is no such stage");
        if (is_compute(x.op) || is_transfer(x.op)) {
            if (x.first < 0 || x.count == 0 || x.first > p_.head.units() - x.count) wrong(i, "there are no such units");
            touch(x.stage - 1), touch(x.stage), touch(x.stage + 1);
            for (std::size_t k = 0; k < p_.links.size(); ++k)
                if (p_.links[k].from == x.stage || p_.links[k].to == x.stage) touch_row(link_row(k));
            if (is_transfer(x.op) && x.list >= static_cast<std::int32_t>(p_.links.size()))
                wrong(i, "there is no such link");
        }
        if (x.op == action::recompute) any_recompute_ = books_[x.stage].recomputed = true;
        if (x.op == action::update_weights) ++books_[x.stage].all_updates;
        out_.plan.needs |= 1u << static_cast<unsigned>(x.op);
    }
    constexpr void touch(std::int32_t stage) {
        if (stage >= 0 && stage < p_.head.stages) touch_row(stage);
    }
    constexpr void touch_row(std::int32_t row) {
        if (std::int32_t& at = local_[static_cast<std::size_t>(row)]; at < 0) at = touched_++;
    }
    /// The row of a link's tensors, behind those of the stages.
    [[nodiscard]] constexpr std::int32_t link_row(std::size_t link) const noexcept {
        return p_.head.stages + static_cast<std::int32_t>(link);
    }

    /// The index of an activation or a gradient: by the stage that consumes it, or the link, and the unit.
    [[nodiscard]] constexpr std::size_t key(bool gradient, std::int32_t row, std::int32_t unit) const {
        const auto local = static_cast<std::size_t>(local_[static_cast<std::size_t>(row)]);
        return (2 * local + (gradient ? 1 : 0)) * units_ + static_cast<std::size_t>(unit);
    }
    constexpr tensor_part add_tensor(std::int32_t count, std::int32_t i) {
        out_.tensors.push_back({count, i, i, -1, false});
        return {static_cast<std::int32_t>(out_.tensors.size()) - 1, 0};
    }

    constexpr void place_message(std::int32_t i) {
        const bool gradient = at(i).op == action::send_gradient || at(i).op == action::recv_gradient;
        tensor_part part = add_tensor(at(i).count, i);
        message_of_[static_cast<std::size_t>(i)] = part.tensor;
        auto& parts = is_send(at(i).op) ? outgoing_ : incoming_;
        for (; part.unit < at(i).count; ++part.unit) {
            const std::int32_t row = at(i).list < 0 ? at(i).stage : link_row(static_cast<std::size_t>(at(i).list));
            tensor_part& held = parts[key(gradient, row, at(i).first + part.unit)];
            if (held.tensor >= 0) wrong(i, "a unit is transferred twice");
            held = part;
        }
    }

    /// Returns where a pass reads a unit, which an earlier receive or pass must have made.
    constexpr tensor_part take(bool gradient, std::int32_t stage, std::int32_t unit, std::int32_t i) {
        tensor_part& held = incoming_[key(gradient, stage, unit)];
        if (held.tensor < 0 || tensor(held).from >= i)
            wrong(i, gradient ? "nothing hands it its output gradient" : "nothing hands it its input");
        extend(held, i);
        return std::exchange(held, tensor_part{});
    }
    /// Returns where a pass writes a unit: into a message to be sent, or for a stage of the same worker.
    constexpr tensor_part give(bool gradient, std::int32_t stage, std::int32_t unit, std::int32_t i) {
        tensor_part& sent = outgoing_[key(gradient, stage, unit)];
        if (sent.tensor < 0) {
            tensor_part& held = incoming_[key(gradient, stage, unit)];
            if (held.tensor >= 0) wrong(i, "what it makes is also received");
            return held = add_tensor(1, i);
        }
        if (i > tensor(sent).to) wrong(i, "what it makes was sent before");
        tensor(sent).from = (std::min)(tensor(sent).from, i);
        return std::exchange(sent, tensor_part{});
    }
    /// Returns where a recompute unfolds a unit, or where a pass behind it reads that.
    constexpr tensor_part unfold(const instruction& x, std::int32_t unit, std::int32_t i) {
        tensor_part& held = unfolded_[(key(false, x.stage, 0) / 2) + static_cast<std::size_t>(unit)];
        if (x.op == action::recompute) {
            held = add_tensor(1, i);
            tensor(held).unfolded = true;
        } else if (held.tensor < 0) {
            wrong(i, "its activations were not recomputed");
        }
        extend(held, i);
        return held;
    }

    constexpr std::int32_t add_step(std::int32_t i) {
        run_step step{at(i).op, false, i, {}, {}};
        if (is_compute(step.op)) {
            step.what = {static_cast<std::int32_t>(out_.plan.passes.size()), 1};
            step.paired = at(i).overlap != 0 && i + 1 < size() && is_compute(at(i + 1).op);
            add_pass(at(i), i);
        } else if (is_transfer(step.op)) {
            step.what.from = static_cast<std::int32_t>(out_.plan.messages.size());
            step.what.size = add_group(i);
        } else {
            step.what = {static_cast<std::int32_t>(out_.plan.stages.size()), 1};
            add_stage(at(i), i);
        }
        out_.plan.steps.push_back(step);
        return is_transfer(step.op) ? step.what.size : 1;
    }

    constexpr void add_pass(const instruction& x, std::int32_t i) {
        const std::int32_t last = p_.head.stages - 1, s = x.stage;
        const bool forward = x.op == action::forward;
        const bool backward = x.op == action::backward || x.op == action::input_gradient;
        run_pass pass{x, static_cast<std::int32_t>(out_.plan.places.size())};
        pass.recomputed = books_[x.stage].recomputed;
        pass.from_data = forward && s == 0;
        pass.loss = s == last && (forward || backward);
        pass.reads = (forward && s > 0) || (backward && s < last);
        pass.writes = (forward && s < last) || (backward && s > 0);
        pass.unfolds = pass.recomputed && !forward;
        const std::int32_t to = forward ? s + 1 : s - 1;
        if (x.list >= 0 && static_cast<std::size_t>(x.list) + x.count > p_.buffers.size())
            wrong(i, "its list of activation buffers does not exist");
        for (std::int32_t k = 0; k < x.count; ++k) {
            const std::int32_t b = x.count > 1 && x.list < 0 ? -1 : p_.buffer_of(x, k);
            if (b < 0 || b >= out_.plan.activation_buffers) wrong(i, "its activation buffer does not exist");
            add_place(b, {});
        }
        for (std::int32_t u = x.first; pass.reads && u < x.first + x.count; ++u) add_place(-1, take(backward, s, u, i));
        for (std::int32_t u = x.first; pass.writes && u < x.first + x.count; ++u)
            add_place(-1, give(backward, to, u, i));
        for (std::int32_t u = x.first; pass.unfolds && u < x.first + x.count; ++u) add_place(-1, unfold(x, u, i));
        if (forward || backward) add_skips(x, i, pass);
        out_.plan.passes.push_back(pass);
    }
    constexpr void add_skips(const instruction& x, std::int32_t i, run_pass& pass) {
        const bool backward = x.op != action::forward;
        for (const bool reads : {true, false})
            for (std::size_t k = 0; k < p_.links.size(); ++k) {
                const stage_link& l = p_.links[k];
                if (!(reads ? reads_link(l, backward, x.stage) : feeds_link(l, backward, x.stage))) continue;
                for (std::int32_t u = x.first; u < x.first + x.count; ++u)
                    add_place(-1, reads ? take(backward, link_row(k), u, i) : give(backward, link_row(k), u, i));
                ++(reads ? pass.skips_read : pass.skips_written);
            }
    }
    constexpr void add_place(std::int32_t buffer, const tensor_part& part) {
        out_.plan.places.push_back(buffer);
        out_.parts.push_back(part);
    }

    /// Returns how many calls the group has.
    constexpr std::int32_t add_group(std::int32_t first) {
        std::int32_t i = first;
        do {
            const instruction& x = at(i);
            const tensor_part of{message_of_[static_cast<std::size_t>(i)], 0};
            if (is_send(x.op) && tensor(of).from >= i) wrong(i, "what it sends is not made before");
            tensor(of).message = static_cast<std::int32_t>(out_.plan.messages.size());
            out_.of_message.push_back(of.tensor);
            const bool gradient = x.op == action::send_gradient || x.op == action::recv_gradient;
            out_.plan.messages.push_back({is_send(x.op), gradient, x.stage, x.pipeline, x.first, x.count, -1, x.peer,
                                          x.message, x.group, x.list});
            ++i;
        } while (i < size() && is_transfer(at(i).op) && at(first).group >= 0 && at(i).group == at(first).group);
        // A group's tensors are in use at the same time.
        for (std::int32_t k = first; k < i; ++k) extend({message_of_[static_cast<std::size_t>(k)], 0}, i - 1);
        return i - first;
    }

    constexpr void add_stage(const instruction& x, std::int32_t i) {
        book& of = books_[x.stage];
        run_stage next{};
        next.what.stage = x.stage;
        if (x.stage >= p_.head.stages) {
            next.what.tied = x.stage - p_.head.stages;
            next.what.stage = tied_links(p_.links)[static_cast<std::size_t>(next.what.tied)].from;
        }
        next.what.update = of.updates;
        next.what.last = of.updates + 1 >= of.all_updates;
        if (x.op == action::reduce_gradient && std::exchange(of.reducing, true)) wrong(i, "the stage is reduced twice");
        if (x.op == action::wait_gradient && !of.reducing) wrong(i, "its reduction was not started");
        if (x.op == action::update_weights) {
            next.what.version = x.version;
            next.what.newest = std::exchange(of.newest, x.version);
            ++of.updates;
            of.reducing = false;
        } else {
            const auto members = p_.replica_group(x.stage);
            next.members = {static_cast<std::int32_t>(out_.plan.members.size()),
                            static_cast<std::int32_t>(members.size())};
            out_.plan.members.insert(out_.plan.members.end(), members.begin(), members.end());
        }
        out_.plan.stages.push_back(next);
    }

    program_view p_;
    std::int32_t worker_;
    std::span<const instruction> row_;
    std::size_t units_;
    std::vector<std::int32_t> local_;  // by stage: its place in the tables below, -1: none
    std::vector<book> books_;          // by stage
    std::int32_t touched_ = 0;
    bool any_recompute_ = false;
    std::vector<tensor_part> incoming_, outgoing_;  // (local stage, activation or gradient, unit)
    std::vector<tensor_part> unfolded_;             // (local stage, unit)
    std::vector<std::int32_t> message_of_;          // by position: the tensor of a transfer
    connected_row out_;
};

}  // namespace chimera::detail
