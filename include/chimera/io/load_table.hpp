// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/io/read_csv.hpp>
#include <chimera/io/read_table.hpp>
#include <chimera/program/lower.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace chimera {

namespace detail::reading {

struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

[[noreturn]] inline void cannot_read(const std::string& path, const char* why) {
    refuse("cannot read " + path + " (" + why + ") name a file that can be read");
}

/// Throws an error of the same kind as `e` with another text.
[[noreturn]] inline void refuse_again(const std::string& text, const chimera_error& e) {
    if (const auto fault = e.complaint()) refuse(text, *fault);
    if (const auto rule = e.refusal()) refuse(text, *rule);
    refuse(text);
}

/// Returns read(text), with the path before what it refuses.
template <class Read>
auto named(const std::string& path, const std::string& text, Read read) {
    try {
        return read(text);
    } catch (const contradiction& e) {
        throw contradiction(path + ": " + e.what(), e.complaint().value());
    } catch (const chimera_error& e) {
        refuse_again(path + ": " + e.what(), e);
    }
}

}  // namespace detail::reading

/// Returns the text of a file; at most 12 GiB, and 256 MiB of what is not a regular file. Throws chimera_error for what
/// cannot be read, is too large or holds a NUL byte.
[[nodiscard]] inline std::string read_text_file(const std::string& path) {
    using detail::reading::cannot_read;
    const std::unique_ptr<std::FILE, detail::reading::closer> file(std::fopen(path.c_str(), "rb"));
    if (!file) cannot_read(path, std::strerror(errno));
    std::error_code unknown;
    if (std::filesystem::is_directory(path, unknown)) cannot_read(path, "it is a folder");
    const bool regular = std::filesystem::is_regular_file(path, unknown);
    const std::size_t limit = regular ? std::size_t{12} << 30 : std::size_t{256} << 20;
    std::string out;
    if (const auto size = regular ? std::filesystem::file_size(path, unknown) : 0; !unknown && size > 0) {
        if (size > limit) cannot_read(path, "it is larger than 12 GiB");
        out.reserve(static_cast<std::size_t>(size) + 1);
    }
    char piece[65536];
    while (const std::size_t got = std::fread(piece, 1, sizeof piece, file.get())) {
        if (out.size() + got > limit) cannot_read(path, "it is too large");
        out.append(piece, got);
    }
    if (std::ferror(file.get()) != 0) cannot_read(path, std::strerror(errno));
    if (const auto at = out.find('\0'); at != out.npos)
        refuse(path + " holds a NUL byte (byte " + std::to_string(at + 1) + ", and text has none) name a text file");
    return out;
}

/// Reads a schedule or a program from a file: JSON as `read_table`, or CSV as `read_csv`, known by the name's end or
/// the first cell. `note` is set to what was left out of a CSV file and why; it is empty if nothing was. Says nothing
/// about the laws. Throws chimera_error whose text starts with the path.
[[nodiscard]] inline schedule_or_program load_table(const std::string& path, std::string* note = nullptr) {
    if (note != nullptr) note->clear();
    return detail::reading::named(path, read_text_file(path), [&](const std::string& text) -> schedule_or_program {
        if (!is_csv(path, text)) return read_table(text);
        csv_order read = read_csv(text);
        if (note != nullptr) *note = std::move(read.note);
        return std::move(read.order);
    });
}

/// Reads a program from a file; a schedule's is lowered. Throws chimera_error as `load_table` and `lower` do.
[[nodiscard]] inline program load_program(const std::string& path, reduction_start mode = reduction_start::eager_opt) {
    schedule_or_program read = load_table(path);
    if (auto* ready = std::get_if<program>(&read)) return std::move(*ready);
    return lower(std::get<schedule>(read), mode);
}

}  // namespace chimera
