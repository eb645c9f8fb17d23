// SPDX-License-Identifier: Apache-2.0
// How many messages can be under way, against the slowest receiver there can be: one that moves only when nobody else can.
#include "sweep.hpp"

#include <executor/engine/traffic.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

namespace {

using namespace chimera;

/// Plays a program on the receives' own words (stage, units), and counts what each worker has sent to `slow` and what that has not
/// consumed yet.
class lazy_receiver {
public:
    lazy_receiver(const program& p, int slow) : p_(p), slow_(slow), at_(static_cast<std::size_t>(p.head.workers)) {}

    /// By sender: the most at a time.
    std::map<int, int> play() {
        do
            while (others_move()) {
            }
        while (step(slow_));
        for (int w = 0; w < p_.head.workers; ++w) EXPECT_EQ(at_[index(w)], p_.view().row(w).size()) << "stuck";
        return most_;
    }

private:
    struct what {
        bool gradient;
        int stage, unit;
        auto operator<=>(const what&) const = default;
    };
    static std::size_t index(int i) { return static_cast<std::size_t>(i); }

    bool others_move() {
        bool moved = false;
        for (int w = 0; w < p_.head.workers; ++w)
            while (w != slow_ && step(w)) moved = true;
        return moved;
    }
    bool step(int w) {
        const auto row = p_.view().row(w);
        if (at_[index(w)] == row.size()) return false;
        const instruction& i = row[at_[index(w)]];
        if (is_compute(i.op) && !take(w, i)) return false;
        if (is_recv(i.op))
            for (int u = i.first; u < i.first + i.count; ++u)
                expected_[{w, what{i.op == action::recv_gradient, i.stage, u}}] = i.message;
        if (is_send(i.op)) {
            sent_.insert(i.message);
            if (i.peer == slow_) most_[w] = std::max(most_[w], ++live_[w]), sender_[i.message] = w;
        }
        ++at_[index(w)];
        return true;
    }
    bool take(int w, const instruction& i) {
        const bool forward = i.op == action::forward, back = i.op == action::backward || i.op == action::input_gradient;
        if (!forward && !back) return true;
        std::set<int> needed;
        for (int u = i.first; u < i.first + i.count; ++u)
            if (const auto found = expected_.find({w, what{back, i.stage, u}}); found != expected_.end())
                needed.insert(found->second);
        for (const int m : needed)
            if (!sent_.count(m)) return false;
        for (const int m : needed)
            if (w == slow_ && consumed_.insert(m).second) --live_[sender_.at(m)];
        return true;
    }

    const program& p_;
    int slow_;
    std::vector<std::size_t> at_;
    std::map<std::pair<int, what>, int> expected_;
    std::set<int> sent_, consumed_;
    std::map<int, int> sender_, live_, most_;
};

class under_way : public testing::TestWithParam<sweep::variant> {};

void check(const sweep::job& j, int choice) {
    const program p = sweep::program_of(j, choice);
    const auto lives = message_lives(p);
    for (int slow = 0; slow < p.head.workers; ++slow) {
        const auto played = lazy_receiver(p, slow).play();
        for (int w = 0; w < p.head.workers; ++w) {
            std::vector<message_life> sent;
            for (const instruction& i : p.view().row(w))
                if (is_send(i.op) && i.peer == slow) sent.push_back(lives[static_cast<std::size_t>(i.message)]);
            const auto found = played.find(w);
            ASSERT_EQ(most_under_way(sent), found == played.end() ? 0 : found->second)
                << sweep::name_of(j, choice) << ", from " << w << " to " << slow;
        }
    }
}

TEST_P(under_way, is_what_the_slowest_receiver_leaves) { sweep::each_choice(GetParam(), check); }

std::vector<sweep::variant> all_variants() {
    auto all = sweep::variants(true);
    for (auto& v : sweep::variants(false)) all.push_back(std::move(v));
    return all;
}

INSTANTIATE_TEST_SUITE_P(every_family, under_way, testing::ValuesIn(all_variants()),
                         [](const auto& of) { return of.param.name; });

/// Sizes and peers are told apart.
TEST(traffic_of_a_row, is_by_peer_and_size) {
    using executor::transfer;
    std::vector<message_life> lives(5);
    for (auto& each : lives) each = {0, 1, 0, 7, 0};  // none consumed before the last is sent
    lives[4] = {0, 2, 0, 7, 0};
    const std::vector<transfer> row{{nullptr, 8, 1, 0, true},  {nullptr, 8, 1, 1, true}, {nullptr, 16, 1, 2, true},
                                    {nullptr, 8, 1, 3, false}, {nullptr, 8, 2, 4, true}, {nullptr, 0, 1, 3, true}};
    const auto found = executor::traffic_of(0, row, lives);
    std::vector<std::array<int, 3>> told;
    for (const auto& t : found) told.push_back({t.peer, static_cast<int>(t.bytes), t.most});
    EXPECT_EQ(told, (std::vector<std::array<int, 3>>{{1, 8, 2}, {1, 16, 1}, {2, 8, 1}}));
}

}  // namespace
