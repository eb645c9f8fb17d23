// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace chimera::executor {

/// XXH3 (64 bits) of bytes that come piece by piece.
class checksum {
public:
    checksum();
    void add(std::span<const std::byte> bytes);
    void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
    std::uint64_t value() const;

private:
    std::shared_ptr<void> state_;
};

/// 16 lower-case hexadecimal digits.
std::string hex(std::uint64_t value);

/// XXH3 of `text`, in hexadecimal digits.
std::string hash_text(std::string_view text);

}  // namespace chimera::executor
