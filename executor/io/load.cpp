// SPDX-License-Identifier: Apache-2.0
#include <executor/io/read.hpp>
#include <executor/io/read_csv.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace chimera::executor {

namespace {

struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

[[noreturn]] void fail(const std::string& path, const char* why) {
    refuse("cannot read " + path + " (" + why + ") name a file that can be read");
}

/// Throws an error of the same kind as `e` with another text.
[[noreturn]] void refuse_again(const std::string& text, const chimera_error& e) {
    if (const auto fault = e.complaint()) refuse(text, *fault);
    if (const auto rule = e.refusal()) refuse(text, *rule);
    refuse(text);
}

/// read(text of the file), with the path before what it refuses.
template <class Read>
auto load(const std::string& path, Read read) {
    const std::string text = read_file(path);
    try {
        return read(text);
    } catch (const contradiction& e) {
        throw contradiction(path + ": " + e.what(), e.complaint().value());
    } catch (const chimera_error& e) {
        refuse_again(path + ": " + e.what(), e);
    }
}

}  // namespace

std::string read_file(const std::string& path) {
    const std::unique_ptr<std::FILE, closer> file(std::fopen(path.c_str(), "rbe"));
    if (!file) fail(path, std::strerror(errno));
    struct stat facts {};
    if (::fstat(fileno(file.get()), &facts) != 0) fail(path, std::strerror(errno));
    if (S_ISDIR(facts.st_mode)) fail(path, "it is a folder");
    const std::size_t limit = S_ISREG(facts.st_mode) ? std::size_t{12} << 30 : std::size_t{256} << 20;
    std::string out;
    if (S_ISREG(facts.st_mode) && facts.st_size > 0) {
        if (static_cast<std::size_t>(facts.st_size) > limit) fail(path, "it is larger than 12 GiB");
        out.reserve(static_cast<std::size_t>(facts.st_size) + 1);
    }
    char piece[65536];
    while (const std::size_t got = std::fread(piece, 1, sizeof piece, file.get())) {
        if (out.size() + got > limit) fail(path, "it is too large");
        out.append(piece, got);
    }
    if (std::ferror(file.get()) != 0) fail(path, std::strerror(errno));
    if (const auto at = out.find('\0'); at != out.npos)
        refuse(path + " holds a NUL byte (byte " + std::to_string(at + 1) + ", and text has none) name a text file");
    return out;
}

table load_table(const std::string& path) {
    return load(path, [&](const std::string& text) -> table {
        if (!is_csv(path, text)) return read_table(text);
        csv_order read = read_csv(text);
        if (!read.note.empty()) std::fprintf(stderr, "chimera: note: %s: %s\n", path.c_str(), read.note.c_str());
        return std::move(read.order);
    });
}

stated_costs load_costs(const std::string& path) {
    return load(path, [](const std::string& text) { return read_costs(text); });
}

}  // namespace chimera::executor
