// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <executor/communicate/bootstrap/frame.hpp>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace chimera::executor {

/// Values one after the other, as they lie in memory: what processes of one build send each other.
class packer {
public:
    template <typename T>
    void add(const T& value) {
        static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
        put(&value, sizeof value);
    }
    template <typename T>
    void add_all(std::span<const T> values) {
        add(static_cast<std::uint64_t>(values.size()));
        put(values.data(), values.size_bytes());
    }
    void add_flag(bool is) { add<std::uint8_t>(is ? 1 : 0); }
    const blob& bytes() const { return bytes_; }

private:
    void put(const void* from, std::size_t size) {
        const auto* first = static_cast<const std::byte*>(from);
        bytes_.insert(bytes_.end(), first, first + size);
    }
    blob bytes_;
};

/// Reads what another rank has packed, in the same order, and believes nothing of it: every number and every length is
/// held against what the caller allows, before there is memory for it. Throws bad_message, which names the rank.
class unpacker {
public:
    unpacker(std::span<const std::byte> from, int rank) : rest_(from), rank_(rank) {}

    /// A number; what it may be is the caller's to check.
    template <typename T>
    T take() {
        static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
        T value{};
        std::memcpy(&value, next(1, sizeof value).data(), sizeof value);
        return value;
    }
    /// A number from `least` to `most`.
    template <typename T>
    T take(T least, T most, const char* what) {
        const T value = take<T>();
        check(value >= least && value <= most, [&] { return std::string(what) + " " + std::to_string(value); });
        return value;
    }
    bool take_flag(const char* what) { return take<std::uint8_t>(0, 1, what) == 1; }
    /// `count` values, not more and not less.
    template <typename T>
    std::vector<T> take_all(std::size_t count, const char* what) {
        const auto said = take<std::uint64_t>();
        check(said == count,
              [&] { return std::to_string(said) + " " + what + " where there are " + std::to_string(count); });
        return take_values<T>(count);
    }
    /// Bytes up to `most`.
    std::vector<std::byte> take_bytes(std::size_t most, const char* what) {
        const auto said = take<std::uint64_t>();
        check(said <= most, [&] {
            return std::string(what) + " of " + std::to_string(said) + " bytes where at most " + std::to_string(most) +
                   " may come";
        });
        return take_values<std::byte>(said);
    }
    /// To be called last: nothing may follow.
    void end() const {
        check(rest_.empty(), [&] { return std::to_string(rest_.size()) + " bytes too many"; });
    }

    /// Throws unless `right`. `text`: makes what the rank has sent, for the reader.
    template <typename Text>
    void check(bool right, Text text) const {
        if (right) return;
        throw bad_message("rank " + std::to_string(rank_) + " sent " + text() +
                          " (not what this job allows) start the same build everywhere");
    }

private:
    template <typename T>
    std::vector<T> take_values(std::size_t count) {
        static_assert(std::is_same_v<T, std::byte> || (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>));
        const auto bytes = next(count, sizeof(T));
        std::vector<T> values(count);
        if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
        return values;
    }
    std::span<const std::byte> next(std::size_t count, std::size_t size) {
        check(count <= rest_.size() / size, [] { return std::string("too little"); });
        const auto part = rest_.first(count * size);
        rest_ = rest_.subspan(part.size());
        return part;
    }
    std::span<const std::byte> rest_;
    int rank_;
};

}  // namespace chimera::executor
