// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/run/run_row.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

/// The ways in which a row can spoil a buffer.
enum class buffer_fault : std::uint8_t {
    none,            ///< no fault
    no_such_buffer,  ///< a number outside the row's buffers
    overwritten,     ///< written before its last reader, or while a message is under way in it
    wrong_content,   ///< read, but it holds something else
    not_waited,      ///< read before its receive was waited for, or a message that is never waited for
    left_over,       ///< never read or sent
};

namespace detail {

/// Plays a row and looks into its buffers. Shares nothing with what assigned them.
class delivery {
public:
    /// `together`: as a trainer with the hook `pair` goes on.
    constexpr delivery(const run_row& row, bool together)
        : row_(row), together_(together), messages_(static_cast<std::size_t>(row.message_buffers), cell{}),
          unfolded_(static_cast<std::size_t>(row.recompute_buffers), cell{}) {}

    [[nodiscard]] constexpr buffer_fault run() {
        for (std::size_t s = 0; s < row_.steps.size() && found_ == buffer_fault::none; ++s) {
            wait(row_.steps[s].waits);
            if (together_ && row_.steps[s].paired && s + 1 < row_.steps.size()) {
                wait(row_.steps[s + 1].waits);
                play(row_.steps[s++]);
            }
            play(row_.steps[s]);
            for (cell* c : read_) c->state = held::nothing;
            read_.clear();
        }
        wait(row_.last_waits);
        for (const cell& c : messages_)
            if (c.state != held::nothing) fault(c.sent ? buffer_fault::not_waited : buffer_fault::left_over);
        return found_;
    }

private:
    enum class held : std::uint8_t { nothing, there, coming, going };
    struct cell {
        held state = held::nothing;
        bool gradient = false, sent = false;
        std::int32_t stage = -1, unit = -1;  // the stage that reads it
        std::int32_t link = -1;
    };

    constexpr void fault(buffer_fault what) {
        if (found_ == buffer_fault::none) found_ = what;
    }
    [[nodiscard]] constexpr cell* find(std::vector<cell>& all, std::int32_t b) {
        if (b >= 0 && static_cast<std::size_t>(b) < all.size()) return &all[static_cast<std::size_t>(b)];
        fault(buffer_fault::no_such_buffer);
        return nullptr;
    }
    constexpr void write(std::vector<cell>& all, std::int32_t b, const cell& what) {
        cell* c = find(all, b);
        if (c == nullptr) return;
        if (c->state != held::nothing) fault(buffer_fault::overwritten);
        *c = what;
    }
    constexpr cell* expect(std::vector<cell>& all, std::int32_t b, const cell& what) {
        cell* c = find(all, b);
        if (c == nullptr) return nullptr;
        if (c->state == held::coming) fault(buffer_fault::not_waited);
        if (c->state == held::nothing || c->gradient != what.gradient || c->stage != what.stage ||
            c->unit != what.unit || c->link != what.link)
            fault(buffer_fault::wrong_content);
        return c;
    }

    /// Plays a step. The caller empties the buffers that it reads after both passes of a pair, which may run together.
    constexpr void play(const run_step& s) {
        if (is_compute(s.op)) return pass(row_.pass_of(s));
        if (!is_transfer(s.op)) return;
        for (const message_call& m : s.what.in(row_.messages)) start(m);
    }
    constexpr void pass(const pass_call& c) {
        const bool forward = c.op == action::forward;
        const std::int32_t to = forward ? c.stage + 1 : c.stage - 1;
        for (std::int32_t k = 0; k < c.count; ++k) {
            const auto at = static_cast<std::size_t>(k);
            const std::int32_t unit = c.first + k;
            if (!c.inputs.empty())
                if (cell* from = expect(messages_, c.inputs[at], {held::there, !forward, false, c.stage, unit, -1}))
                    read_.push_back(from);
            if (!c.outputs.empty()) write(messages_, c.outputs[at], {held::there, !forward, false, to, unit, -1});
            if (!c.unfolded.empty()) unfold(c, c.unfolded[at], {held::there, false, false, c.stage, unit, -1});
        }
        if (forward || c.op == action::backward || c.op == action::input_gradient) skips(c, !forward);
    }
    constexpr void skips(const pass_call& c, bool gradient) {
        std::size_t read = 0, written = 0;
        for (std::size_t k = 0; k < row_.links.size(); ++k) {
            const stage_link& l = row_.links[k];
            if (l.kind != link_kind::skip) continue;
            const auto link = static_cast<std::int32_t>(k);
            for (std::int32_t u = c.first; (gradient ? l.from : l.to) == c.stage && u < c.first + c.count; ++u)
                if (cell* from = next(c.skips_read, read, {held::there, gradient, false, c.stage, u, link}))
                    read_.push_back(from);
            const std::int32_t to = gradient ? l.from : l.to;
            for (std::int32_t u = c.first; (gradient ? l.to : l.from) == c.stage && u < c.first + c.count; ++u) {
                const std::int32_t b = written < c.skips_written.size() ? c.skips_written[written] : -1;
                ++written;
                write(messages_, b, {held::there, gradient, false, to, u, link});
            }
        }
        if (read != c.skips_read.size() || written != c.skips_written.size()) fault(buffer_fault::no_such_buffer);
    }
    constexpr cell* next(std::span<const std::int32_t> buffers, std::size_t& at, const cell& what) {
        const std::int32_t b = at < buffers.size() ? buffers[at] : -1;
        ++at;
        return expect(messages_, b, what);
    }
    constexpr void unfold(const pass_call& c, std::int32_t b, const cell& what) {
        if (c.op == action::recompute) return write(unfolded_, b, what);
        cell* from = expect(unfolded_, b, what);
        if (from != nullptr && c.op != action::input_gradient) read_.push_back(from);
    }
    constexpr void start(const message_call& m) {
        for (std::int32_t k = 0; k < m.count; ++k) {
            const cell what{held::coming, m.gradient, m.sends, m.stage, m.first + k, m.link};
            if (!m.sends) {
                write(messages_, m.buffer + k, what);
            } else if (cell* from = expect(messages_, m.buffer + k, what)) {
                from->state = held::going;
                from->sent = true;
            }
        }
    }
    constexpr void wait(run_range waits) {
        for (const std::int32_t index : waits.in(row_.waits)) {
            const message_call& m = row_.messages[static_cast<std::size_t>(index)];
            for (std::int32_t k = 0; k < m.count; ++k)
                if (cell* c = find(messages_, m.buffer + k)) ended(*c, m);
        }
    }
    constexpr void ended(cell& c, const message_call& m) {
        if (c.state != (m.sends ? held::going : held::coming)) fault(buffer_fault::not_waited);
        c.state = m.sends ? held::nothing : held::there;
    }

    const run_row& row_;
    bool together_;
    std::vector<cell> messages_, unfolded_;
    std::vector<cell*> read_;
    buffer_fault found_ = buffer_fault::none;
};

}  // namespace detail

/// Returns the first fault of a row's message and recompute buffers, with the passes of a pair together and one after
/// the other.
[[nodiscard]] constexpr buffer_fault find_buffer_fault(run_argument row) {
    const buffer_fault found = detail::delivery(row, true).run();
    return found != buffer_fault::none ? found : detail::delivery(row, false).run();
}

namespace laws {

/// Returns true if no message buffer of a row is overwritten before its last reader, or while a message is under way in
/// it; every pass reads what it should, and every message is waited for before that. Recompute buffers are held to the
/// same.
[[nodiscard]] constexpr bool delivered(run_argument row) { return find_buffer_fault(row) == buffer_fault::none; }

}  // namespace laws
}  // namespace chimera
