// SPDX-License-Identifier: Apache-2.0
// Skips and tied weights: programs of all families with random links leave the weights of a calculation without workers,
// keep all laws, and lose them where a link is disturbed.

#include "attack_specs.hpp"
#include "run_compare.hpp"
#include "tests/dose.hpp"

#include <chimera/algebra.hpp>
#include <chimera/io.hpp>
#include <chimera/render/json.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/reorder.hpp>
#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chimera {
namespace {

namespace linked_runs {

/// Returns up to five links between random stages, skips first, none twice.
std::vector<stage_link> random_links(attack::dice& d, int stages) {
    std::vector<stage_link> out;
    for (int k = attack::roll(d, 1, 5); k > 0; --k) {
        const link_kind kind = attack::roll(d, 0, 1) == 0 ? link_kind::skip : link_kind::tied;
        const int apart = kind == link_kind::tied ? 1 : 2;
        if (stages <= apart) continue;
        const int from = attack::roll(d, 0, stages - 1 - apart);
        const stage_link link{kind, static_cast<std::uint16_t>(from),
                              static_cast<std::uint16_t>(attack::roll(d, from + apart, stages - 1))};
        if (std::find(out.begin(), out.end(), link) == out.end()) out.push_back(link);
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.kind < b.kind; });
    return out;
}

template <class F>
void each_linked(unsigned seed, int programs, const F& f) {
    attack::dice d(seed);
    for (int k = 0; k < programs; ++k) {
        attack::case_of c = attack::random_case(d, 8, 11);
        c.table.links = random_links(d, c.table.head.stages);
        for (const stage_link& l : c.table.links)
            c.name +=
                (l.kind == link_kind::tied ? " tied " : " skip ") + std::to_string(l.from) + "-" + std::to_string(l.to);
        f(c.name, c, d);
    }
}

/// Returns the messages that skips need: of each unit and direction one where two workers hold the ends, if passes cover
/// a unit each.
int skipped_units(const program& p) {
    std::vector<int> pipeline(static_cast<std::size_t>(p.head.units()), -1);
    for (const instruction& i : p.instructions)
        for (int u = i.first; is_compute(i.op) && u < i.first + i.count; ++u)
            pipeline[static_cast<std::size_t>(u)] = i.pipeline;
    int out = 0;
    for (const stage_link& l : p.links)
        for (const int on : pipeline)
            if (l.kind == link_kind::skip && p.view().worker_of(on, l.from) != p.view().worker_of(on, l.to)) out += 2;
    return out;
}

}  // namespace linked_runs

using linked_runs::each_linked;

TEST(run_links, random_links_leave_the_weights_of_a_serial_calculation) {
    int skips = 0, ties = 0;
    each_linked(811, dose(250), [&](const std::string& name, const attack::case_of& c, attack::dice&) {
        const program p = lower(c.table, c.mode);
        const report found = verify(p);
        ASSERT_TRUE(found.ok()) << name << ": " << message(found.faults.front());
        running::compare_all(name, p);
        int sent = 0;
        for (const instruction& i : p.instructions) {
            sent += is_send(i.op) && i.list >= 0 ? i.count : 0;
            ties += i.op == action::reduce_gradient && i.stage >= p.head.stages;
        }
        EXPECT_EQ(sent, linked_runs::skipped_units(p)) << name;
        skips += sent;
    });
    EXPECT_GT(skips, dose(250));
    EXPECT_GT(ties, dose(250) / 4);
}

TEST(run_links, files_keep_them) {
    each_linked(812, dose(200), [&](const std::string& name, const attack::case_of& c, attack::dice&) {
        const schedule order = std::get<schedule>(read_table(json(c.table)));
        EXPECT_EQ(order.links, c.table.links) << name;
        const program p = lower(c.table, c.mode), back = std::get<program>(read_table(json(p)));
        EXPECT_EQ(back.links, p.links) << name;
        EXPECT_EQ(back.instructions, p.instructions) << name;
        EXPECT_EQ(back.members, p.members) << name;
    });
}

/// Drops, doubles or renames a transfer or a reduction of a link.
TEST(run_links, what_disturbs_a_link_breaks_a_law) {
    int broken = 0;
    each_linked(813, dose(400), [&](const std::string& name, const attack::case_of& c, attack::dice& d) {
        const program p = lower(c.table, c.mode);
        std::vector<std::size_t> linked;
        for (std::size_t i = 0; i < p.instructions.size(); ++i) {
            const instruction& x = p.instructions[i];
            if ((is_transfer(x.op) && x.list >= 0) || (!is_compute(x.op) && x.stage >= p.head.stages))
                linked.push_back(i);
        }
        if (linked.empty()) return;
        program q = p;
        const std::size_t at = linked[d() % linked.size()];
        instruction& x = q.instructions[at];
        if (attack::roll(d, 0, 1) == 0) {
            q.instructions.erase(q.instructions.begin() + static_cast<std::ptrdiff_t>(at));
            for (std::int32_t& o : q.offsets)
                if (o > static_cast<std::int32_t>(at)) --o;
        } else if (is_transfer(x.op)) {
            x.list = attack::roll(d, 0, 1) == 0 ? -1 : x.list + 1;
        } else {
            x.stage = static_cast<std::uint16_t>(x.stage + (attack::roll(d, 0, 1) == 0 ? -1 : 1));
        }
        EXPECT_FALSE(verify(q).ok()) << name << " instruction " << at;
        ++broken;
    });
    EXPECT_GT(broken, dose(400) / 2);
}

TEST(run_links, an_update_before_the_tied_sum_is_found) {
    schedule order = generate(gpipe{3, 4});
    order.links = {{link_kind::tied, 0, 2}};
    program p = lower(order);
    ASSERT_TRUE(verify(p).ok());
    auto row = p.view().row(0);
    const auto update = static_cast<std::size_t>(row.size()) - 1;
    ASSERT_EQ(p.instructions[update].op, action::update_weights);
    ASSERT_EQ(p.instructions[update - 1].op, action::wait_gradient);
    std::swap(p.instructions[update], p.instructions[update - 1]);
    EXPECT_TRUE(verify(p).broken(law::synchronised));
}

TEST(run_links, links_that_cannot_be_are_refused) {
    const auto refused = [](std::vector<stage_link> links, schedule order) {
        order.links = std::move(links);
        EXPECT_FALSE(verify(order).ok());
        EXPECT_THROW((void)lower(order), chimera_error);
        EXPECT_THROW((void)read_table(json(order)), chimera_error);
    };
    const schedule order = generate(gpipe{4, 3});
    refused({{link_kind::skip, 0, 1}}, order);  // the chain has it
    refused({{link_kind::skip, 2, 1}}, order);
    refused({{link_kind::skip, 1, 4}}, order);
    refused({{link_kind::tied, 2, 2}}, order);
    refused({{link_kind::skip, 0, 3}, {link_kind::skip, 0, 3}}, order);
    refused({{link_kind::tied, 0, 3}}, generate(pipedream{4, 3}));
    schedule many = order;
    many.links.assign(5000, {link_kind::skip, 0, 2});
    EXPECT_THROW((void)lower(many), chimera_error);
}

TEST(run_links, combinators_keep_them) {
    schedule order = generate(one_f_one_b{6, 8});
    order.links = {{link_kind::skip, 1, 4}, {link_kind::tied, 0, 5}};
    schedule few = generate(one_f_one_b{6, 3});
    few.links = order.links;
    const std::vector<std::uint8_t> flags(6, 1);
    const schedule halved = split_backward(order);
    const schedule pair_of[] = {order, mirror(order)};
    const std::pair<const char*, schedule> all[] = {
        {"compact", compact(order)},
        {"compact under costs", compact(order, costs{})},
        {"timed", timed(order)},
        {"recompute", recompute(order, flags)},
        {"split_backward", halved},
        {"fill", fill(halved)},
        {"pair", pair(order)},
        {"keep_first", keep_first(order, 3)},
        {"double_forward", double_forward(few, 6)},
        {"halve_backward", halve_backward(few, 6)},
        {"widen", widen(order, 3)},
        {"mirror", mirror(order)},
        {"rotate", rotate(order, 2)},
        {"overlay", overlay(std::span<const schedule>(pair_of, 1))},
        {"append", append(order, order, 100)},
        {"repeat", repeat(order, 2, 100)},
    };
    for (const auto& [name, made] : all) {
        EXPECT_EQ(made.links, order.links) << name;
        const report found = verify(lower(made));
        EXPECT_TRUE(found.ok()) << name << ": " << (found.ok() ? "" : message(found.faults.front()));
    }
    schedule deep = generate(gpipe{6, 1});
    deep.links = order.links;
    EXPECT_EQ(fold(deep).links, deep.links);
    EXPECT_EQ(loop(deep, 2).links, deep.links);
}

/// GPipe on three stages, one micro-batch: the skip takes what a transfer over boundary 0 takes, the sum of tied weights
/// what it is said to.
TEST(run_links, time_counts_them) {
    schedule order = generate(gpipe{3, 1});
    costs c;
    c.transfer = std::vector<double>{10, 1};
    EXPECT_DOUBLE_EQ(metrics(simulate(lower(order), c)).makespan, 3 + 3 + 2 * 11);
    order.links = {{link_kind::skip, 0, 2}};
    EXPECT_DOUBLE_EQ(metrics(simulate(lower(order), c)).makespan, 3 + 3 + 2 * 11) << "hidden behind the chain";
    c.transfer = std::vector<double>{10, 0};
    c.forward = c.backward = std::vector<double>{1, 0, 1};
    EXPECT_DOUBLE_EQ(metrics(simulate(lower(order), c)).makespan, 4 + 2 * 10);
    order.links.push_back({link_kind::tied, 0, 2});
    c.tied = 7;
    EXPECT_DOUBLE_EQ(metrics(simulate(lower(order), c)).makespan, 4 + 2 * 10 + 7);
}

}  // namespace
}  // namespace chimera
