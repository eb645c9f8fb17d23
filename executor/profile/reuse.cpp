// SPDX-License-Identifier: Apache-2.0
#include <executor/profile/forecast.hpp>

#include <algorithm>
#include <cmath>

namespace chimera::executor {

namespace {

/// A worker's buffers by when they were touched last (Mattson et al., 1970: the stack distance), with the sums of bytes
/// in a tree (Fenwick, 1994): a touch takes the logarithm of their number. Bytes are whole, so that sums are exact.
class recent_buffers {
public:
    recent_buffers(std::size_t buffers, std::size_t touches) : last_(buffers), held_(buffers), tree_(touches + 1) {}

    /// Bytes of the buffers touched since this one was, and its own; all there are where it never was.
    double touch(std::int32_t buffer, double bytes) {
        auto& last = last_[static_cast<std::size_t>(buffer)];
        auto& held = held_[static_cast<std::size_t>(buffer)];
        const double above = last > 0 ? total_ - until(last) : total_;
        if (last > 0) add(last, -held);
        last = ++now_;
        held = std::round(bytes);
        add(last, held);
        return above + bytes;
    }

private:
    void add(std::size_t time, double bytes) {
        total_ += bytes;
        for (; time < tree_.size(); time += time & (~time + 1)) tree_[time] += bytes;
    }
    double until(std::size_t time) const {
        double sum = 0;
        for (; time > 0; time &= time - 1) sum += tree_[time];
        return sum;
    }

    std::vector<std::size_t> last_;  // touch of each buffer, from 1; 0: none
    std::vector<double> held_;       // bytes of each
    std::vector<double> tree_;
    double total_ = 0;
    std::size_t now_ = 0;
};

constexpr int passes = 4;
constexpr double reuse_bytes::*axes[passes] = {&reuse_bytes::forward, &reuse_bytes::backward,
                                               &reuse_bytes::input_gradient, &reuse_bytes::weight_gradient};

/// Returns the index of one of the four, or -1.
int pass_of(action op) {
    switch (op) {
        case action::forward:
            return 0;
        case action::backward:
            return 1;
        case action::input_gradient:
            return 2;
        case action::weight_gradient:
            return 3;
        default:
            return -1;
    }
}

/// A geometric mean, exact where all are the same: profiles must ascend by it, and equal ones stay equal.
struct mean {
    double logarithms = 0, least = 0, most = 0;
    int count = 0;
    void add(double value) {
        least = count > 0 ? std::min(least, value) : value;
        most = std::max(most, value);
        logarithms += std::log(value);
        ++count;
    }
    double value() const { return least == most ? most : std::exp(logarithms / count); }
};

}  // namespace

std::vector<reuse_bytes> reuse_of(const program_argument& of, std::span<const double> kept) {
    std::vector<mean> found(kept.size() * passes);
    const auto play = [&](int worker, recent_buffers& buffers, bool count) {
        for (const instruction& i : of.row(worker)) {
            const int pass = is_compute(i.op) ? pass_of(i.op) : -1;
            if (pass < 0) continue;
            for (int k = 0; k < i.count; ++k) {
                const double bytes = buffers.touch(of.buffer_of(i, k), std::max(1.0, kept[i.stage]));
                mean& into = found[i.stage * passes + static_cast<std::size_t>(pass)];
                if (count) into.add(bytes);
            }
        }
    };
    for (int w = 0; w < of.head.workers; ++w) {
        std::size_t touches = 0;
        for (const instruction& i : of.row(w)) touches += is_compute(i.op) ? i.count : 0U;
        recent_buffers buffers(static_cast<std::size_t>(of.buffer_counts[static_cast<std::size_t>(w)]), 2 * touches);
        play(w, buffers, false);
        play(w, buffers, true);  // now buffers are found as every later iteration finds them
    }
    std::vector<reuse_bytes> out(kept.size());
    for (std::size_t s = 0; s < kept.size(); ++s)
        for (int p = 0; p < passes; ++p)
            if (const mean& m = found[s * passes + static_cast<std::size_t>(p)]; m.count > 0)
                out[s].*axes[p] = of.head.workers * m.value();
    return out;
}

}  // namespace chimera::executor
