// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <executor/communicate/bootstrap/frame.hpp>

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
        static_assert(std::is_trivially_copyable_v<T>);
        put(&value, sizeof value);
    }
    template <typename T>
    void add_all(std::span<const T> values) {
        add(static_cast<std::uint64_t>(values.size()));
        put(values.data(), values.size_bytes());
    }
    void add_text(const std::string& text) { add_all(std::span<const char>(text)); }
    const blob& bytes() const { return bytes_; }

private:
    void put(const void* from, std::size_t size) {
        const auto* first = static_cast<const std::byte*>(from);
        bytes_.insert(bytes_.end(), first, first + size);
    }
    blob bytes_;
};

/// Reads them again, in the same order. Throws error where they are not there.
class unpacker {
public:
    explicit unpacker(std::span<const std::byte> from) : rest_(from) {}

    bool empty() const { return rest_.empty(); }
    template <typename T>
    T take() {
        T value{};
        std::memcpy(&value, next(1, sizeof value).data(), sizeof value);
        return value;
    }
    template <typename T>
    std::vector<T> take_all() {
        std::vector<T> values(count<T>());
        const auto bytes = next(values.size(), sizeof(T));
        if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
        return values;
    }
    std::string take_text() {
        const auto text = take_all<char>();
        return {text.begin(), text.end()};
    }

private:
    template <typename T>
    std::size_t count() {
        const auto said = take<std::uint64_t>();
        if (said > rest_.size() / sizeof(T)) wrong();
        return said;
    }
    std::span<const std::byte> next(std::size_t count, std::size_t size) {
        if (count > rest_.size() / size) wrong();
        const auto part = rest_.first(count * size);
        rest_ = rest_.subspan(part.size());
        return part;
    }
    [[noreturn]] static void wrong() {
        refuse(
            "another rank sent something else than what was asked for (not this build's) start the same build "
            "everywhere");
    }
    std::span<const std::byte> rest_;
};

}  // namespace chimera::executor
