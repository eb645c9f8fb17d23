// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The combinators: pure functions schedule → schedule. Each checks what it needs and names the slot that breaks it.
#include <chimera/algebra/compact.hpp>
#include <chimera/algebra/fill.hpp>
#include <chimera/algebra/fold.hpp>
#include <chimera/algebra/move_workers.hpp>
#include <chimera/algebra/overlay.hpp>
#include <chimera/algebra/pair.hpp>
#include <chimera/algebra/split.hpp>
#include <chimera/algebra/units.hpp>
