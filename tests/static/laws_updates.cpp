// SPDX-License-Identifier: Apache-2.0
// Updates within the iteration, weight versions and pairs, in constant evaluation.

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/fixed_program.hpp>
#include <chimera/program/staleness.hpp>
#include <chimera/schedule.hpp>
#include <chimera/verify.hpp>

namespace {

using namespace chimera;

template <typename Spec>
constexpr program lowered(const Spec& spec) {
    return lower(generate(spec));
}
static_assert(verify(lowered(pipedream{.stages = 4, .micro_batches = 7})).ok());
static_assert(verify(lowered(pipedream_2bw{.stages = 3, .micro_batches = 11, .update_every = 4})).ok());
static_assert(verify(lowered(zb_v{.stages = 6, .micro_batches = 5})).ok());
static_assert(verify(lowered(dualpipe{.stages = 4, .micro_batches = 8})).ok());
static_assert(verify(lowered(interleaved{.stages = 8, .micro_batches = 4, .chunks = 2})).ok());

// As a table: PipeDream keeps D - s versions of stage s, gradients of stage s are D - s - 1 updates old.
constexpr auto& table = fixed_lowered<pipedream{.stages = 4, .micro_batches = 8}>;
static_assert(prove<table>());
constexpr bool published() {
    const auto copies = weight_copies(table);
    const auto ages = staleness(table);
    for (int s = 0; s < 4; ++s) {
        const auto at = static_cast<std::size_t>(s);
        if (copies[at] != 4 - s || ages[at].largest != 3 - s) return false;
    }
    return true;
}
static_assert(published());
static_assert(weight_copies(lowered(pipedream_2bw{.stages = 4, .micro_batches = 12}))[0] == 2);
static_assert(staleness(lowered(pipedream_2bw{.stages = 4, .micro_batches = 12}))[3].largest == 1);
static_assert(staleness(lowered(one_f_one_b{.stages = 4, .micro_batches = 12}))[0].largest == 0);

// Synchronous families keep one of each stage that they hold: Chimera with 2f pipelines 2f stages on each worker.
static_assert(weight_copies(lowered(bidirectional{.stages = 8, .micro_batches = 8, .pipelines = 4}))[5] == 4);
static_assert(weight_copies(lowered(zb_v{.stages = 8, .micro_batches = 4}))[0] == 2);

/// The n-th instruction with this action.
constexpr instruction& find(program& p, action op, int n = 0) {
    std::size_t i = 0;
    while (p.instructions[i].op != op || n-- > 0) ++i;
    return p.instructions[i];
}

/// True when exactly the one law breaks after `change`, and its predicate says so alone.
template <typename Change>
constexpr bool breaks(program p, law which, bool (*predicate)(program_argument), Change change) {
    if (!predicate(p)) return false;
    change(p);
    const report found = verify(p);
    for (int l = 0; l < law_count; ++l)
        if (found.broken(static_cast<law>(l)) != (static_cast<law>(l) == which)) return false;
    return !predicate(p);
}
constexpr program two_stages() { return lowered(pipedream{.stages = 2, .micro_batches = 4}); }

static_assert(breaks(two_stages(), law::housed, laws::housed,
                     [](program& p) { find(p, action::forward, 2).version = 0; }));
static_assert(breaks(two_stages(), law::housed, laws::housed,
                     [](program& p) { find(p, action::backward, 1).version = 1; }));
static_assert(breaks(two_stages(), law::housed, laws::housed, [](program& p) { ++p.version_counts[1]; }));
static_assert(breaks(two_stages(), law::housed, laws::housed,
                     [](program& p) { find(p, action::update_weights, 0).version = 0; }));
static_assert(breaks(lowered(one_f_one_b{.stages = 2, .micro_batches = 2}), law::housed, laws::housed,
                     [](program& p) { find(p, action::backward).version = 1; }));
static_assert(breaks(lowered(one_f_one_b{.stages = 2, .micro_batches = 2}), law::exclusive, laws::exclusive,
                     [](program& p) { find(p, action::backward, 1).overlap = 1; }));

/// Paired slots: next to each other, the first marked, nothing between them.
constexpr int pairs(const program& p) {
    int out = 0;
    for (std::size_t i = 0; i + 1 < p.instructions.size(); ++i)
        if (p.instructions[i].overlap) out += is_compute(p.instructions[i + 1].op) ? 1 : -1000;
    return out;
}
static_assert(pairs(lowered(dualpipe{.stages = 4, .micro_batches = 8})) >= 4);

}  // namespace
