// SPDX-License-Identifier: Apache-2.0
// Any bytes as a token file: tokens below the vocabulary, or an error of one line.
#include <chimera/core/error.hpp>
#include <executor/data/corpus.hpp>

#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const int vocabulary = 1 + (data[0] << 8 | data[1]);
    std::vector<std::byte> file(size - 2);
    if (size > 2) std::memcpy(file.data(), data + 2, size - 2);
    // Half the inputs get a header's start that is right, so that the fuzzer reaches what lies behind it.
    if (file.size() >= 1024 && (data[1] & 1)) {
        const std::uint32_t start[3] = {20240520, 1, static_cast<std::uint32_t>((file.size() - 1024) / 2)};
        std::memcpy(file.data(), start, (data[1] & 2) ? 12 : 8);
    }
    try {
        const auto tokens = chimera::executor::parse_tokens(file, vocabulary, "x");
        if (tokens.size() * 2 + 1024 != file.size()) std::abort();
        for (const auto token : tokens)
            if (token >= vocabulary) std::abort();
    } catch (const chimera::error& refused) {
        if (std::strchr(refused.what(), '\n')) std::abort();
    }
    return 0;
}
