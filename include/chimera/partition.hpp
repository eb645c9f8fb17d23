// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Cuts of a model into stages, exact, and what workers need in memory.

#include <chimera/partition/bounded.hpp>
#include <chimera/partition/contiguous.hpp>
#include <chimera/partition/coupled.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/partition/memory.hpp>
#include <chimera/partition/recomputed.hpp>
#include <chimera/partition/shifted.hpp>
#include <chimera/partition/stagewise.hpp>
