// SPDX-License-Identifier: Apache-2.0
// Trainers on threads, each walking its row of the program, leave the weights of a calculation without workers, for
// every family, with blocking calls and with calls that only begin.

#include "attack_specs.hpp"
#include "run_model.hpp"
#include "tests/dose.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>

namespace chimera {
namespace {

namespace running_families {

template <class Worker>
void compare(const std::string& name, const program& p, int rest) {
    running::network net(p.messages);
    std::vector<run_plan> plans;
    std::vector<std::unique_ptr<Worker>> workers;
    for (int w = 0; w < p.head.workers; ++w) {
        plans.push_back(make_run_plan(p, w, {rest}));
        ASSERT_EQ(find_buffer_fault(plans.back()), buffer_fault::none) << name;
        workers.push_back(std::make_unique<Worker>(plans.back(), p.head.stages, net));
    }
    std::vector<std::string> faults(plans.size());
    {
        std::vector<std::jthread> threads;
        for (std::size_t w = 0; w < plans.size(); ++w)
            threads.emplace_back([&, w] {
                try {
                    run(plans[w], *workers[w]);
                } catch (const std::exception& e) {
                    faults[w] = e.what();
                }
            });
    }
    for (const std::string& fault : faults) ASSERT_EQ(fault, "") << name;
    running::serial expected(p);
    std::set<int> units;
    for (const auto& worker : workers) {
        for (const auto& [unit, loss] : worker->losses) {
            ASSERT_EQ(loss, expected.loss(unit)) << name << " unit " << unit;
            ASSERT_TRUE(units.insert(unit).second) << name;
        }
    }
    ASSERT_EQ(static_cast<int>(units.size()), p.head.units()) << name;
    for (int s = 0; s < p.head.stages; ++s)
        for (const int w : p.view().replica_group(s)) {
            const auto& worker = *workers[static_cast<std::size_t>(w)];
            ASSERT_TRUE(worker.last.contains(s)) << name << " stage " << s;
            ASSERT_EQ(worker.last.at(s), 0) << name << " stage " << s;
            ASSERT_EQ(worker.weights.at({s, 0}), expected.last_weight(s)) << name << " stage " << s << " worker " << w;
        }
}

void compare_all(const std::string& name, const program& p) {
    compare<running::blocking_worker>(name + " blocking", p, 0);
    compare<running::starting_worker>(name + " starting", p, 0);
    compare<running::starting_worker>(name + " starting, rest 2", p, 2);
    compare<running::testing_worker>(name + " testing", p, 1);
}

}  // namespace running_families

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
                        running_families::compare_all(name, lower(generate(spec)));
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
        running_families::compare_all(c.name, lower(c.table, c.mode));
        const attack::case_of a = attack::random_asynchronous(d, 7, 11);
        running_families::compare_all(a.name, lower(a.table));
    }
}

}  // namespace
}  // namespace chimera
