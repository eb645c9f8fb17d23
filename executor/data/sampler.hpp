// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/data/corpus.hpp>
#include <executor/data/corpus_split.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera::executor {

/// The data of one iteration: units × sequences × tokens, and for each token the one that follows it.
struct batch {
    int units = 0;
    int sequences = 0;  ///< per unit
    int tokens = 0;     ///< per sequence
    std::vector<std::int32_t> inputs;
    std::vector<std::int32_t> targets;

    std::size_t unit_size() const { return static_cast<std::size_t>(sequences) * static_cast<std::size_t>(tokens); }
    std::span<const std::int32_t> inputs_of(int unit) const { return part(inputs, unit); }
    std::span<const std::int32_t> targets_of(int unit) const { return part(targets, unit); }

private:
    std::span<const std::int32_t> part(const std::vector<std::int32_t>& all, int unit) const {
        return std::span(all).subspan(static_cast<std::size_t>(unit) * unit_size(), unit_size());
    }
};

/// A batch of `units` × `sequences` windows of the corpus that start at `starts`, missing ones repeating the last.
void fill_batch(const corpus& data, std::span<const std::size_t> starts, int units, int sequences, int tokens,
                batch& into);

/// The position of a sampler; a checkpoint holds it.
struct sampler_state {
    std::uint64_t epoch = 0;   ///< passes over the training text begun before this one
    std::uint64_t cursor = 0;  ///< windows of this pass already drawn
    std::uint64_t random = 0;  ///< key of this pass: its phase and its order
    friend bool operator==(const sampler_state&, const sampler_state&) = default;
};

/// Draws training windows of tokens + 1: in each pass every window once, in an order and from a phase that the pass's
/// key decides. A draw depends on the seed and on the number of draws before it alone.
class sampler {
public:
    sampler(const corpus& data, const corpus_split& split, int tokens, std::uint64_t seed);

    /// Fills the batch of the next iteration: units × sequences windows.
    void next(int units, int sequences, batch& into);

    sampler_state state() const { return state_; }
    void restore(const sampler_state& state);

private:
    void begin_pass();
    std::size_t draw();

    const corpus* data_;
    std::vector<token_range> ranges_;
    std::size_t tokens_;
    sampler_state state_;
    std::size_t phase_ = 0;
    std::vector<std::size_t> firsts_;  ///< ranges + 1: index of each range's first window in this pass
};

}  // namespace chimera::executor
