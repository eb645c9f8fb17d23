// error: label_too_long
// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/label.hpp>

using namespace chimera;

#ifdef TWIN
constexpr label name = "a name of thirty-one characters";
#else
constexpr label name = "a name of thirty-two characters!";
#endif
static_assert(name.view().size() == 31);
