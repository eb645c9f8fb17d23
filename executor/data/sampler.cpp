// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/data/sampler.hpp>
#include <executor/layers/mix.hpp>

#include <algorithm>
#include <bit>

namespace chimera::executor {

namespace {

/// A permutation of 0 … count - 1 chosen by `key`: a four-round Feistel network over the next even power of two,
/// walked until it lands inside. Needs no memory, so a pass over any corpus starts at once.
std::uint64_t permute(std::uint64_t index, std::uint64_t count, std::uint64_t key) {
    const int half = (static_cast<int>(std::bit_width(count - 1)) + 1) / 2;
    const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
    do {
        std::uint64_t left = index >> half, right = index & mask;
        for (std::uint64_t round = 0; round < 4; ++round) {
            const std::uint64_t next = left ^ (mix(key ^ mix(right * 4 + round)) & mask);
            left = right;
            right = next;
        }
        index = left << half | right;
    } while (index >= count);
    return index;
}

}  // namespace

void fill_batch(const corpus& data, std::span<const std::size_t> starts, int units, int sequences, int tokens,
                batch& into) {
    const auto length = static_cast<std::size_t>(tokens);
    const auto windows = static_cast<std::size_t>(units) * static_cast<std::size_t>(sequences);
    into.units = units;
    into.sequences = sequences;
    into.tokens = tokens;
    into.inputs.resize(windows * length);
    into.targets.resize(windows * length);
    for (std::size_t i = 0; i < windows; ++i) {
        const std::size_t start = starts[std::min(i, starts.size() - 1)];
        data.copy(start, std::span(into.inputs).subspan(i * length, length));
        data.copy(start + 1, std::span(into.targets).subspan(i * length, length));
    }
}

sampler::sampler(const corpus& data, const corpus_split& split, int tokens, std::uint64_t seed)
    : data_(&data), ranges_(split.training), tokens_(static_cast<std::size_t>(tokens)) {
    state_.random = mix(seed);
    begin_pass();
}

void sampler::begin_pass() {
    phase_ = mix(state_.random ^ 1) % tokens_;
    firsts_.assign(1, 0);
    for (const auto& range : ranges_) {
        const std::size_t usable = range.size() > phase_ ? range.size() - phase_ : 0;
        firsts_.push_back(firsts_.back() + (usable > tokens_ ? (usable - 1) / tokens_ : 0));
    }
    // Every range holds a window at phase 0, but perhaps none does at this one.
    if (firsts_.back() > 0) return;
    phase_ = 0;
    for (std::size_t i = 0; i < ranges_.size(); ++i) firsts_[i + 1] = firsts_[i] + (ranges_[i].size() - 1) / tokens_;
}

std::size_t sampler::draw() {
    if (state_.cursor == firsts_.back()) {
        state_ = {state_.epoch + 1, 0, mix(state_.random)};
        begin_pass();
    }
    const std::size_t window = permute(state_.cursor++, firsts_.back(), state_.random);
    const auto at = std::upper_bound(firsts_.begin(), firsts_.end(), window) - firsts_.begin() - 1;
    const auto range = static_cast<std::size_t>(at);
    return ranges_[range].begin + phase_ + (window - firsts_[range]) * tokens_;
}

void sampler::next(int units, int sequences, batch& into) {
    std::vector<std::size_t> starts(static_cast<std::size_t>(units) * static_cast<std::size_t>(sequences));
    for (auto& start : starts) start = draw();
    fill_batch(*data_, starts, units, sequences, static_cast<int>(tokens_), into);
}

void sampler::restore(const sampler_state& state) {
    state_ = state;
    begin_pass();
    if (state_.cursor > firsts_.back())
        refuse("the data cursor does not fit the data (" + std::to_string(state.cursor) + " windows drawn of " +
               std::to_string(firsts_.back()) + ") resume with the data that the checkpoint was made with");
}

}  // namespace chimera::executor
