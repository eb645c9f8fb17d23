// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

// What the tests of partitions share: small random cases, and every cut of one in turn. It knows no code under test.

namespace partition_test {

inline constexpr double none = std::numeric_limits<double>::infinity();

class draw {
public:
    explicit draw(std::uint32_t seed) : engine_(seed) {}
    int operator()(int from, int to) { return std::uniform_int_distribution<int>(from, to)(engine_); }
    /// Whole numbers from 0 to `most`.
    std::vector<double> list(int count, int most) {
        std::vector<double> out(static_cast<std::size_t>(count));
        for (double& x : out) x = (*this)(0, most);
        return out;
    }

private:
    std::mt19937 engine_;
};

/// Calls `see` with every cut of the layers into stages of at least one layer.
template <class See>
void each_cut(int layers, int stages, See see) {
    std::vector<int> cuts(static_cast<std::size_t>(stages) + 1, 0);
    cuts.back() = layers;
    const auto place = [&](const auto& self, int s) -> void {
        if (s == stages) return see(std::as_const(cuts));
        for (int i = cuts[static_cast<std::size_t>(s) - 1] + 1; i <= layers - (stages - s); ++i) {
            cuts[static_cast<std::size_t>(s)] = i;
            self(self, s + 1);
        }
    };
    place(place, 1);
}

inline double sum(const std::vector<double>& of, const std::vector<int>& cuts, int stage) {
    const auto s = static_cast<std::size_t>(stage);
    return std::accumulate(of.begin() + cuts[s], of.begin() + cuts[s + 1], 0.0);
}

inline bool well_formed(const std::vector<int>& cuts, int layers, int stages) {
    return static_cast<int>(cuts.size()) == stages + 1 && cuts.front() == 0 && cuts.back() == layers &&
           std::adjacent_find(cuts.begin(), cuts.end(), [](int a, int b) { return a >= b; }) == cuts.end();
}

}  // namespace partition_test
