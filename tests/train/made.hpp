// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/lower.hpp>

#include <executor/io/family_options.hpp>

#include <cstdint>
#include <string>

namespace chimera::test {

/// The program of a family by its name.
inline program made(const char* family, int stages, int micro_batches, const std::string& recompute = "none",
                    int width = 1, chimera::scale scale = chimera::scale::direct) {
    executor::family_options of;
    of.which = executor::family_named(family);
    of.stages = stages;
    of.micro_batches = micro_batches;
    of.recompute = executor::recompute_named(recompute, stages);
    of.width = width;
    of.scale = scale;
    return lower(executor::make_schedule(of));
}

}  // namespace chimera::test
