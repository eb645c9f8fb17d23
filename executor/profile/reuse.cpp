// SPDX-License-Identifier: Apache-2.0
#include <executor/profile/forecast.hpp>

#include <algorithm>
#include <cmath>

namespace chimera::executor {

namespace {

/// A worker's buffers, the one touched last in front (Mattson et al., 1970: the stack distance).
class recent_buffers {
public:
    /// Bytes of the buffers touched since this one was, and its own; all there are where it never was.
    double touch(std::int32_t buffer, double bytes) {
        double above = 0;
        const auto at = std::find_if(stack_.begin(), stack_.end(), [&](const entry& e) {
            if (e.buffer != buffer) above += e.bytes;
            return e.buffer == buffer;
        });
        if (at != stack_.end()) stack_.erase(at);
        stack_.insert(stack_.begin(), {buffer, bytes});
        return above + bytes;
    }

private:
    struct entry {
        std::int32_t buffer;
        double bytes;
    };
    std::vector<entry> stack_;
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
    std::vector<recent_buffers> all(static_cast<std::size_t>(of.head.workers));
    const auto play = [&](int worker, bool count) {
        for (const instruction& i : of.row(worker)) {
            const int pass = is_compute(i.op) ? pass_of(i.op) : -1;
            if (pass < 0) continue;
            for (int k = 0; k < i.count; ++k) {
                const double bytes =
                    all[static_cast<std::size_t>(worker)].touch(of.buffer_of(i, k), std::max(1.0, kept[i.stage]));
                mean& into = found[i.stage * passes + static_cast<std::size_t>(pass)];
                if (count) into.add(bytes);
            }
        }
    };
    for (const bool count : {false, true})  // the second time buffers are found as every later iteration finds them
        for (int w = 0; w < of.head.workers; ++w) play(w, count);
    std::vector<reuse_bytes> out(kept.size());
    for (std::size_t s = 0; s < kept.size(); ++s)
        for (int p = 0; p < passes; ++p)
            if (const mean& m = found[s * passes + static_cast<std::size_t>(p)]; m.count > 0)
                out[s].*axes[p] = of.head.workers * m.value();
    return out;
}

}  // namespace chimera::executor
