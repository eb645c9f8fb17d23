// SPDX-License-Identifier: Apache-2.0
#pragma once

// Trainers on threads, each walking its row of a program, beside a calculation without workers.

#include "run_model.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace chimera::running {

template <class Worker>
void compare(const std::string& name, const program& p, int rest) {
    network net(p.messages);
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
    std::string all;
    for (const std::string& fault : faults) all += fault.empty() ? "" : fault + "; ";
    ASSERT_EQ(all, "") << name;
    serial expected(p);
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
            each_tied(p.links, s, [&](std::size_t link) {
                ASSERT_EQ(worker.tied.at({s, link}), expected.last_tied(link))
                    << name << " stage " << s << " worker " << w;
            });
        }
}

inline void compare_all(const std::string& name, const program& p) {
    compare<blocking_worker>(name + " blocking", p, 0);
    compare<starting_worker>(name + " starting", p, 0);
    compare<starting_worker>(name + " starting, rest 2", p, 2);
    compare<testing_worker>(name + " testing", p, 1);
}

}  // namespace chimera::running
