// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "search_support.hpp"

#include <chimera/core/query.hpp>
#include <chimera/schedule.hpp>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace search_test {

/// Makespan of the best of our families on a placement, played by `simulate`; infinite where none keeps the limits.
/// Written out family by family, so that it shares nothing with the search's own list.
class best_family {
public:
    explicit best_family(const search_problem& of) : of_(of) {
        const int d = of.stages, n = of.micro_batches;
        switch (of.placement) {
            case placing::linear:
                whole(gpipe{d, n}), whole(one_f_one_b{d, n});
                halved(zb_h1{d, n}), halved(zb_h2{d, n});
                break;
            case placing::fold:
                whole(wave{d, n});
                halved(zb_v{d, n}), halved(v_half{d, n}), halved(v_min{d, n}), halved(dualpipe_v{d, n});
                break;
            case placing::loop:
                whole(breadth_first{d, n, of.chunks});
                whole(interleaved{d, n, of.chunks}), whole(interleaved{d, n, of.chunks, 2 * d / of.chunks});
                break;
            case placing::overlay:
                whole(gems{d, n});
                for (const scale how : {scale::direct, scale::doubling}) {
                    whole(bidirectional{.stages = d, .micro_batches = n, .scale = how});
                    halved(bidirectional{.stages = d, .micro_batches = n, .scale = how, .split = true});
                }
                halved(dualpipe{d, n});
                break;
        }
    }
    double makespan() const { return least_; }
    const std::string& name() const { return name_; }

private:
    template <class Spec>
    void halved(const Spec& spec) {
        if (of_.split) whole(spec);
    }
    template <class Spec>
    void whole(const Spec& spec) {
        if (spec.refused() != refusal::none) return;
        const schedule made = generate(spec);
        for (int w = 0; w < made.head.workers; ++w) {
            const std::size_t which = of_.memory.size() > 1 ? static_cast<std::size_t>(w) : 0;
            if (!of_.memory.empty() && peak_units(made, worker{w}) > of_.memory[which]) return;
        }
        const double found = metrics(simulate(made, of_.cost)).makespan;
        if (found >= least_) return;
        least_ = found;
        name_ = made.head.family.view();
    }

    const search_problem& of_;
    double least_ = std::numeric_limits<double>::infinity();
    std::string name_;
};

/// A problem with so many workers on a placement.
inline search_problem on_workers(placing where, int workers, int micro_batches, const costs& cost) {
    const bool two = where == placing::fold || where == placing::loop;
    return {.stages = two ? 2 * workers : workers, .micro_batches = micro_batches, .cost = cost, .placement = where};
}

/// Equal passes; the 1.5 B model of arXiv 2401.10241; short weight gradients; nearly equal passes with transfers.
inline std::vector<costs> four_costs() {
    return {cost_of(1, 1, 1, 0), cost_of(18.5, 18.1, 9.3, 0.6), cost_of(1, 1.3, 0.7, 0.1),
            cost_of(10.4, 10.2, 7.7, 0.41)};
}

/// Random costs of which one in four has transfers as long as passes.
inline costs random_costs(std::mt19937& random) {
    const auto real = [&](double least, double most) {
        return std::uniform_real_distribution<double>(least, most)(random);
    };
    return cost_of(real(0.5, 2), real(0.5, 2), real(0, 2), real(0, 1) < 0.25 ? real(0.5, 4) : real(0, 0.2));
}

}  // namespace search_test
