// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/data/corpus.hpp>
#include <executor/io/checksum.hpp>

#include <algorithm>
#include <cstring>

namespace chimera::executor {

namespace {

constexpr std::size_t header_bytes = 256 * sizeof(std::int32_t);
constexpr std::uint32_t token_magic = 20240520;
constexpr std::uint32_t token_version = 1;

std::uint32_t header_word(std::span<const std::byte> file, std::size_t index) {
    std::uint32_t word = 0;
    std::memcpy(&word, file.data() + index * sizeof word, sizeof word);
    return word;
}

void check_header(std::span<const std::byte> file, const std::string& name) {
    if (file.empty())
        refuse("token file " + name + " is empty (0 bytes) give a file with a 1024-byte header and tokens");
    if (file.size() < header_bytes)
        refuse("token file " + name + " is truncated (" + std::to_string(file.size()) +
               " bytes, its header alone takes 1024) copy it again");
    if (header_word(file, 0) != token_magic)
        refuse("token file " + name + " is not one (magic " + std::to_string(header_word(file, 0)) +
               ", it must be 20240520) give a GPT-2 .bin file, or text without the ending .bin");
    if (header_word(file, 1) != token_version)
        refuse("token file " + name + " has an unknown version (" + std::to_string(header_word(file, 1)) +
               ", it must be 1) write it again with uint16 tokens, version 1");
}

}  // namespace

namespace {

/// Tokens that follow the header of a file of `size` bytes; `start`: its beginning, the header or less.
std::size_t token_count(std::span<const std::byte> start, std::size_t size, const std::string& name) {
    check_header(start, name);
    const std::size_t count = header_word(start, 2);
    const std::size_t body = size - header_bytes;
    if (count == 0) refuse("token file " + name + " has no tokens (its header says 0) give one with tokens");
    if (body != count * sizeof(std::uint16_t))
        refuse("token file " + name + (body < 2 * count ? " is truncated" : " is too long") + " (its header says " +
               std::to_string(count) + " tokens, " + std::to_string(2 * count) + " bytes, but " + std::to_string(body) +
               " bytes follow) copy it again");
    return count;
}

/// `tokens` begin at token `from` of the file.
void check_tokens(std::span<const std::uint16_t> tokens, std::size_t from, int vocabulary, const std::string& name) {
    const auto bad = std::find_if(tokens.begin(), tokens.end(), [&](std::uint16_t t) { return t >= vocabulary; });
    if (bad == tokens.end()) return;
    refuse("token file " + name + " does not fit the model (token " +
           std::to_string(from + static_cast<std::size_t>(bad - tokens.begin())) + " is " + std::to_string(*bad) +
           ", the vocabulary has " + std::to_string(vocabulary) + ") set the model's vocabulary to at least " +
           std::to_string(*bad + 1));
}

constexpr std::size_t chunk = 1 << 16;  // tokens read at a time

}  // namespace

std::span<const std::uint16_t> parse_tokens(std::span<const std::byte> file, int vocabulary, const std::string& name) {
    const std::size_t count = token_count(file, file.size(), name);
    const std::span tokens(reinterpret_cast<const std::uint16_t*>(file.data() + header_bytes), count);
    check_tokens(tokens, 0, vocabulary, name);
    return tokens;
}

void corpus::token_file::read(std::size_t from, std::span<std::uint16_t> into) const {
    read_at(file, header_bytes + from * sizeof(std::uint16_t), std::as_writable_bytes(into), path);
}

void corpus::add(piece next) {
    next.begin = size_;
    size_ += next.size();
    if (next.size() > 0) pieces_.push_back(std::move(next));
    ++files_;
}

corpus corpus::bytes(std::string text) {
    corpus made;
    auto owner = std::make_shared<const std::string>(std::move(text));
    made.add({0, owner, nullptr});
    return made;
}

corpus corpus::text(const std::vector<std::filesystem::path>& files, int vocabulary) {
    std::size_t total = 0;
    std::vector<std::size_t> sizes;
    for (const auto& path : files) {
        const auto file = open_file(path);
        sizes.push_back(size_of(file, path));
        total += sizes.back();
    }
    std::string all(total, '\0');
    std::size_t at = 0;
    for (std::size_t i = 0; i < files.size(); at += sizes[i++])
        read_at(open_file(files[i]), 0, std::as_writable_bytes(std::span(all).subspan(at, sizes[i])), files[i]);
    const auto bad =
        std::find_if(all.begin(), all.end(), [&](char c) { return static_cast<unsigned char>(c) >= vocabulary; });
    if (bad != all.end())
        refuse("the text does not fit the model (it has byte " + std::to_string(static_cast<unsigned char>(*bad)) +
               ", the vocabulary has " + std::to_string(vocabulary) + ") set the model's vocabulary to 256");
    corpus made = bytes(std::move(all));
    made.files_ = files.size();
    return made;
}

corpus corpus::tokens(const std::vector<std::filesystem::path>& files, int vocabulary) {
    corpus made;
    made.is_text_ = false;
    std::vector<std::uint16_t> part;
    for (const auto& path : files) {
        auto opened = open_file(path);
        const std::size_t size = size_of(opened, path);
        std::vector<std::byte> start(std::min(size, header_bytes));
        read_at(opened, 0, start, path);
        auto file = std::make_shared<token_file>();
        file->count = token_count(start, size, shown(path));
        file->file = std::move(opened);
        file->path = path;
        for (std::size_t at = 0; at < file->count; at += chunk) {
            part.resize(std::min(chunk, file->count - at));
            file->read(at, part);
            check_tokens(part, at, vocabulary, shown(path));
        }
        made.add({0, nullptr, std::move(file)});
    }
    return made;
}

void corpus::copy(std::size_t from, std::span<std::int32_t> into) const {
    auto at = std::upper_bound(pieces_.begin(), pieces_.end(), from,
                               [](std::size_t value, const piece& p) { return value < p.begin; });
    for (at = std::prev(at); !into.empty(); ++at) {
        const std::size_t skip = from - at->begin;
        const std::size_t count = std::min(into.size(), at->size() - skip);
        if (at->tokens) {
            std::vector<std::uint16_t> part(count);
            at->tokens->read(skip, part);
            std::ranges::copy(part, into.begin());
        } else {
            std::transform(at->text->begin() + static_cast<std::ptrdiff_t>(skip),
                           at->text->begin() + static_cast<std::ptrdiff_t>(skip + count), into.begin(),
                           [](char c) { return static_cast<unsigned char>(c); });
        }
        into = into.subspan(count);
        from += count;
    }
}

std::uint64_t corpus::fingerprint() const {
    checksum sum;
    std::vector<std::uint16_t> part;
    for (const auto& p : pieces_) {
        if (p.text) sum.add(*p.text);
        for (std::size_t at = 0; p.tokens && at < p.size(); at += chunk) {
            part.resize(std::min(chunk, p.size() - at));
            p.tokens->read(at, part);
            sum.add(std::as_bytes(std::span(part)));
        }
    }
    return sum.value();
}

corpus open_corpus(const std::vector<std::filesystem::path>& paths, int vocabulary,
                   const std::filesystem::path& excluded) {
    if (paths.empty()) refuse("no data (the list of paths is empty) give files or folders to train on");
    const auto is_tokens = [](const std::filesystem::path& p) { return p.extension() == ".bin"; };
    const auto count = std::count_if(paths.begin(), paths.end(), is_tokens);
    if (count != 0 && count != static_cast<std::ptrdiff_t>(paths.size()))
        refuse("token files and text do not mix (" + std::to_string(count) + " of " + std::to_string(paths.size()) +
               " paths end in .bin) train on one or the other");
    if (count != 0) return corpus::tokens(paths, vocabulary);
    found_text found = find_text(paths, excluded);
    corpus made = corpus::text(found.files, vocabulary);
    made.others_ = std::move(found.others);
    return made;
}

}  // namespace chimera::executor
