// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/plan_cache.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace chimera::detail {

/// The search for the best modes of one candidate, and its outcome.
struct mode_task {
    const configuration* choice = nullptr;
    double limit = std::numeric_limits<double>::infinity();  ///< seconds from which on nothing is of interest
    double stop = limit;                                     ///< seconds from which on a simulation is given up
    double lacking = limit;                                  ///< bytes beyond which a lower bound of them suffices
    bool giving_way = false;                                 ///< only cuts that give way to memory are of interest
    bool kept = false;                                       ///< the outcome may serve another plan
    bool solved = false;                                     ///< by an earlier plan
    mode_result found;
    std::exception_ptr failed;
};

/// Solves tasks side by side, on threads that have an estimator and a cache of orders each. What a task finds depends
/// on the task alone.
class planner_threads {
public:
    planner_threads(const model& network, const cluster& machines, const plan_request& asked, plan_cache& cache) {
        const auto others = static_cast<std::size_t>((std::max)(1, asked.threads)) - 1;
        while (cache.others_.size() < others) cache.others_.emplace_back(slots_of_others);
        threads_.push_back(std::make_unique<searcher>(network, machines, asked, cache.orders));
        for (std::size_t i = 0; i < others; ++i)
            threads_.push_back(std::make_unique<searcher>(network, machines, asked, cache.others_[i]));
    }

    /// Returns the estimator of the calling thread.
    estimator& first() { return threads_.front()->estimate; }
    /// Returns the search of the calling thread.
    mode_search& modes() { return threads_.front()->modes; }

    /// Solves all tasks that are not solved. Throws what the first of them threw that did.
    void solve(std::vector<mode_task>& tasks) {
        std::atomic<std::size_t> next{0};
        const auto work = [&](searcher& one) {
            for (std::size_t i = next++; i < tasks.size(); i = next++) solve(one, tasks[i]);
        };
        std::vector<std::thread> others;
        try {
            for (std::size_t i = 1; i < threads_.size() && i < tasks.size(); ++i)
                others.emplace_back([&, i] { work(*threads_[i]); });
        } catch (const std::exception&) {  // no thread or no memory for one: fewer take longer
        }
        work(*threads_.front());
        for (std::thread& one : others) one.join();
        for (const mode_task& each : tasks)
            if (each.failed) std::rethrow_exception(each.failed);
    }

private:
    static constexpr std::size_t slots_of_others = std::size_t{1} << 22;  // 64 MiB each

    struct searcher {
        searcher(const model& network, const cluster& machines, const plan_request& asked, order_cache& orders)
            : estimate(network, machines, orders), modes(machines, asked, estimate) {}
        estimator estimate;
        mode_search modes;
    };

    static void solve(searcher& one, mode_task& task) {
        if (task.solved) return;
        try {
            task.found = task.giving_way ? one.modes.best_giving_way(*task.choice, task.limit, task.stop)
                                         : one.modes.best(*task.choice, task.limit, task.lacking, task.stop);
        } catch (...) {
            task.failed = std::current_exception();
        }
    }

    std::vector<std::unique_ptr<searcher>> threads_;
};

}  // namespace chimera::detail
