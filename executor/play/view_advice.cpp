// SPDX-License-Identifier: Apache-2.0
#include <executor/play/view_parts.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace chimera::executor::play {

namespace {

std::string percent(double share) { return joined(rounded(100 * share, 1), " %"); }

bool about(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

/// Returns true if a row is the current choice under any name.
bool is_same(const ranked& a, const ranked& b) {
    return a.options.which == b.options.which && about(a.makespan, b.makespan) && about(a.peak, b.peak) &&
           a.messages == b.messages;
}

void draw_rule(canvas& on, const outcome& now, int row) {
    const shape& head = now.made->head;
    const std::string title = joined(" advice: every family, the same model on ", head.workers,
                                     head.workers == 1 ? " worker, " : " workers, ", head.micro_batches,
                                     head.micro_batches == 1 ? " micro-batch " : " micro-batches ");
    for (int column = 0; column < on.columns(); ++column) on.put(row, column, "─", look::faint);
    on.put(row, 2, title, look::plain);
}

/// Writes clauses one after the other, none of them in part.
class sentence {
public:
    sentence(canvas& on, int row, const char* key) : on_(on), row_(row), at_(4) { on.put(row, 1, key, look::strong); }
    void say(const std::string& clause, look how = look::plain) {
        if (at_ + length(clause) <= on_.columns()) at_ = on_.put(row_, at_, clause, how);
    }

private:
    canvas& on_;
    int row_, at_;
};

/// Who is fastest, and what the current choice loses against it.
void draw_fastest(canvas& on, const ranking& all, const ranked& mine, int row) {
    const ranked& best = *all.fastest();
    sentence out(on, row, "a");
    if (mine.makespan <= best.makespan || about(mine.makespan, best.makespan)) {
        out.say(joined("this is the fastest pipeline: ", rounded(mine.makespan), " ticks"), look::good);
        if (!is_same(best, mine)) out.say(joined("; ", best.name, " ", rounded(best.makespan)));
        return;
    }
    out.say("fastest pipeline: ");
    out.say(best.name, look::good);
    out.say(joined(", ", rounded(best.makespan), " ticks; this ", rounded(mine.makespan), ", "));
    out.say(joined("+ ", rounded(100 * (mine.makespan / best.makespan - 1), 1), " %"), look::bad);
    out.say(joined("; bubbles ", percent(best.bubble_ratio), ", this ", percent(mine.bubble_ratio)));
    out.say(joined("; peak ", rounded(best.peak), ", this ", rounded(mine.peak)));
}

void draw_leanest(canvas& on, const ranking& all, const ranked& mine, int row) {
    const ranked& least = *all.leanest();
    sentence out(on, row, "m");
    if (mine.peak <= least.peak || about(mine.peak, least.peak)) {
        out.say(joined("none holds less than this: peak ", rounded(mine.peak)), look::good);
    } else {
        out.say("least memory: ");
        out.say(least.name, look::good);
        out.say(joined(", peak ", rounded(least.peak), "; this ", rounded(mine.peak), "; "));
        out.say(joined(rounded(least.makespan), " ticks"));
    }
    if (all.over_memory > 0) out.say(joined("; ", all.over_memory, " are over the memory"), look::bad);
}

/// The rows that there is room for: the fastest, and the current choice at its place or last.
std::vector<const ranked*> shortlist(const ranking& all, const ranked& mine, std::size_t room) {
    std::vector<const ranked*> out;
    for (const ranked& r : all.rows)
        if (!is_same(r, mine)) out.push_back(&r);
    const auto at = std::upper_bound(out.begin(), out.end(), &mine, [](const ranked* a, const ranked* b) {
        return a->makespan < b->makespan && !about(a->makespan, b->makespan);
    });
    const auto place = static_cast<std::size_t>(at - out.begin());
    if (out.size() > room - 1) out.resize(std::max(room - 1, std::min(place, room - 1)));
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(std::min(place, out.size())), &mine);
    return out;
}

void draw_table(canvas& on, const ranking& all, const ranked& mine, int from, int to) {
    const int ends[] = {38, 49, 57, 66, 76};
    const char* const heads[] = {"ticks", "bubbles", "peak", "weights", "messages"};
    for (int i = 0; i < 5; ++i) on.put_right(from, ends[i], heads[i], look::faint);
    const int room = on.columns() - 79;
    double longest = mine.makespan;
    for (const ranked& r : all.rows) longest = std::max(longest, r.makespan);
    for (const ranked* r : shortlist(all, mine, static_cast<std::size_t>(to - from - 1))) {
        const bool me = r == &mine;
        const int row = ++from;
        if (me) on.put(row, 1, "▸", look::strong);
        on.put(row, 3, r->name, me ? look::strong : look::plain);
        const std::string cells[] = {joined(rounded(r->makespan)), percent(r->bubble_ratio), joined(rounded(r->peak)),
                                     joined(rounded(r->weights)), std::to_string(r->messages)};
        for (int i = 0; i < 5; ++i) on.put_right(row, ends[i], cells[i], me ? look::strong : look::plain);
        if (room > 10) on.put(row, 78, bar(r->makespan / longest, room), me ? look::good : look::faint);
    }
}

}  // namespace

void draw_advice(canvas& on, const state&, const sight& at, int from, int to) {
    if (from >= to) return;
    draw_rule(on, at.now, from++);
    if (at.advice == nullptr) {
        on.put(from, 1, at.weighing ? "weighing the families …" : "no advice: memory ran out", look::faint);
        return;
    }
    if (at.advice->rows.empty()) {
        on.put(from, 1, joined("no family fits: ", at.advice->over_memory, " are over the memory limit"), look::bad);
        return;
    }
    const ranked mine = row_of(at.now);
    draw_fastest(on, *at.advice, mine, from++);
    draw_leanest(on, *at.advice, mine, from++);
    if (to - from > 3) ++from;
    if (to - from >= 3) draw_table(on, *at.advice, mine, from, to);
}

}  // namespace chimera::executor::play
