// SPDX-License-Identifier: Apache-2.0
#define NCURSES_WIDECHAR 1

#include <chimera/core/error.hpp>
#include <chimera/render/palette.hpp>

#include <executor/play/curses/screen.hpp>
#include <executor/play/play_state.hpp>

#include <curses.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace chimera::executor::play {

namespace {

constexpr short first_pair = 1;  // of the looks before the passes; those of the passes follow

bool unicode = false;  // whether the terminal's encoding is UTF-8
SCREEN* held_screen = nullptr;

/// Of the 6 × 6 × 6 cube of a terminal with 256 colours, the nearest to #rrggbb.
short nearest(const char* hex) {
    const long rgb = std::strtol(hex + 1, nullptr, 16);
    const int levels[] = {0, 95, 135, 175, 215, 255};
    int out = 16;
    const int weights[] = {36, 6, 1};
    for (int part = 0; part < 3; ++part) {
        const int value = static_cast<int>(rgb >> (16 - 8 * part) & 0xff);
        int best = 0;
        for (int level = 1; level < 6; ++level)
            if (std::abs(levels[level] - value) < std::abs(levels[best] - value)) best = level;
        out += weights[part] * best;
    }
    return static_cast<short>(out);
}

const char* fill_of(int cls) {
    const detail::hue& h = detail::hues[cls / 5];
    const char* const fills[] = {h.forward, h.backward, h.input_gradient, h.weight_gradient, h.forward};
    return fills[cls % 5];
}

short pair_of(look how) { return static_cast<short>(first_pair + static_cast<int>(how)); }

void make_pairs() {
    use_default_colors();
    const auto set = [](look how, int text, int ground) {
        init_pair(pair_of(how), static_cast<short>(text), static_cast<short>(ground));
    };
    const bool many = COLORS >= 256;
    set(look::faint, many ? 244 : -1, -1);
    set(look::strong, -1, -1);
    set(look::bar, many ? 255 : COLOR_WHITE, many ? 24 : COLOR_BLUE);
    set(look::key, many ? 220 : COLOR_YELLOW, many ? 24 : COLOR_BLUE);
    set(look::chosen, many ? 16 : COLOR_BLACK, many ? 220 : COLOR_YELLOW);
    set(look::good, many ? 36 : COLOR_GREEN, -1);
    set(look::bad, many ? 203 : COLOR_RED, -1);
    const short basic[] = {COLOR_CYAN, COLOR_YELLOW, COLOR_GREEN, COLOR_MAGENTA, COLOR_RED, COLOR_BLUE, COLOR_WHITE};
    for (int cls = 0; cls < detail::class_count; ++cls) {
        const bool dark = detail::is_dark(cls);
        if (many) {
            set(pass_look(cls), dark ? 231 : 16, nearest(fill_of(cls)));
        } else {
            set(pass_look(cls), basic[cls / 5 % 7], -1);
        }
    }
}

/// Without 256 colours passes differ by more than colour: backwards are inverted, weight gradients underlined.
attr_t attributes(look how) {
    const bool colours = has_colors() && COLORS >= 8;
    const bool many = colours && COLORS >= 256;
    switch (how) {
        case look::faint:
            return many ? A_NORMAL : A_DIM;
        case look::strong:
            return A_BOLD;
        case look::bar:
            return colours ? A_NORMAL : A_REVERSE;
        case look::key:
            return colours ? A_BOLD : A_REVERSE | A_BOLD;
        case look::chosen:
            return colours ? A_BOLD : A_REVERSE;
        case look::bad:
            return A_BOLD;
        case look::plain:
        case look::good:
            return A_NORMAL;
        default:
            break;
    }
    const int pass = class_of(how) % 5;
    if (pass == 4) return A_UNDERLINE;
    if (many) return A_NORMAL;
    return pass == 0 ? A_BOLD : pass == 3 ? A_REVERSE | A_UNDERLINE : A_REVERSE;
}

/// Returns the ASCII replacement of a character.
wchar_t plain(char32_t glyph) {
    constexpr std::u32string_view drawn = U"·─▸‹›↑↓←→×…█▉▊▋▌▍▎▏";
    constexpr std::string_view written = ".-><>^v<>x.#########";
    const auto at = drawn.find(glyph);
    return static_cast<wchar_t>(glyph < 0x80 ? glyph : at == drawn.npos ? U'?' : static_cast<char32_t>(written[at]));
}

int meaning(wint_t code) {
    switch (code) {
        case KEY_UP:
            return up;
        case KEY_DOWN:
            return down;
        case KEY_LEFT:
            return left;
        case KEY_RIGHT:
            return right;
        case KEY_PPAGE:
            return page_up;
        case KEY_NPAGE:
            return page_down;
        case KEY_HOME:
            return home;
        case KEY_END:
            return end;
        case KEY_SLEFT:
            return shift_left;
        case KEY_SRIGHT:
            return shift_right;
        case KEY_SR:
            return shift_up;
        case KEY_SF:
            return shift_down;
        case KEY_ENTER:
            return enter;
        case KEY_BTAB:
            return back_tab;
        case KEY_BACKSPACE:
        case KEY_DC:
            return backspace;
        default:
            return no_key;
    }
}

int control(wint_t code) {
    switch (code) {
        case '\r':
        case '\n':
            return enter;
        case '\t':
            return tab;
        case 27:
            return escape;
        case 8:
        case 127:
            return backspace;
        case 3:
            return interrupt;
        default:
            return code < 0x80 ? static_cast<int>(code) : no_key;
    }
}

/// Refuses to go on without a terminal: curses would report "no key" at once, for ever.
void check_terminal() {
    pollfd in{STDIN_FILENO, POLLIN, 0};
    if (::poll(&in, 1, 0) > 0 && (in.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
        refuse("the terminal is gone (it was closed) run play in another one");
}

}  // namespace

screen::screen() {
    std::setlocale(LC_CTYPE, "");
    unicode = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
    held_screen = newterm(nullptr, stdout, stdin);
    if (held_screen == nullptr) {
        const char* name = std::getenv("TERM");
        refuse("TERM is '" + std::string(name == nullptr ? "" : name).substr(0, 40) +
               "' (no terminal of that name is known here) set it to the terminal's, such as xterm-256color");
    }
    raw();  // Ctrl-C is a key
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    if (has_colors()) {
        start_color();
        make_pairs();
    }
}

screen::~screen() {
    endwin();
    delscreen(held_screen);
}

int screen::rows() const { return LINES; }
int screen::columns() const { return COLS; }

void screen::show(const canvas& what) {
    erase();
    if (what.rows() != shown_rows_ || what.columns() != shown_columns_)
        clearok(curscr, TRUE);  // terminals that change their size fold and lose what was there: all is drawn anew
    shown_rows_ = what.rows();
    shown_columns_ = what.columns();
    for (int row = 0; row < what.rows(); ++row) {
        for (int column = 0; column < what.columns(); ++column) {
            const cell& one = what.at(row, column);
            const wchar_t text[2] = {unicode ? static_cast<wchar_t>(one.glyph) : plain(one.glyph), 0};
            cchar_t out;
            setcchar(&out, text, attributes(one.how),
                     has_colors() && one.how != look::plain ? pair_of(one.how) : short{0}, nullptr);
            mvadd_wch(row, column, &out);
        }
    }
    refresh();
}

bool screen::fits(const canvas& what) const {
    return what.rows() == rows() && what.columns() == columns() && shown_rows_ == rows();
}

int screen::wait(int milliseconds) {
    timeout(milliseconds);
    wint_t code = 0;
    const int kind = get_wch(&code);
    if (kind == ERR) {
        check_terminal();
        return no_key;
    }
    if (kind == OK && code == 26) {  // Ctrl-Z
        std::raise(SIGTSTP);
        shown_rows_ = 0;
        return no_key;
    }
    if (kind == KEY_CODE_YES) return meaning(code);
    return control(code);
}

}  // namespace chimera::executor::play
