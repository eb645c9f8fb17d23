// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/data/left_out.hpp>
#include <executor/io/files.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace chimera::executor {

/// The tokens of a file in the common GPT-2 form: 256 int32 (magic 20240520, version 1, token count, zeros), then
/// uint16 tokens. Checks magic, version, that the count is what the size says, and every token against `vocabulary`;
/// throws chimera_error with `name` in it.
std::span<const std::uint16_t> parse_tokens(std::span<const std::byte> file, int vocabulary, const std::string& name);

/// The training data: a long row of tokens, either the bytes of text files or the tokens of GPT-2 token files.
class corpus {
public:
    /// Text: the bytes of `files`, one after the other.
    static corpus text(const std::vector<std::filesystem::path>& files, int vocabulary);
    /// Token files one after the other. They stay open and are read where tokens are asked for: one that is cut short
    /// meanwhile is an error of `copy`, not the end of the process.
    static corpus tokens(const std::vector<std::filesystem::path>& files, int vocabulary);
    /// Tokens that are already in memory, one byte each.
    static corpus bytes(std::string text);

    std::size_t size() const { return size_; }
    bool is_text() const { return is_text_; }
    std::size_t files() const { return files_; }
    /// Returns the files that the search for text passed over.
    const left_out& others() const { return others_; }
    /// Copies tokens [from, from + into.size()) of the row. Throws error when a token file can no longer be read that
    /// far.
    void copy(std::size_t from, std::span<std::int32_t> into) const;
    /// A number that changes with the content: XXH3 over all tokens.
    std::uint64_t fingerprint() const;

private:
    /// A token file that stays open.
    struct token_file {
        descriptor file;
        std::filesystem::path path;
        std::size_t count = 0;
        void read(std::size_t from, std::span<std::uint16_t> into) const;
    };
    struct piece {
        std::size_t begin = 0;  ///< position of its first token in the row
        std::shared_ptr<const std::string> text;
        std::shared_ptr<const token_file> tokens;
        std::size_t size() const { return tokens ? tokens->count : text->size(); }
    };
    void add(piece next);

    std::vector<piece> pieces_;
    std::size_t size_ = 0;
    std::size_t files_ = 0;
    bool is_text_ = true;
    left_out others_;

    friend corpus open_corpus(const std::vector<std::filesystem::path>& paths, int vocabulary,
                              const std::filesystem::path& excluded);
};

/// Opens `paths` as token files when they all end in ".bin", and as the text that find_text finds when none does; both
/// at once throws chimera_error.
corpus open_corpus(const std::vector<std::filesystem::path>& paths, int vocabulary,
                   const std::filesystem::path& excluded = {});

}  // namespace chimera::executor
