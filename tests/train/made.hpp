// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/lower.hpp>

#include <executor/io/family_options.hpp>

#include <cstdint>
#include <string>

namespace chimera::test {

/// The program of a family by its name.
inline program made(const char* family, std::int64_t stages, std::int64_t micro_batches,
                    const std::string& recompute = "none", std::int64_t width = 1, const char* scale = "") {
    executor::family_options of;
    of.family = family;
    of.stages = stages;
    of.micro_batches = micro_batches;
    of.recompute = recompute;
    of.width = width;
    of.scale = scale;
    return lower(executor::make_schedule(of));
}

}  // namespace chimera::test
