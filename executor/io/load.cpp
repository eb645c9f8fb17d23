// SPDX-License-Identifier: Apache-2.0
#include <chimera/io/load_table.hpp>

#include <executor/io/read.hpp>

#include <cstdio>

namespace chimera::executor {

std::string read_file(const std::string& path) { return read_text_file(path); }

table load_table(const std::string& path) {
    std::string note;
    table out = chimera::load_table(path, &note);
    if (!note.empty()) std::fprintf(stderr, "chimera: note: %s: %s\n", path.c_str(), note.c_str());
    return out;
}

stated_costs load_costs(const std::string& path) {
    return chimera::detail::reading::named(path, read_file(path),
                                           [](const std::string& text) { return read_costs(text); });
}

}  // namespace chimera::executor
