// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Files into tables at run time: those of `chimera search`, `schedule` and `program`, and PyTorch's CSV. The one part
/// of the headers that needs a library, nlohmann/json 3.9 or later; `find_package(chimera COMPONENTS io)` brings it:
///
///     #include <chimera/io.hpp>
///     #include <chimera/run.hpp>
///
///     const program order = load_program("found.json");
///     if (const report r = verify(order); !r.ok()) { … }
///     run(make_run_plan(order, worker), hooks);

#include <chimera/io/load_table.hpp>
#include <chimera/io/read_csv.hpp>
#include <chimera/io/read_table.hpp>
