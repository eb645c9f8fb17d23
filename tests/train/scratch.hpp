// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::test {

/// An empty folder that goes away with the object.
class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "chimera-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    ~scratch() { std::filesystem::remove_all(path_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;

    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

    /// Writes a file, making its folders.
    std::filesystem::path write(std::string_view name, std::string_view text) const {
        auto path = path_ / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
        return path;
    }

private:
    std::filesystem::path path_;
};

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The text of the error that `action` throws; it must be one line. Empty when nothing is thrown.
template <class Action>
std::string refusal_of(Action&& action) {
    try {
        action();
    } catch (const chimera_error& refused) {
        std::string text = refused.what();
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
        EXPECT_NE(text.find('('), std::string::npos) << text;
        return text;
    }
    return {};
}

/// The bytes of a token file.
inline std::string token_file(const std::vector<std::uint16_t>& tokens, std::uint32_t magic = 20240520,
                              std::uint32_t version = 1, std::int64_t count = -1) {
    std::uint32_t header[256] = {
        magic, version, static_cast<std::uint32_t>(count < 0 ? static_cast<std::int64_t>(tokens.size()) : count)};
    std::string text(reinterpret_cast<const char*>(header), sizeof header);
    return text.append(reinterpret_cast<const char*>(tokens.data()), tokens.size() * 2);
}

}  // namespace chimera::test
