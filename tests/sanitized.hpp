// SPDX-License-Identifier: Apache-2.0
#pragma once

// Defined in a build with the address sanitizer, by either compiler.
#if defined(__SANITIZE_ADDRESS__)
#define CHIMERA_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHIMERA_ADDRESS_SANITIZER
#endif
#endif
