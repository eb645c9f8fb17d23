// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>

#include <string>
#include <vector>

namespace search_test {

using namespace chimera;

inline costs cost_of(double f, double i, double w, double transfer) {
    costs out;
    out.forward = f;
    out.input_gradient = i;
    out.weight_gradient = w;
    out.backward = i + w;
    out.transfer = transfer;
    return out;
}

/// All equal; like a GPT of 1.5 B parameters; gradients longer than forwards, stages unlike each other.
inline std::vector<costs> three_costs(int stages) {
    std::vector<costs> out{cost_of(1, 1, 1, 0), cost_of(18.5, 18.1, 9.3, 0.6), cost_of(10, 13, 7, 1)};
    std::vector<double> f, i, w, b;
    for (int s = 0; s < stages; ++s) {
        f.push_back(10 + 3 * (s % 2));
        i.push_back(13 - 2 * (s % 3));
        w.push_back(7 + s);
        b.push_back(i.back() + w.back());
    }
    out[2].forward = f;
    out[2].input_gradient = i;
    out[2].weight_gradient = w;
    out[2].backward = b;
    return out;
}

inline bool fits(placing which, int stages) {
    return stages % 2 == 0 || which == placing::linear || which == placing::overlay;
}

inline std::string words(const search_problem& of) {
    std::string out = name(of.placement);
    out += " D=" + std::to_string(of.stages) + " N=" + std::to_string(of.micro_batches);
    out += of.split ? " split" : " unsplit";
    out += of.minimise == objective::span ? " span" : " makespan";
    for (const double m : of.memory) out += " memory " + std::to_string(m);
    out += " F " + std::to_string(of.cost.forward[0]);
    return out;
}

inline constexpr placing all_placings[] = {placing::linear, placing::fold, placing::loop, placing::overlay};

}  // namespace search_test
