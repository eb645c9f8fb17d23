// SPDX-License-Identifier: Apache-2.0
#include <executor/play/save.hpp>
#include <executor/play/view_parts.hpp>

#include <algorithm>
#include <string_view>

namespace chimera::executor::play {

namespace {

/// The starts of a column of fields and of its values on 80 columns. Wider screens spread them.
struct place {
    int name, value;
    const char* title;
};
constexpr place places[] = {{1, 15, "SCHEDULE"}, {30, 41, "OF ITS FAMILY"}, {50, 60, "COSTS IN TICKS"}, {66, 75, ""}};

struct key_text {
    const char* key;
    const char* what;
};

constexpr key_text bar_keys[] = {{"↑↓←→", "change"}, {"0-9", "type"}, {"f", "family"},    {"a m", "advice"},
                                 {"e", "command"},   {"s", "save"},   {"?", "help"},      {"q", "quit"},
                                 {"z Z", "zoom"},    {"< >", "time"}, {"[ ]", "workers"}, {"r", "reset"}};

constexpr key_text help_keys[] = {
    {"↑ ↓  Tab", "the field before, the next; the next column"},
    {"← →", "its value, down and up, past what the family refuses"},
    {"PgDn PgUp", "half and twice the value"},
    {"0-9 . Enter", "a value typed; Esc forgets it"},
    {"f F", "the next family, the one before"},
    {"a  m", "the advice: the fastest family here; the one that holds least"},
    {"z Z", "closer to the schedule, and back"},
    {"< > [ ]", "along the time, through the workers (also Shift with arrows)"},
    {"e", "the command lines that lead to what is shown"},
    {"s", "saves the schedule as SVG, HTML and JSON, and the costs"},
    {"r", "back to the start"},
    {"q Ctrl-C", "leaves"},
};

}  // namespace

void draw_fields(canvas& on, const state& of, int from) {
    int rows[4] = {from + 1, from + 1, from + 1, from + 1};
    const int spread = std::min((on.columns() - columns_least) / 4, 14);
    const auto left = [&](column c) { return places[static_cast<int>(c)].name + spread * static_cast<int>(c); };
    const auto fields = fields_of(of.asked);
    for (const column c : {column::sizes, column::family, column::passes}) {
        const bool any = std::any_of(fields.begin(), fields.end(), [&](field f) { return describe(f).where == c; });
        if (any) on.put(from, left(c), places[static_cast<int>(c)].title, look::faint);
    }
    for (const field f : fields) {
        const auto c = static_cast<int>(describe(f).where);
        const bool chosen = f == of.chosen;
        const int row = rows[c]++;
        const int at = left(describe(f).where);
        const int value = at + places[c].value - places[c].name;
        if (chosen) on.put(row, at - 1, "▸", look::chosen);
        on.put(row, at, describe(f).name, chosen ? look::chosen : look::plain);
        const bool typing = chosen && !of.typed.empty();
        on.put(row, value, typing ? of.typed + "_" : value_of(of.asked, f), chosen ? look::chosen : look::strong);
    }
}

void draw_keys(canvas& on, const state& of, const outcome& now, int row) {
    on.paint(row, look::bar);
    int at = 1;
    const auto add = [&](const char* key, const char* what) {
        if (at + length(key) + 1 + length(what) >= on.columns()) return;
        at = on.put(row, at, key, look::key) + 1;
        at = on.put(row, at, what, look::bar) + 2;
    };
    if (!of.typed.empty()) {
        add("Enter", "takes it");
        return add("Esc", "forgets it");
    }
    const bool paged = of.shown != page::schedule;
    if (paged) add("Enter", "back");
    if (!paged && now.fits) add("Enter", "what fits");
    for (const key_text& k : bar_keys)
        if (!paged || std::string_view("↑↓←→ f e s ? q").find(k.key) != std::string_view::npos) add(k.key, k.what);
}

void draw_help(canvas& on, int from, int to) {
    for (const key_text& k : help_keys) {
        if (from >= to) return;
        on.put(from, 1, k.key, look::strong);
        on.put(from++, 15, k.what);
    }
    if (++from < to)
        on.put_words(
            from, to, 1,
            "Colours are pipelines or chunks: light forward, dark backward; d0 down, u0 up, capitals backwards, "
            "· idle; in narrow blocks the micro-batch's last digit.",
            look::faint);
}

void draw_commands(canvas& on, const state& of, const outcome& now, int from, int to) {
    if (!now.made) {
        on.put_words(from, to, 1, now.refused, look::bad);
        return;
    }
    const auto add = [&](const std::string& what, const std::string& command) {
        if (from < to) on.put(from++, 1, what, look::faint);
        if (from < to) from = on.put_words(from, to, 1, command, look::strong) + 1;
    };
    settings fits = of.asked;
    if (!now.over.empty()) fits.memory.reset();  // else these commands would refuse it
    add("the schedule:", command(fits, "schedule"));
    add("the same here, without the costs:", command(of.asked, "play"));
    add("its timeline under these costs, a tick as a second; s saves the file:",
        command(fits, "simulate") + " --costs " + file_name(of.asked) + ".costs.json");
    add("the file:", costs_json(of.asked));
}

}  // namespace chimera::executor::play
