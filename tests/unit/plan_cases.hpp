// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/make_plan.hpp>

#include <algorithm>
#include <random>
#include <vector>

namespace chimera::cases {

/// Random models, clusters and requests, small enough to try everything.
class maker {
public:
    explicit maker(unsigned seed) : random_(seed) {}

    int whole(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
    double number(double least, double most) { return std::uniform_real_distribution<double>(least, most)(random_); }

    model some_model() {
        model out;
        out.name = "random";
        const int layers = whole(3, 14);
        const double kept = whole(0, 2) == 0 ? 1 : 1e6;  // models that are little but state, too
        for (int i = 0; i < layers; ++i) {
            layer l;
            l.parameters = whole(1, 1000) * 1000;
            l.forward = number(1, 10) * 1e9;
            l.input_gradient = l.forward * number(0.8, 1.3);
            l.weight_gradient = l.forward * number(0.5, 1.1);
            l.selective_forward = l.forward * number(0, 0.3);
            l.activations = number(1, 40) * kept;
            l.selective = l.activations * number(0.4, 1);
            l.output = number(0.1, 1) * 1e6;
            out.layers.push_back(l);
        }
        return out;
    }
    std::vector<int> some_cuts(int layers, int stages) {
        std::vector<int> inner(static_cast<std::size_t>(layers - 1));
        for (int i = 1; i < layers; ++i) inner[static_cast<std::size_t>(i - 1)] = i;
        std::shuffle(inner.begin(), inner.end(), random_);
        std::vector<int> out(inner.begin(), inner.begin() + stages - 1);
        out.push_back(0);
        out.push_back(layers);
        std::sort(out.begin(), out.end());
        return out;
    }
    cluster some_cluster() {
        cluster out;
        out.nodes = whole(1, 3);
        out.workers_per_node = whole(1, 4);
        out.each.flops = 1e12;
        out.each.inside = {1e-6, 5e10};
        out.each.between = {1e-5, number(0.5, 5) * 1e9};
        out.each.step_overhead = number(0, 1e-3);
        out.each.update_bandwidth = 1e10;
        out.each.overlap_slowdown = number(1, 1.5);
        if (whole(0, 2) == 0)
            for (int w = 0; w < out.nodes * out.workers_per_node; ++w) out.speeds.push_back(number(0.4, 1.2));
        if (whole(0, 2) != 0) out.memory = number(5, 200) * 1e6;
        return out;
    }
    recompute_mode some_mode() {
        constexpr recompute_mode all[] = {recompute_mode::none, recompute_mode::selective, recompute_mode::layers,
                                          recompute_mode::full};
        return all[whole(0, 3)];
    }
    plan_request some_request() {
        plan_request out;
        out.samples = whole(1, 50);
        out.even = whole(0, 3) == 0;
        out.top = static_cast<std::size_t>(whole(1, 5));
        if (whole(0, 3) == 0) out.tensors = {1, whole(2, 3)};
        out.sequence_parallel = whole(0, 1) == 0;
        return out;
    }

private:
    std::mt19937 random_;
};

}  // namespace chimera::cases
