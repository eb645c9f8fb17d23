// SPDX-License-Identifier: Apache-2.0
#include <executor/play/change.hpp>
#include <executor/play/play_state.hpp>

#include <algorithm>

namespace chimera::executor::play {

namespace {

constexpr std::size_t typed_most = 12;
constexpr int columns_most = 16000;  // of a schedule, zoomed
constexpr int zoom_most = 1024;

/// The chosen field, `by` places on; another where the family has it no more.
field moved(const state& s, int by) {
    const auto fields = fields_of(s.asked);
    const int count = static_cast<int>(fields.size());
    const auto found = std::lower_bound(fields.begin(), fields.end(), s.chosen);
    return fields[static_cast<std::size_t>(std::clamp(static_cast<int>(found - fields.begin()) + by, 0, count - 1))];
}

/// The first field of the next column, or of the one before.
field in_column(const state& s, int direction) {
    const auto fields = fields_of(s.asked);
    std::vector<field> firsts;
    for (const field f : fields)
        if (firsts.empty() || describe(f).where != describe(firsts.back()).where) firsts.push_back(f);
    std::size_t at = 0;
    while (describe(firsts[at]).where != describe(s.chosen).where) ++at;
    return firsts[(at + firsts.size() + static_cast<std::size_t>(direction)) % firsts.size()];
}

void apply(state& s, changed to) {
    s.asked = std::move(to.to);
    s.note = std::move(to.note);
    s.chosen = moved(s, 0);
}

double peak(const facts& on) {
    double out = 0;
    if (on.now != nullptr)
        for (const double one : on.now->peaks) out = std::max(out, one);
    return out > 0 ? out : 1;
}

/// Takes what a key means while a number is typed; false where it means what it always does.
bool edit(state& s, int key) {
    const bool digit = (key >= '0' && key <= '9') || key == '.';
    if (digit && is_number(s.chosen)) {
        if (s.typed.size() < typed_most) s.typed.push_back(static_cast<char>(key));
        return true;
    }
    if (s.typed.empty()) return digit;
    const std::string typed = s.typed;
    if (key == backspace) {
        s.typed.pop_back();
        return true;
    }
    s.typed.clear();
    if (key == escape) return true;
    apply(s, type(s.asked, s.chosen, typed));
    return key == enter;
}

void scroll(state& s, const facts& on, int workers, int columns) {
    s.first_worker = std::clamp(s.first_worker + workers * std::max(on.workers_shown / 2, 1), 0,
                                std::max(on.workers - on.workers_shown, 0));
    s.first_column = std::clamp(s.first_column + columns * std::max(on.columns_shown / 2, 1), 0,
                                std::max(on.columns - on.columns_shown, 0));
}

/// Keeps what is in the middle of the screen there.
void zoom(state& s, const facts& on, bool closer) {
    const int to = closer ? s.zoom * 2 : std::max(s.zoom / 2, 1);
    if (to == s.zoom || to > zoom_most || (closer && on.columns * 2 > columns_most)) return;
    const double middle = s.first_column + on.columns_shown / 2.0;
    s.first_column = std::max(static_cast<int>(middle * to / s.zoom - on.columns_shown / 2.0), 0);
    s.zoom = to;
    if (to == 1) s.first_column = 0;
}

void take_advice(state& s, const facts& on, bool leanest) {
    if (on.advice == nullptr || on.advice->rows.empty()) {
        s.note = "no advice yet";
        return;
    }
    const ranked& row = leanest ? *on.advice->leanest() : *on.advice->fastest();
    s.asked = take(s.asked, row);
    s.chosen = moved(s, 0);
    s.note = "now " + row.name;
}

void fit(state& s, const facts& on) {
    if (on.now == nullptr || on.now->refused.empty()) return;
    if (on.now->fits) {
        s.asked = *on.now->fits;
    } else {
        s.note = "nothing near fits";
    }
}

void turn_to(state& s, page to) { s.shown = s.shown == to ? page::schedule : to; }

void letter(state& s, int key, const facts& on) {
    switch (key) {
        case 'f':
        case 'F':
            return apply(s, step(s.asked, field::family, key == 'f' ? 1 : -1, 0));
        case 'a':
        case 'm':
            return take_advice(s, on, key == 'm');
        case 'z':
        case 'Z':
            return zoom(s, on, key == 'z');
        case '<':
        case '>':
            return scroll(s, on, 0, key == '>' ? 1 : -1);
        case '[':
        case ']':
            return scroll(s, on, key == ']' ? 1 : -1, 0);
        case 'r':
            s.asked = s.first;
            s.chosen = moved(s, 0);
            return;
        case 'e':
            return turn_to(s, page::command);
        case '?':
            return turn_to(s, page::help);
        case 's':
            s.wanted = wish::save;
            return;
        case ' ':
            return apply(s, step(s.asked, s.chosen, 1, peak(on)));
        default:
            return;
    }
}

/// Moves the choice among the fields. False if the key does something else.
bool choose(state& s, int key) {
    switch (key) {
        case up:
        case down:
            s.chosen = moved(s, key == up ? -1 : 1);
            return true;
        case home:
        case end:
            s.chosen = moved(s, key == home ? -field_count : field_count);
            return true;
        case tab:
        case back_tab:
            s.chosen = in_column(s, key == tab ? 1 : -1);
            return true;
        default:
            return false;
    }
}

/// Changes the chosen field, or scrolls the schedule. False if the key does something else.
bool change_or_scroll(state& s, int key, const facts& on) {
    switch (key) {
        case left:
        case right:
            apply(s, step(s.asked, s.chosen, key == right ? 1 : -1, peak(on)));
            return true;
        case page_up:
        case page_down:
            apply(s, leap(s.asked, s.chosen, key == page_up ? 1 : -1));
            return true;
        case shift_left:
        case shift_right:
            scroll(s, on, 0, key == shift_left ? -1 : 1);
            return true;
        case shift_up:
        case shift_down:
            scroll(s, on, key == shift_up ? -1 : 1, 0);
            return true;
        default:
            return false;
    }
}

}  // namespace

state press(state s, int key, const facts& on) {
    s.note.clear();
    s.wanted = key == 'q' || key == interrupt ? wish::quit : wish::nothing;
    if (s.wanted == wish::quit || edit(s, key) || choose(s, key) || change_or_scroll(s, key, on)) return s;
    if (key == enter)
        s.shown == page::schedule ? fit(s, on) : turn_to(s, s.shown);
    else if (key == escape)
        s.shown = page::schedule;
    else
        letter(s, key, on);
    return s;
}

}  // namespace chimera::executor::play
