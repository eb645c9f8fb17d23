// SPDX-License-Identifier: Apache-2.0
// Trainers on threads, each walking its row of the program, leave the weights of a calculation without workers, for
// every family, with blocking calls and with calls that only begin.

#include "attack_specs.hpp"
#include "run_compare.hpp"
#include "tests/dose.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chimera {
namespace {

TEST(run_families, every_family_leaves_the_weights_of_a_serial_calculation) {
    for (std::size_t f = 0; f < family_labels.size(); ++f) {
        int runs = 0;
        visit_family(static_cast<family>(f), [&](auto of) {
            for (const int stages : {1, 3, 4, 5, 9, 10})
                for (const int micro_batches : {1, 3, 8, 17, 20}) {
                    typename decltype(of)::type spec{};
                    spec.stages = stages;
                    spec.micro_batches = micro_batches;
                    if (spec.refused() != refusal::none) continue;
                    const std::string name = std::string(family_labels[f]) + " D=" + std::to_string(stages) +
                                             " N=" + std::to_string(micro_batches);
                    try {
                        running::compare_all(name, lower(generate(spec)));
                    } catch (const chimera_error& e) {
                        FAIL() << name << ": " << e.what();
                    }
                    ++runs;
                }
        });
        EXPECT_GE(runs, 2) << family_labels[f];
    }
}

TEST(run_families, random_specs_leave_the_weights_of_a_serial_calculation) {
    attack::dice d(416);
    for (int k = 0; k < dose(200); ++k) {
        const attack::case_of c = attack::random_case(d, 7, 11);
        running::compare_all(c.name, lower(c.table, c.mode));
        const attack::case_of a = attack::random_asynchronous(d, 7, 11);
        running::compare_all(a.name, lower(a.table));
    }
}

}  // namespace
}  // namespace chimera
