// SPDX-License-Identifier: Apache-2.0
#include "tests/device/cuda/fake/fake.hpp"

// Linked into programs in which events are recorded to measure products and for nothing else.
[[maybe_unused]] static const bool set = chimera::fake::the().skip_timed = true;
