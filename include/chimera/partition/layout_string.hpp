// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/partition/layout_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chimera {

/// The runs of a layer chain that the letters of a layout string stand for, each in layers. E is the whole embedding, L
/// the whole head; t and m are blocks.
struct layout_chain {
    int embedding = 1;  ///< layers of E
    int blocks = 0;     ///< layers of all t and m together
    int loss = 1;       ///< layers of L

    /// Returns the layers of the whole chain.
    [[nodiscard]] constexpr int layers() const noexcept { return embedding + blocks + loss; }
    friend constexpr bool operator==(const layout_chain&, const layout_chain&) = default;
};

/// Reads a layout string, the value of `--pipeline-model-parallel-layout` in Megatron-LM 0.20
/// (megatron/core/transformer/pipeline_parallel_layer_layout.py): E embedding, t transformer layer, m layer of
/// multi-token prediction, L loss, `|` ends a stage, `x*n` and `(…)*n` repeat, commas mean nothing. Throws
/// `chimera_error`, which names the character (counted from 1), for other text, for more than a million letters, for
/// empty stages, and where the letters are not one E, then t, then m, then one L. Linear in the letters.
[[nodiscard]] constexpr std::vector<layout_stage> read_layout(std::string_view text) {
    return detail::stages_of_letters(detail::layout_reader(text).read());
}

/// Checks what Megatron-LM asks of a layout of several stages a rank: `ranks` divides the stages, and all m stand in
/// one stage, the last of its rank. Throws `chimera_error`.
constexpr void check_layout(std::span<const layout_stage> stages, int ranks) {
    const int count = static_cast<int>(stages.size());
    if (ranks < 1 || count % ranks != 0)
        refuse("the layout has " + std::to_string(count) + " stages (" + std::to_string(ranks) +
               " ranks hold equally many) give a multiple");
    int holders = 0;
    for (int s = 0; s < count; ++s) {
        if (stages[static_cast<std::size_t>(s)].prediction == 0) continue;
        if (++holders > 1)
            refuse("the layout has m in two stages, the second is stage " + std::to_string(s) +
                   " (one holds them all) move them together");
        if (s < count - ranks)
            refuse("the layout has m in stage " + std::to_string(s) + " (it is not the last of its rank) move it to " +
                   std::to_string(count - ranks) + " or later");
    }
}

/// Returns the cut of a chain that a layout says: the first layer of each stage, and one past the last. Throws
/// `chimera_error` if it has another number of blocks.
[[nodiscard]] constexpr std::vector<int> cuts_of(std::span<const layout_stage> stages, const layout_chain& chain) {
    std::int64_t blocks = 0;
    for (const layout_stage& s : stages) blocks += s.blocks();
    if (blocks != chain.blocks)
        refuse("the layout has " + std::to_string(blocks) + " transformer layers (the model has " +
               std::to_string(chain.blocks) + ") give as many t and m");
    std::vector<int> out{0};
    for (const layout_stage& s : stages)
        out.push_back(out.back() + s.embedding * chain.embedding + s.blocks() + s.loss * chain.loss);
    return out;
}

/// Returns the stages of a cut as a layout has them; all blocks are t. Throws `chimera_error` for a cut that does not
/// rise from 0 to the chain's layers, and for one within the embedding or the head, which are one letter each.
[[nodiscard]] constexpr std::vector<layout_stage> layout_of(std::span<const int> cuts, const layout_chain& chain) {
    bool good = cuts.size() > 1 && cuts.front() == 0 && cuts.back() == chain.layers();
    for (std::size_t s = 1; s < cuts.size(); ++s) good = good && cuts[s - 1] < cuts[s];
    if (!good) refuse("the cut does not rise from 0 to the layers (every stage holds some) give another");
    const int head = chain.embedding + chain.blocks;
    std::vector<layout_stage> out;
    for (std::size_t s = 0; s + 1 < cuts.size(); ++s) {
        const int from = cuts[s], to = cuts[s + 1];
        if ((from > 0 && from < chain.embedding) || from > head)
            refuse("stage " + std::to_string(s) + " begins within the " + (from > head ? "head" : "embedding") +
                   " (a layout has one letter for all of it) cut elsewhere");
        const int first = from < chain.embedding ? chain.embedding : from, last = to < head ? to : head;
        out.push_back({from == 0 ? 1 : 0, first < last ? last - first : 0, 0, to > head ? 1 : 0});
    }
    return out;
}

namespace detail {

/// Writes "*n".
constexpr void put_repeat(std::string& out, std::size_t count) {
    std::string digits;
    for (; count > 0; count /= 10) digits.insert(digits.begin(), static_cast<char>('0' + count % 10));
    out += "*" + digits;
}

/// Writes a run of a letter: up to three as they are, more with a count.
constexpr void put_run(std::string& out, char letter, int count) {
    out.append(static_cast<std::size_t>(count > 3 ? 1 : count), letter);
    if (count > 3) put_repeat(out, static_cast<std::size_t>(count));
}

constexpr std::string stage_text(const layout_stage& stage) {
    std::string out;
    put_run(out, 'E', stage.embedding);
    put_run(out, 't', stage.transformer);
    if (!out.empty() && out.back() >= '0' && out.back() <= '9' && stage.prediction + stage.loss > 0) out += ',';
    put_run(out, 'm', stage.prediction);
    if (stage.prediction > 3 && stage.loss > 0) out += ',';
    put_run(out, 'L', stage.loss);
    return out;
}

}  // namespace detail

/// Writes a layout string: runs of more than three letters and equal stages with counts, where that is shorter.
/// `read_layout` reads it back, as Megatron-LM does.
[[nodiscard]] constexpr std::string write_layout(std::span<const layout_stage> stages) {
    std::string out;
    for (std::size_t s = 0; s < stages.size();) {
        const std::string one = detail::stage_text(stages[s]) + (s + 1 < stages.size() ? "|" : "");
        std::size_t next = s + 1;
        while (next + 1 < stages.size() && stages[next] == stages[s]) ++next;
        std::string repeated = "(" + one + ")";
        detail::put_repeat(repeated, next - s);
        if (repeated.size() < one.size() * (next - s)) {
            out += repeated + ",";
            s = next;
        } else {
            out += one;
            ++s;
        }
    }
    return out;
}

}  // namespace chimera
