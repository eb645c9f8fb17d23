// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chimera {

/// A stage of a layout string: how many it has of each letter.
struct layout_stage {
    int embedding = 0;    ///< E, 0 or 1
    int transformer = 0;  ///< t
    int prediction = 0;   ///< m, layers of multi-token prediction
    int loss = 0;         ///< L, 0 or 1

    /// Returns its layers of t and m.
    [[nodiscard]] constexpr int blocks() const noexcept { return transformer + prediction; }
    friend constexpr bool operator==(const layout_stage&, const layout_stage&) = default;
};

/// The most letters of a layout, written out, and the most characters of its string.
inline constexpr std::int64_t layout_letters_most = 1 << 20;

namespace detail {

/// A letter of a layout string, and the character that it came from, counted from 1.
struct layout_letter {
    char letter = 0;
    std::int32_t at = 0;
};

/// Refuses a letter at a place, counted from 0: "'t' at character 7 of the layout …".
[[noreturn]] inline void refuse_letter(char letter, std::size_t at, const std::string& why) {
    const bool plain = letter >= 32 && letter <= 126;
    refuse((plain ? "'" + std::string(1, letter) + "'" : std::string("a byte")) + " at character " +
           std::to_string(at + 1) + " of the layout " + why);
}
[[noreturn]] inline void refuse_letter(const layout_letter& x, const std::string& why) {
    refuse_letter(x.letter, static_cast<std::size_t>(x.at - 1), why);
}

/// Writes out what a layout string repeats. Groups do not nest: Megatron-LM does not read those either.
class layout_reader {
public:
    constexpr explicit layout_reader(std::string_view text) : text_(text) {
        if (text.size() > static_cast<std::size_t>(layout_letters_most))
            refuse("the layout has " + std::to_string(text.size()) + " characters (too long) repeat with (x)*n");
    }

    constexpr std::vector<layout_letter> read() {
        while (more()) {
            if (text_[at_] == '(')
                group();
            else
                item();
        }
        return std::move(out_);
    }

private:
    /// Skips commas. Returns false at the end.
    constexpr bool more() {
        while (at_ < text_.size() && text_[at_] == ',') ++at_;
        return at_ < text_.size();
    }

    /// x or x*n.
    constexpr void item() {
        const char letter = text_[at_];
        if (letter == '*')
            refuse_letter(letter, at_, "has nothing to repeat (it follows no letter and no group) write x*n");
        if (letter == ')') refuse_letter(letter, at_, "has no '(' before it (groups are (x)*n) add it");
        if (letter != 'E' && letter != 't' && letter != 'm' && letter != 'L' && letter != '|')
            refuse_letter(letter, at_,
                          "is no layer (E embedding, t transformer, m prediction, L loss, | ends a stage) use these");
        const std::size_t from = out_.size();
        room(1);
        out_.push_back({letter, static_cast<std::int32_t>(at_ + 1)});
        ++at_;
        if (more() && text_[at_] == '*') repeat(from);
    }

    /// (…)*n.
    constexpr void group() {
        const std::size_t open = at_++, from = out_.size();
        while (more() && text_[at_] != ')') {
            if (text_[at_] == '(')
                refuse_letter('(', at_, "opens a group within a group (they do not nest) write one of them out");
            item();
        }
        if (at_ == text_.size()) refuse_letter('(', open, "is not closed (groups are (x)*n) add )*n");
        if (at_ == open + 1) refuse_letter('(', open, "opens an empty group (nothing to repeat) remove it");
        ++at_;
        if (!more() || text_[at_] != '*')
            refuse_letter('(', open, "has no *n behind its ')' (groups are (x)*n) add it or remove both");
        repeat(from);
    }

    /// *n: as many copies of all letters from `from` on.
    constexpr void repeat(std::size_t from) {
        const std::size_t star = at_++;
        std::int64_t count = -1;
        while (more() && text_[at_] >= '0' && text_[at_] <= '9') {
            count = (count < 0 ? 0 : count) * 10 + (text_[at_++] - '0');
            if (count > layout_letters_most) count = layout_letters_most + 1;
        }
        if (count < 0) refuse_letter('*', star, "has no number behind it (it says how often) write x*n");
        const std::size_t length = out_.size() - from;
        if (count == 0) return out_.resize(from);
        room(static_cast<std::int64_t>(length) * (count - 1));
        for (std::int64_t copy = 1; copy < count; ++copy)
            for (std::size_t i = 0; i < length; ++i) out_.push_back(layout_letter(out_[from + i]));
    }

    constexpr void room(std::int64_t letters) const {
        if (static_cast<std::int64_t>(out_.size()) + letters > layout_letters_most)
            refuse("the layout has more than " + std::to_string(layout_letters_most) + " letters, at character " +
                   std::to_string(at_) + " (written out) repeat less");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<layout_letter> out_;
};

/// Returns the order of a letter along a model: E, t, m, L.
constexpr int rank_of(char letter) noexcept { return letter == 'E' ? 0 : letter == 't' ? 1 : letter == 'm' ? 2 : 3; }

/// Refuses a letter that cannot stand behind `before`, 0 for none.
constexpr void check_letter(char before, const layout_letter& x) {
    if ((x.letter == 'E') != (before == 0))
        refuse_letter(x, x.letter == 'E' ? "is a second embedding (there is one, at the start) remove it"
                                         : "stands before the embedding (E is the first layer) begin with E");
    if (before == 'L') refuse_letter(x, "stands behind the loss (L is the last layer, and there is one) end with L");
    if (before != 0 && rank_of(x.letter) < rank_of(before))
        refuse_letter(x, "stands behind an m (all t come before) move it");
}

/// Cuts letters into stages. Refuses empty stages, and letters that are not one E, t, m and one L in this order.
constexpr std::vector<layout_stage> stages_of_letters(const std::vector<layout_letter>& letters) {
    std::vector<layout_stage> out(1);
    char before = 0;
    for (const layout_letter& x : letters) {
        layout_stage& last = out.back();
        if (x.letter == '|') {
            if (last == layout_stage{})
                refuse_letter(x, "ends stage " + std::to_string(out.size() - 1) +
                                     ", which is empty (every stage holds a layer) remove it");
            out.emplace_back();
            continue;
        }
        check_letter(before, x);
        before = x.letter;
        ++(x.letter == 'E'   ? last.embedding
           : x.letter == 't' ? last.transformer
           : x.letter == 'm' ? last.prediction
                             : last.loss);
    }
    if (before != 'L')
        refuse(std::string("the layout ") + (before == 0 ? "is empty" : "has no loss") +
               " (a model is E, its t, its m, L) end with L");
    if (out.back() == layout_stage{})
        refuse("the layout ends in '|', behind which stage " + std::to_string(out.size() - 1) +
               " is empty (every stage holds a layer) remove it");
    return out;
}

}  // namespace detail

}  // namespace chimera
