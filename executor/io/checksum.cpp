// SPDX-License-Identifier: Apache-2.0
#include <executor/io/checksum.hpp>

#include <cstdio>
#include <new>

#define XXH_INLINE_ALL  // nothing to link
#include <xxhash.h>

namespace chimera::executor {

namespace {

XXH3_state_t* as_state(const std::shared_ptr<void>& pointer) { return static_cast<XXH3_state_t*>(pointer.get()); }

}  // namespace

checksum::checksum()
    : state_(XXH3_createState(), [](void* state) { XXH3_freeState(static_cast<XXH3_state_t*>(state)); }) {
    if (!state_) throw std::bad_alloc();
    XXH3_64bits_reset(as_state(state_));
}

void checksum::add(std::span<const std::byte> bytes) {
    XXH3_64bits_update(as_state(state_), bytes.data(), bytes.size());
}

std::uint64_t checksum::value() const { return XXH3_64bits_digest(as_state(state_)); }

std::string hex(std::uint64_t value) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
}

std::string hash_text(std::string_view text) {
    checksum sum;
    sum.add(text);
    return hex(sum.value());
}

}  // namespace chimera::executor
