// SPDX-License-Identifier: Apache-2.0

// The cut of matrix products into oneDNN's primitives. oneDNN 2.6 chooses its blocks by the whole shape, and for some
// shapes badly: the numbers here are of the fastest cuts on an AMD EPYC with AVX-512, where they gain up to two thirds
// (bench/layers.cpp measures them).

#include <executor/device/cpu/cpu_linear.hpp>

#include <algorithm>

namespace chimera::executor::detail {

namespace {

constexpr long worth_a_thread = 1L << 20;      // multiply-adds
constexpr long most_terms = 2048;              // of a sum, unless the right operand has to be transposed
constexpr long most_of_a_gradient = 1L << 20;  // elements of a weight's gradient
constexpr long granule = 16;                   // floats of a cache line

struct range {
    long first = 0, count = 0;
};

/// n things as `parts` nearly equal ranges, or fewer, cut at multiples of `multiple`.
std::vector<range> ranges(long n, long parts, long multiple) {
    const long pieces = (n + multiple - 1) / multiple, each = (pieces + parts - 1) / parts * multiple;
    std::vector<range> all;
    for (long first = 0; first < n; first += each) all.push_back({first, std::min(each, n - first)});
    return all;
}

/// As many ranges as it takes for none to be longer than `most`.
std::vector<range> ranges_up_to(long most, long n, long multiple) { return ranges(n, (n + most - 1) / most, multiple); }

/// Returns true if threads take rows of the result each. Those of a weight's gradient lie together. oneDNN is slow with
/// few columns of a transposed right operand.
bool by_rows(const product_form& f, long threads) {
    if (f.left_transposed) return f.rows >= granule * threads;
    return f.right_transposed && f.columns <= 2 * f.inner && f.rows >= 4 * granule * threads;
}

}  // namespace

std::vector<std::vector<product_part>> cut(const product_form& f, int threads) {
    const long work = f.rows * f.columns * f.inner, useful = std::clamp(work / worth_a_thread, 1L, long{threads});
    const bool rows = by_rows(f, useful);
    const auto terms = f.right_transposed || f.gelu || f.result != dnnl::memory::data_type::f32
                           ? std::vector<range>{{0, f.inner}}
                           : ranges_up_to(most_terms, f.inner, granule);
    std::vector<std::vector<product_part>> all;
    for (const range& mine : ranges(rows ? f.rows : f.columns, useful, granule)) {
        const range across = rows ? range{0, f.columns} : mine;
        const range down = rows ? mine : range{0, f.rows};
        const long most = f.left_transposed ? std::max(4 * granule, most_of_a_gradient / across.count) : down.count;
        all.emplace_back();
        for (const range& r : ranges_up_to(most, down.count, granule))
            for (const range& t : terms)
                all.back().push_back({down.first + r.first, r.count, across.first, across.count, t.first, t.count});
    }
    return all;
}

}  // namespace chimera::executor::detail
