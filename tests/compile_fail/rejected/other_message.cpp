// error: stages must be even
// SPDX-License-Identifier: Apache-2.0
#ifndef TWIN
static_assert(false, "stages must be odd");
#endif
