// SPDX-License-Identifier: Apache-2.0
// The laws on programs, in constant evaluation: what lower yields keeps all eight, and each breaks where it should.

#include <chimera/algebra.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/data_parallel.hpp>
#include <chimera/schedule/gpipe.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/verify.hpp>

#include <utility>

namespace {

using namespace chimera;

template <typename Spec>
constexpr bool whole(const Spec& spec, reduction_start mode = reduction_start::eager_opt) {
    const schedule s = generate(spec);
    const program p = lower(s, mode);
    return verify(p).ok();
}
static_assert(whole(bidirectional{.stages = 4, .micro_batches = 4}));
static_assert(whole(bidirectional{.stages = 8, .micro_batches = 12, .pipelines = 4, .scale = scale::doubling},
                    reduction_start::lazy));
static_assert(whole(bidirectional{.stages = 6, .micro_batches = 7, .pipelines = 6, .scale = scale::halving},
                    reduction_start::eager));
static_assert(whole(one_f_one_b{.stages = 5, .micro_batches = 7}));
static_assert(whole(gpipe{.stages = 3, .micro_batches = 4}));
static_assert(whole(data_parallel{.stages = 1, .micro_batches = 5, .width = 3}));

/// Worker 0 of bidirectional D = 2, N = 2, lazily synchronised, holds stage 0 of pipeline 0 and stage 1 of pipeline 1.
constexpr program two_workers() {
    const schedule s = generate(bidirectional{.stages = 2, .micro_batches = 2});
    return lower(s, reduction_start::lazy);
}

/// The n-th instruction of worker 0 with this action.
constexpr instruction& find(program& p, action op, int n = 0) {
    std::size_t i = 0;
    while (p.instructions[i].op != op || n-- > 0) ++i;
    return p.instructions[i];
}

/// True when exactly the one law breaks after `change`, and its predicate says so alone.
template <typename Change>
constexpr bool breaks(law which, bool (*predicate)(program_argument), Change change) {
    program p = two_workers();
    if (!predicate(p)) return false;
    change(p);
    const report found = verify(p);
    for (int l = 0; l < law_count; ++l)
        if (found.broken(static_cast<law>(l)) != (static_cast<law>(l) == which)) return false;
    return !predicate(p);
}

static_assert(breaks(law::matched, laws::matched, [](program& p) { find(p, action::send_activation).group = -1; }));
static_assert(breaks(law::matched, laws::matched, [](program& p) { find(p, action::backward, 1).inputs = 0; }));
static_assert(breaks(law::synchronised, laws::synchronised, [](program& p) {
    std::swap(find(p, action::reduce_gradient), find(p, action::reduce_gradient, 1));
}));
static_assert(breaks(law::synchronised, laws::synchronised, [](program& p) {
    std::swap(find(p, action::wait_gradient, 1), find(p, action::update_weights, 1));
}));
static_assert(breaks(law::housed, laws::housed, [](program& p) { ++p.buffer_counts[0]; }));
static_assert(breaks(law::housed, laws::housed, [](program& p) { find(p, action::forward).buffer = 1; }));
static_assert(laws::once(two_workers()) && laws::ordered(two_workers()) && laws::reproducible(two_workers()));
static_assert(laws::exclusive(two_workers()) && laws::bounded(two_workers(), 2) && !laws::bounded(two_workers(), 1));

// A computation that is gone takes more than one law with it: nobody makes what is sent on.
constexpr bool breaks_once() {
    program p = two_workers();
    find(p, action::forward).op = action::recompute;
    return !laws::once(p) && !verify(p).ok();
}
static_assert(breaks_once());

}  // namespace
