// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/data/corpus_split.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace chimera::executor {

corpus_split split_corpus(std::size_t size, double fraction, int tokens) {
    if (!(fraction > 0 && fraction <= 0.5))
        refuse("validation_fraction is " + std::to_string(fraction) +
               " (out of range) use more than 0 and at most 0.5");
    const auto window = static_cast<std::size_t>(tokens) + 1;
    const std::size_t block = std::clamp(size / 256, 4 * window, std::max<std::size_t>(4 * window, 65536));
    corpus_split split;
    for (std::size_t i = 0, begin = 0; begin < size; ++i, begin += block) {
        const token_range next{begin, std::min(size, begin + block)};
        // The middle of each period, so that a corpus of one period has validation text as well.
        const auto before = std::floor(static_cast<double>(i) * fraction + 0.5);
        const bool held_out = std::floor(static_cast<double>(i + 1) * fraction + 0.5) > before;
        auto& side = held_out ? split.validation : split.training;
        if (!side.empty() && side.back().end == next.begin)
            side.back().end = next.end;
        else
            side.push_back(next);
    }
    const auto fits = [&](const token_range& r) { return r.size() >= window; };
    std::erase_if(split.training, [&](const token_range& r) { return !fits(r); });
    std::erase_if(split.validation, [&](const token_range& r) { return !fits(r); });
    if (split.training.empty() || split.validation.empty())
        refuse("the data is too short (" + std::to_string(size) + " tokens, windows of " + std::to_string(window) +
               ", every " + std::to_string(static_cast<int>(std::lround(1 / fraction))) +
               "th block for validation) give more data or fewer tokens per sequence");
    return split;
}

std::vector<std::size_t> validation_windows(const corpus_split& split, int tokens, std::size_t limit) {
    const auto step = static_cast<std::size_t>(tokens);
    std::vector<std::size_t> all;
    for (const auto& range : split.validation)
        for (std::size_t at = range.begin; at + step + 1 <= range.end; at += step) all.push_back(at);
    if (all.size() <= limit) return all;
    std::vector<std::size_t> some(limit);
    for (std::size_t i = 0; i < limit; ++i) some[i] = all[i * all.size() / limit];
    return some;
}

}  // namespace chimera::executor
