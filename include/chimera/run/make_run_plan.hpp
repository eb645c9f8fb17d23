// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/run/connect_row.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera {
namespace detail {

/// Hands out ranges of consecutive buffers, the lowest that is free.
class range_pool {
public:
    constexpr std::int32_t take(std::int32_t count) {
        std::size_t from = 0;
        for (std::size_t i = 0; i < busy_.size() && i - from < static_cast<std::size_t>(count); ++i)
            if (busy_[i]) from = i + 1;
        const std::size_t end = from + static_cast<std::size_t>(count);
        if (end > busy_.size()) busy_.resize(end, 0);
        std::fill_n(busy_.begin() + static_cast<std::ptrdiff_t>(from), count, std::uint8_t{1});
        return static_cast<std::int32_t>(from);
    }
    constexpr void give_back(std::int32_t from, std::int32_t count) {
        std::fill_n(busy_.begin() + from, count, std::uint8_t{0});
    }
    [[nodiscard]] constexpr std::int32_t opened() const noexcept { return static_cast<std::int32_t>(busy_.size()); }

private:
    std::vector<std::uint8_t> busy_;
};

/// Gives the tensors of a connected row their buffers, and says before which step a message must be waited for: a
/// receive before its first reader, a send before what overwrites it.
class buffer_assignment {
public:
    constexpr buffer_assignment(connected_row from, std::int32_t rest)
        : row_(std::move(from)), rest_(rest), buffer_(row_.tensors.size(), -1) {}

    [[nodiscard]] constexpr run_plan run() {
        find_spans();
        std::vector<std::int32_t> order(row_.tensors.size(), 0);
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
        std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
            return tensor(a).from != tensor(b).from ? tensor(a).from < tensor(b).from : a < b;
        });
        for (const std::int32_t t : order) settle(t);
        plan().message_buffers = messages_.opened();
        plan().recompute_buffers = unfolded_.opened();
        write_places();
        find_reads();
        write_waits();
        return std::move(row_.plan);
    }

private:
    struct wait {
        std::int32_t step, message;
    };

    [[nodiscard]] constexpr run_plan& plan() noexcept { return row_.plan; }
    [[nodiscard]] constexpr boundary_tensor& tensor(std::int32_t t) {
        return row_.tensors[static_cast<std::size_t>(t)];
    }
    [[nodiscard]] constexpr bool sends(std::int32_t message) {
        return message >= 0 && plan().messages[static_cast<std::size_t>(message)].sends;
    }

    /// Turns positions into steps; a pair's steps count as one, and a sent tensor rests for some passes more.
    constexpr void find_spans() {
        const auto steps = static_cast<std::int32_t>(plan().steps.size());
        std::vector<std::int32_t> own, from, to;
        for (std::int32_t s = 0, start = 0; s < steps; ++s) {
            const run_step& step = plan().steps[static_cast<std::size_t>(s)];
            from.resize(from.size() + static_cast<std::size_t>(is_transfer(step.op) ? step.what.size : 1), start);
            own.resize(from.size(), s);
            if (!step.paired) start = s + 1;
        }
        to.assign(static_cast<std::size_t>(steps), 0);
        for (std::int32_t s = steps; s-- > 0;) {
            const auto at = static_cast<std::size_t>(s);
            to[at] = plan().steps[at].paired && s + 1 < steps ? to[at + 1] : s;
        }
        for (boundary_tensor& t : row_.tensors) {
            begins_.push_back(own[static_cast<std::size_t>(t.from)]);
            t.from = from[static_cast<std::size_t>(t.from)];
            t.to = to[static_cast<std::size_t>(from[static_cast<std::size_t>(t.to)])];
            if (sends(t.message)) t.to = rested(t.to);
        }
    }
    [[nodiscard]] constexpr std::int32_t rested(std::int32_t step) {
        for (std::int32_t left = rest_; left > 0 && step + 1 < static_cast<std::int32_t>(plan().steps.size());)
            if (is_compute(plan().steps[static_cast<std::size_t>(++step)].op)) --left;
        return step;
    }

    constexpr void settle(std::int32_t t) {
        const boundary_tensor& next = tensor(t);
        const auto ends = [&](std::int32_t a) {
            if (tensor(a).to >= next.from) return false;
            (tensor(a).unfolded ? unfolded_ : messages_)
                .give_back(buffer_[static_cast<std::size_t>(a)], tensor(a).count);
            return true;
        };
        live_.erase(std::remove_if(live_.begin(), live_.end(), ends), live_.end());
        const std::int32_t buffer = (next.unfolded ? unfolded_ : messages_).take(next.count);
        buffer_[static_cast<std::size_t>(t)] = buffer;
        live_.push_back(t);
        if (next.unfolded) return;
        sent_.resize(static_cast<std::size_t>(messages_.opened()), -1);
        for (std::int32_t b = buffer; b < buffer + next.count; ++b) {
            const std::int32_t before =
                std::exchange(sent_[static_cast<std::size_t>(b)], sends(next.message) ? next.message : -1);
            if (before >= 0) note(begins_[static_cast<std::size_t>(t)], before);
        }
    }
    constexpr void note(std::int32_t step, std::int32_t message) {
        waited_.resize(plan().messages.size(), 0);
        if (std::exchange(waited_[static_cast<std::size_t>(message)], std::uint8_t{1}) == 0)
            waits_.push_back({step, message});
    }

    constexpr void write_places() {
        for (std::size_t i = 0; i < row_.parts.size(); ++i)
            if (const tensor_part& part = row_.parts[i]; part.tensor >= 0)
                plan().places[i] = buffer_[static_cast<std::size_t>(part.tensor)] + part.unit;
        for (std::size_t m = 0; m < plan().messages.size(); ++m)
            plan().messages[m].buffer = buffer_[static_cast<std::size_t>(row_.of_message[m])];
    }

    constexpr void note_read(std::int32_t step, std::int32_t place) {
        const std::int32_t m = tensor(row_.parts[static_cast<std::size_t>(place)].tensor).message;
        if (m >= 0) note(step, m);
    }

    /// A receive is waited for before its first reader.
    constexpr void find_reads() {
        std::int32_t step = 0;
        for (const run_step& s : plan().steps) {
            if (is_compute(s.op)) {
                const run_pass& pass = plan().passes[static_cast<std::size_t>(s.what.from)];
                const std::int32_t count = pass.what.count, inputs = pass.places + count;
                for (std::int32_t i = inputs; pass.reads && i < inputs + count; ++i) note_read(step, i);
                const std::int32_t skips = inputs + (pass.reads + pass.writes + pass.unfolds) * count;
                for (std::int32_t i = skips; i < skips + pass.skips_read * count; ++i) note_read(step, i);
            }
            ++step;
        }
    }

    constexpr void write_waits() {
        for (std::int32_t m = 0; m < static_cast<std::int32_t>(plan().messages.size()); ++m)
            note(static_cast<std::int32_t>(plan().steps.size()), m);
        std::sort(waits_.begin(), waits_.end(), [](const wait& a, const wait& b) {
            return a.step != b.step ? a.step < b.step : a.message < b.message;
        });
        for (const wait& w : waits_) {
            const bool last = w.step == static_cast<std::int32_t>(plan().steps.size());
            run_range& of = last ? plan().last_waits : plan().steps[static_cast<std::size_t>(w.step)].waits;
            if (of.size++ == 0) of.from = static_cast<std::int32_t>(plan().waits.size());
            plan().waits.push_back(w.message);
        }
    }

    connected_row row_;
    std::int32_t rest_;
    std::vector<std::int32_t> buffer_;  // by tensor
    std::vector<std::int32_t> begins_;  // by tensor: the step that makes it, also within a pair
    std::vector<std::int32_t> live_;    // tensors
    range_pool messages_, unfolded_;
    std::vector<std::int32_t> sent_;    // by buffer: the send that had it last, -1: none
    std::vector<std::uint8_t> waited_;  // by message
    std::vector<wait> waits_;
};

}  // namespace detail

/// Options of `make_run_plan`.
struct run_options {
    /// A sent buffer rests for so many passes of the worker before it is written again. Sends that `start` only begins
    /// want 1 or 2, so that the wait before the next writer seldom lasts; the worker needs a few more buffers. Sends
    /// that have ended when the hook returns need none.
    std::int32_t rest = 0;
};

/// Returns what worker `w` of a program does, with every buffer in its place: set up once, and given to `run` in every
/// iteration. Linear in the row's instructions times the live messages. Throws `chimera_error` if the row does not add
/// up: a pass reads what nothing makes, or makes what nothing reads.
[[nodiscard]] constexpr run_plan make_run_plan(program_argument lowered, int w, run_options options = {}) {
    return detail::buffer_assignment(detail::row_connector(lowered, w).run(), options.rest).run();
}

/// Returns how many message buffers worker `w` needs, each of the largest activation or gradient of one unit that
/// passes between two stages.
[[nodiscard]] constexpr std::int32_t message_buffers(program_argument lowered, int w, run_options options = {}) {
    return make_run_plan(lowered, w, options).message_buffers;
}

}  // namespace chimera
