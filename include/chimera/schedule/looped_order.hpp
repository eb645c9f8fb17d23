// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/order_writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace chimera::detail {

/// The order of interleaved 1F1B: micro-batches pass the chunks of a worker in groups, forwards from the first chunk,
/// backwards from the last one. The micro-batches beyond whole groups are a group of their own if the group is smaller
/// than the workers, if backwards are split, or if they are at least as many as workers (Megatron's rule); else they
/// join the group before.
struct looped_order {
    int workers = 1;
    int micro_batches = 1;
    int chunks = 1;
    int group = 1;
    bool split = false;  ///< a backward in two halves, the weight gradient right behind the input gradient
    int ahead = 2;       ///< further warm-up forwards for each worker behind this one

    [[nodiscard]] constexpr schedule make(label family) const {
        const std::size_t stages = static_cast<std::size_t>(workers) * static_cast<std::size_t>(chunks);
        order_writer out({family, workers, static_cast<int>(stages), 1, micro_batches, 1},
                         looped_placement(static_cast<int>(stages), workers),
                         (split ? 3 : 2) * stages * static_cast<std::size_t>(micro_batches));
        const std::int64_t total = std::int64_t{micro_batches} * chunks;
        for (int w = 0; w < workers; ++w) {
            cursor forward{*this}, backward{*this};
            std::int64_t done =
                (std::min)(total, std::int64_t{ahead} * (workers - w - 1) + std::int64_t{chunks - 1} * largest());
            for (std::int64_t i = 0; i < done; ++i) forward.write(out, pass::forward, w);
            for (std::int64_t i = 0; i < total; ++i) {
                if (done < total) forward.write(out, pass::forward, w), ++done;
                backward.write(out, split ? pass::input_gradient : pass::backward, w);
            }
            out.end_row();
        }
        return out.take();
    }

private:
    /// Returns whether groups differ by one micro-batch at most.
    [[nodiscard]] constexpr bool is_even() const noexcept { return group < workers && !split; }
    [[nodiscard]] constexpr int groups() const noexcept { return (micro_batches + group - 1) / group; }
    /// Returns whether a rest below the workers joins the group before.
    [[nodiscard]] constexpr bool joins() const noexcept { return group >= workers && !split; }
    /// Returns the size of the largest group: the warm-up must reach its last chunk.
    [[nodiscard]] constexpr int largest() const noexcept {
        if (is_even()) return (micro_batches + groups() - 1) / groups();
        const int rest = micro_batches % group;
        if (micro_batches <= group) return micro_batches;
        return joins() && rest < workers ? group + rest : group;
    }
    /// Micro-batches of the group that starts at `first`.
    [[nodiscard]] constexpr int group_at(int first) const noexcept {
        const int left = micro_batches - first;
        if (is_even()) {
            const int least = micro_batches / groups(), longer = micro_batches % groups();
            return left == 0 ? 0 : first < longer * (least + 1) ? least + 1 : least;
        }
        if (!joins()) return (std::min)(group, left);
        return left - group >= workers ? group : left;
    }

    /// Walks (micro-batch, chunk) in the order in which they pass a worker.
    struct cursor {
        const looped_order& of;
        int first = 0;              // of the group
        int size = of.group_at(0);  // of the group
        int chunk = 0;
        int at = 0;  // within the group

        constexpr void write(order_writer& out, pass op, int w) {
            const int c = op == pass::forward ? chunk : of.chunks - 1 - chunk;
            out.add(op, c * of.workers + w, first + at);
            if (op == pass::input_gradient) out.add(pass::weight_gradient, c * of.workers + w, first + at);
            if (++at < size) return;
            at = 0;
            if (++chunk < of.chunks) return;
            chunk = 0;
            first += size;
            size = of.group_at(first);
        }
    };
};

}  // namespace chimera::detail
