// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/verify/report.hpp>

#include <string>

namespace chimera {
namespace detail {

/// ", <what> <number>" for a number that applies.
[[nodiscard]] inline std::string place(const char* what, std::int32_t number) {
    return number < 0 ? std::string() : std::string(", ") + what + ' ' + std::to_string(number);
}

}  // namespace detail

/// A fault in one line: `<law>: <problem> at worker, slot or instruction, stage, unit, pipeline, peer (<why>) <what to
/// do>`.
[[nodiscard]] inline std::string message(const fault& f) {
    std::string text = std::string(name(f.law)) + ": ";
    const std::string at = detail::place("worker", f.worker) +
                           detail::place(f.instruction ? "instruction" : "slot", f.index) +
                           detail::place("stage", f.stage) + detail::place("unit", f.unit) +
                           detail::place("pipeline", f.pipeline) + detail::place("peer", f.peer);
    for (const char* c = detail::words(f.what); *c != '\0'; ++c) {
        if (*c == '|')
            text += (at.empty() ? std::string() : " at" + at.substr(1)) + ' ';
        else if (*c == '#')
            text += f.other < 0 ? "?" : std::to_string(f.other);
        else if (*c == '@')
            text += f.peer < 0 ? "?" : std::to_string(f.peer);
        else
            text += *c;
    }
    return text;
}

/// Throws `chimera_error` with the text and the complaint of the first fault, unless the report has none.
inline void require(const report& found) {
    if (!found.ok()) refuse(message(found.faults.front()), found.faults.front().what);
}

}  // namespace chimera
