// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// The options of `chimera schedule FAMILY …`, as the command line and job files state them.
struct family_options {
    std::string family{};            ///< one of `family_names`
    std::int64_t stages = 0;         ///< model stages; data_parallel: 0 or 1
    std::int64_t micro_batches = 0;  ///< per copy of the pipeline group
    std::int64_t pipelines = 0;      ///< 2f, bidirectional only; 0: the family's own (2)
    std::string scale{};             ///< direct, doubling or halving, bidirectional only; empty: direct
    bool split = false;              ///< backwards in two halves, bidirectional only
    std::int64_t chunks = 0;         ///< stages per worker, interleaved and breadth_first; 0: 2
    std::int64_t group = 0;          ///< micro-batches a chunk takes in a row, interleaved only; 0: the workers
    std::int64_t waves = 0;          ///< wave only; 0: 1
    std::int64_t update_every = 0;   ///< micro-batches between updates, pipedream_2bw only; 0: the stages
    std::int64_t width = 1;          ///< data-parallel copies of the whole pipeline group
    std::string recompute = "none";  ///< none, full, or a list of stages such as 0,2,3
    std::string file = {};           ///< a schedule as JSON or CSV instead of all but width and recompute; empty: none

    friend bool operator==(const family_options&, const family_options&) = default;
};

/// Whether `make_schedule` knows the family.
bool is_family(std::string_view name);

/// Whether the family has the option: pipelines, scale, split, chunks, group, waves or update_every.
bool has_option(std::string_view family, std::string_view option);

/// The families that `make_schedule` knows, synchronous ones first.
std::vector<std::string_view> family_names();

/// The same, separated by commas.
std::string family_list();

/// The schedule of a file, proven. Throws chimera::error for what is none and for the first law that it breaks.
schedule order_of(const std::string& file);

/// The schedule that the options ask for: generated or read, then recompute slots inserted, then widened.
/// Throws chimera::error, in one line, for an unknown family, an option that the family does not have, sizes out of
/// range and whatever the family itself refuses.
schedule make_schedule(const family_options& options);

/// Throws what `make_schedule` would throw for these options of a family, without generating anything.
void check_family(const family_options& options);

/// The stages that a recompute choice names, ascending and each once: none, full, or a list such as 0,2,3.
std::vector<int> recomputed_stages(std::string_view choice, int stages);

}  // namespace chimera::executor
