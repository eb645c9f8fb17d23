// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Cuts of a model into stages, exact, and what workers need in memory.

#include <chimera/memory/memory_timeline.hpp>
#include <chimera/partition/contiguous.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/partition/layout_string.hpp>
#include <chimera/partition/local_search.hpp>
#include <chimera/partition/memory_bounded.hpp>
#include <chimera/partition/mode_per_stage.hpp>
#include <chimera/partition/shared_workers/shared.hpp>
