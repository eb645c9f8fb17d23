// error: stages must be even
// SPDX-License-Identifier: Apache-2.0
static_assert(false, "stages must be even");
