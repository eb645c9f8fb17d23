// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace chimera {

/// Returns how many of `all` random cases a test runs: an eighth under the address sanitizer, where each takes ten times
/// as long and the builds without it run all of them.
constexpr int dose(int all) {
#if defined(__SANITIZE_ADDRESS__)
    return all / 8 + 1;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return all / 8 + 1;
#else
    return all;
#endif
#else
    return all;
#endif
}

}  // namespace chimera
