// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/play/advisor.hpp>
#include <executor/play/curses/screen.hpp>
#include <executor/play/save.hpp>
#include <executor/play/terminal.hpp>
#include <executor/play/view.hpp>

#include <unistd.h>

namespace chimera::executor::play {

void run_on_terminal(const settings& from, const std::string& folder) {
    if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
        refuse("standard input or output is no terminal (play needs one) run it in a terminal");
    state at;
    at.asked = at.first = from;
    outcome now = compute(at.asked);
    advisor beside;
    beside.ask(at.asked, now);
    screen shown;
    while (true) {
        const bool weighing = beside.busy();
        const auto advice = beside.answer();
        const frame drawn = draw(at, {now, advice.get(), weighing}, shown.rows(), shown.columns());
        shown.show(drawn.screen);
        int key = no_key;
        while (key == no_key && weighing == beside.busy() && shown.fits(drawn.screen))
            key = shown.wait(weighing ? 20 : 200);  // not for ever: curses looks at a new size only now and then
        if (key == no_key) continue;
        state next = press(at, key, drawn.on);
        if (next.wanted == wish::quit) return;
        if (next.wanted == wish::save) {
            try {
                next.note = save(next.asked, now, folder);
            } catch (const chimera_error& why) {
                next.note = why.what();
            }
        }
        if (next.asked != at.asked) {
            now = compute(next.asked);
            beside.ask(next.asked, now);
        }
        at = std::move(next);
    }
}

}  // namespace chimera::executor::play
