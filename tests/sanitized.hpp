// SPDX-License-Identifier: Apache-2.0
#pragma once

// Each is defined in a build with the sanitizer of its name, by either compiler.
#if defined(__SANITIZE_ADDRESS__)
#define CHIMERA_ADDRESS_SANITIZER
#elif defined(__SANITIZE_THREAD__)
#define CHIMERA_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHIMERA_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define CHIMERA_THREAD_SANITIZER
#endif
#endif
