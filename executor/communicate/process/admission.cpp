// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/peer_text.hpp>
#include <executor/communicate/process/admission.hpp>

#include <algorithm>
#include <limits>

namespace chimera::executor::detail {
namespace {

using sort = message_header::kind;

constexpr std::size_t most_unannounced = std::size_t{1} << 20;  // messages of one peer that nobody has announced

}  // namespace

void admission::expect(std::span<const transfer> row, int turns) {
    messages_.emplace();
    std::ranges::fill(due_from_, 0);
    for (const transfer& t : row) {
        if (t.sends) continue;
        messages_->insert_or_assign(t.message, due{t.peer, t.bytes});
        due_from_.at(static_cast<std::size_t>(t.peer)) += static_cast<std::size_t>(turns);
    }
}

void admission::refuse_of(int from, const std::string& why) const {
    throw bad_message(rank(from) + " (worker " + std::to_string(from) + ") " + why +
                      " (changed on the way, or not what this job allows) start the same build everywhere");
}

void admission::check_bytes(int from, const message_header& what, std::uint64_t wanted) const {
    if (what.bytes != wanted)
        refuse_of(from, "sent " + std::to_string(what.bytes) + " bytes where " + std::to_string(wanted) + " are due");
}

auto admission::judge(int from, const message_header& what, const matching& messages,
                      const std::map<int, collective_shares>& groups, std::uint64_t sums) -> verdict {
    switch (what.what) {
        case sort::message:
            return judge_message(from, what, messages);
        case sort::part:
        case sort::whole:
            return judge_share(from, what, groups);
        case sort::sum:
            return judge_sum(from, what, sums);
        case sort::bye:
            check_bytes(from, what, 0);
            return verdict::take;
        case sort::abort:
            if (what.bytes > largest_peer_text) refuse_of(from, "sent a reason that is too long");
            return verdict::take;
        default:
            refuse_of(from, "introduced itself twice");
    }
}

auto admission::judge_message(int from, const message_header& what, const matching& messages) const -> verdict {
    if (!prepared_) return verdict::hold;
    const std::string text = "sent message " + std::to_string(what.tag);
    if (what.turn != 0 || what.size != 0) refuse_of(from, text + " with a turn or a size, of which it has none");
    if (what.tag >= static_cast<std::uint64_t>(messages.messages()))
        refuse_of(from, text + " where there are " + std::to_string(messages.messages()));
    const std::size_t waiting = messages.waiting(from);
    if (!messages_) {
        if (waiting >= most_unannounced) refuse_of(from, text + " before others were received");
        return verdict::take;
    }
    const auto found = messages_->find(static_cast<int>(what.tag));
    if (found == messages_->end() || found->second.peer != from) refuse_of(from, text + ", which is not its own");
    check_bytes(from, what, found->second.bytes);
    if (waiting >= due_from_[static_cast<std::size_t>(from)]) refuse_of(from, text + " before it was wanted");
    return verdict::take;
}

auto admission::judge_share(int from, const message_header& what, const std::map<int, collective_shares>& groups) const
    -> verdict {
    const std::string text = "sent a share of group " + std::to_string(what.tag);
    const auto found = what.tag <= static_cast<std::uint32_t>(std::numeric_limits<int>::max())
                           ? groups.find(static_cast<int>(what.tag))
                           : groups.end();
    if (found == groups.end() || found->second.members.empty()) {
        if (messages_) refuse_of(from, text + ", of which this worker is none");
        return verdict::hold;
    }
    const collective_shares& of = found->second;
    if (!std::ranges::binary_search(of.members, from)) refuse_of(from, text + ", of which it is none");
    if (what.size > of.most_elements)
        refuse_of(from, text + " with " + std::to_string(what.size) + " elements where there are " +
                            std::to_string(of.most_elements));
    const std::size_t rank = of.rank_of(what.what == sort::part ? worker_ : from);
    check_bytes(from, what, of.share_of(rank, what.size).size * sizeof(float));
    check_turn(from, what, of);
    return verdict::take;
}

/// Each share comes once, and none of a turn that is over or yet far off.
void admission::check_turn(int from, const message_header& what, const collective_shares& of) const {
    const auto found = of.turns.find(what.turn);
    bool again = false;
    if (found != of.turns.end()) {
        const collective_shares::turn& t = found->second;
        of.check_size(static_cast<int>(what.tag), t, what.size, from);
        again = what.what == sort::part ? t.adding || t.parts.contains(from) : t.wholes.contains(from);
    }
    if (again || of.is_over(what.turn) || what.turn > of.started + of.most_ahead)
        refuse_of(from, "sent a share of turn " + std::to_string(what.turn) + " of group " + std::to_string(what.tag) +
                            (again ? " twice" : ", which is not under way"));
}

auto admission::judge_sum(int from, const message_header& what, std::uint64_t sums) -> verdict {
    if (!prepared_ && sums == 0) return verdict::hold;
    std::uint64_t& last = last_sum_[static_cast<std::size_t>(from)];
    if (what.tag != 0 || what.turn != last + 1 || what.turn > sums + 1)
        refuse_of(from, "sent numbers of sum " + std::to_string(what.turn) + " where those of sum " +
                            std::to_string(last + 1) + " are due");
    if (what.size > numbers_)
        refuse_of(from, "sent " + std::to_string(what.size) + " numbers of a sum where there are " +
                            std::to_string(numbers_));
    check_bytes(from, what, what.size * sizeof(double));
    last = what.turn;
    return verdict::take;
}

}  // namespace chimera::executor::detail
