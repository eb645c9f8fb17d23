// SPDX-License-Identifier: Apache-2.0
// A walk allocates nothing, whatever the hooks: every allocation of the process is counted.

#include "attack_specs.hpp"

#include <chimera/run.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace running_counts {

std::atomic<long> allocations = 0;

}  // namespace running_counts

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // the operators below are the pair
void* operator new(std::size_t size) {
    ++running_counts::allocations;
    if (void* found = std::malloc(size == 0 ? 1 : size)) return found;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++running_counts::allocations;
    return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* what) noexcept { std::free(what); }
void operator delete(void* what, std::size_t) noexcept { std::free(what); }

namespace chimera {
namespace {

namespace running_counts {

/// Blocking, or waited for where Starts.
template <bool Starts>
struct counter {
    long calls = 0;
    void forward(const pass_call& p) { calls += p.count; }
    void backward(const pass_call& p) { calls += p.count; }
    void input_gradient(const pass_call& p) { calls += p.count; }
    void weight_gradient(const pass_call& p) { calls += p.count; }
    void recompute(const pass_call& p) { calls += p.count; }
    void send(const message_call&) { ++calls; }
    void receive(const message_call&) { ++calls; }
    void start(std::span<const message_call> group) requires Starts { calls += static_cast<long>(group.size()); }
    bool test(const message_call&) requires Starts { return ++calls % 3 == 0; }
    void start_reduction(const stage_call&) { ++calls; }
    void wait_reduction(const stage_call&) { ++calls; }
    void update(const stage_call&) { ++calls; }
};

}  // namespace running_counts

TEST(run_allocates_nothing, in_any_iteration) {
    attack::dice d(5);
    long calls = 0;
    for (int k = 0; k < 50; ++k) {
        const attack::case_of c = attack::random_case(d, 9, 14);
        const program p = lower(c.table, c.mode);
        for (int w = 0; w < p.head.workers; ++w) {
            const long at_first = ::running_counts::allocations;
            const run_plan plan = make_run_plan(p, w);
            const long before = ::running_counts::allocations;
            EXPECT_GT(before, at_first) << "allocations are not counted";
            running_counts::counter<false> blocking;
            running_counts::counter<true> starting;
            for (int iteration = 0; iteration < 3; ++iteration) {
                run(plan, blocking);
                run(plan, starting);
            }
            EXPECT_EQ(::running_counts::allocations, before) << c.name;
            calls += blocking.calls + starting.calls;
        }
    }
    EXPECT_GT(calls, 10000);
}

}  // namespace
}  // namespace chimera
