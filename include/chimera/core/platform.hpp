// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Schedules are constants: they need vectors whose members are constexpr. Those of libstdc++'s debug mode are not (GCC
// bug 104748). The header that is missing ends the compilation, which would print an error for every constexpr function.
#if defined(_GLIBCXX_DEBUG) && defined(__GLIBCXX__)
#error "chimera needs constexpr vectors, which _GLIBCXX_DEBUG takes away: define _GLIBCXX_ASSERTIONS instead"
#include <chimera/stop.hpp>
#endif
