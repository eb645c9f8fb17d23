// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/io/table_builder.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace chimera {

/// Reads chimera.schedule or chimera.program, version 1. Slots may all leave out `tick`, and all `ticks`: an order
/// written by hand, which is then timed as early as it allows. Strict about form: every type, range, length and key;
/// every index lies within the sizes that the file states. Says nothing about the laws, which are verify's to judge.
/// Buffers, messages and replica groups of a program are worked out from the instructions. Linear in the text.
/// Throws chimera_error, in one line that names the place, such as `worker 2, slot 5: …`.
[[nodiscard]] inline schedule_or_program read_table(std::string_view text) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        refuse("the file is empty (a schedule or a program is needed) write one with chimera schedule");
    if (const auto at = text.find('\0'); at != text.npos)  // to the parser, the end
        refuse("no valid JSON at byte " + std::to_string(at + 1) +
               " (the file is damaged, cut short or something else) write it again");
    detail::reading::table_builder events;
    nlohmann::json::sax_parse(text.begin(), text.end(), &events);
    return events.build();
}

}  // namespace chimera
