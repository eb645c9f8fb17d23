// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/io/read_table.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/metrics_text.hpp>
#include <chimera/render/program_text.hpp>
#include <chimera/render/svg.hpp>
#include <chimera/render/text.hpp>
#include <chimera/render/trace.hpp>
#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>

#include <executor/io/read.hpp>

#include <cstdlib>
#include <cstring>

namespace chimera::executor {

/// Ends the program unless `must` holds: a finding.
inline void demand(bool must) {
    if (!must) std::abort();
}

/// What was read is written and read again, to the same text.
template <class Table, class View>
void check_round_trip(const Table& of) {
    const std::string once = json(View(of));
    const table again = read_table(once);
    demand(std::holds_alternative<Table>(again) && json(View(std::get<Table>(again))) == once);
}

inline void draw(const timeline& of) {
    demand(!text(of).empty() && !text(of, {.columns = 60}).empty());
    demand(svg(of).ends_with("</svg>\n"));
    demand(trace(of).ends_with("}\n"));
}

/// Everything that may be done with a program from anywhere.
inline void exercise(const program& of) {
    check_round_trip<program, program_view>(of);
    const report found = verify(of);
    for (const fault& f : found.faults) demand(message(f).find('\n') == std::string::npos);
    demand(!text(program_view(of)).empty());
    if (!found.ok()) return;
    const timeline played = simulate(of);
    draw(played);
    demand(!json(metrics(played)).empty());
}

inline void exercise(const schedule& of) {
    check_round_trip<schedule, schedule_view>(of);
    const report found = verify(of);
    for (const fault& f : found.faults) demand(message(f).find('\n') == std::string::npos);
    draw(ticks_timeline(of));
    if (!found.ok()) return;
    program made;
    try {
        made = lower(of);
    } catch (const chimera_error& refused) {  // weights that are not made yet, too many versions of them
        demand(std::strchr(refused.what(), '\n') == nullptr && of.head.update != update_rule::flushed);
        return;
    }
    demand(verify(made).ok() || of.head.update != update_rule::flushed);
    exercise(made);
}

/// Any bytes as a schedule or program: a table that all else can be done with, or an error of one line.
inline int fuzz_table(const std::uint8_t* data, std::size_t size) {
    table read;
    try {
        read = read_table({reinterpret_cast<const char*>(data), size});
    } catch (const chimera_error& refused) {
        demand(std::strchr(refused.what(), '\n') == nullptr);
        return 0;
    }
    std::visit([](const auto& of) { exercise(of); }, read);
    return 0;
}

}  // namespace chimera::executor
