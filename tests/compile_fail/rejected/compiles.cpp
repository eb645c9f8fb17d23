// error: stages must be even
// SPDX-License-Identifier: Apache-2.0
static_assert(true);
