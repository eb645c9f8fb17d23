// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <executor/communicate/process/receive_buffers.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace chimera::executor::detail {

/// The collectives of one group as one member sees them. Each member takes care of one share of the elements: it gets
/// everybody's part of it, adds them in the order of the members, and gives the sum to all. What others send may come
/// before this worker has joined the group or started the collective. One thread at a time.
class collective_shares {
public:
    /// One collective, by its number in the group.
    struct turn {
        std::uint64_t size = 0;             ///< elements
        int sized_by = -1;                  ///< the worker whose word that is
        bool gathers = false;               ///< the share's sum goes to all
        bool adding = false;                ///< the parts were taken out to be added up
        std::map<int, blob> parts, wholes;  ///< by worker, that is, in the order of the members
    };
    struct share {
        std::size_t from, size;  ///< elements
    };
    static constexpr std::uint64_t most_unannounced = std::uint64_t{1} << 28;

    std::vector<std::int32_t> members;               ///< empty before this worker has joined
    std::uint64_t started = 0;                       ///< turns
    std::uint64_t most_elements = most_unannounced;  ///< of a turn
    std::uint64_t most_ahead = 1024;                 ///< turns that others may have started and this worker not
    std::map<std::uint64_t, turn> turns;
    std::deque<std::span<float>> reducing;  ///< of all-reductions that were started and not waited for

    share share_of(std::size_t rank, std::size_t elements) const {
        const std::size_t from = rank * elements / members.size();
        return {from, (rank + 1) * elements / members.size() - from};
    }
    std::size_t rank_of(int worker) const {
        return static_cast<std::size_t>(std::ranges::find(members, worker) - members.begin());
    }

    /// Throws where another has said otherwise than `worker`, that the turn has so many elements.
    void check_size(int key, const turn& t, std::uint64_t elements, int worker) const {
        if (t.sized_by >= 0 && t.size != elements)
            refuse("reduction of " + std::to_string(t.size) + " and of " + std::to_string(elements) +
                   " elements (workers " + std::to_string(t.sized_by) + " and " + std::to_string(worker) + ", group " +
                   std::to_string(key) + ") give all replicas the same stage");
    }
    /// The turn, of which `worker` says that it has so many elements.
    turn& sized(int key, std::uint64_t number, std::uint64_t elements, int worker) {
        turn& t = turns[number];
        check_size(key, t, elements, worker);
        t.size = elements;
        t.sized_by = worker;
        return t;
    }

    /// Forgets a turn that has come to its end.
    void finish(std::uint64_t number) {
        turns.erase(number);
        over_.insert(number);
        while (over_.erase(ended_ + 1) > 0) ++ended_;
    }
    bool is_over(std::uint64_t number) const { return number <= ended_ || over_.contains(number); }

    bool can_add(const turn& t) const { return !t.adding && !members.empty() && t.parts.size() == members.size(); }
    bool is_whole(const turn& t) const { return t.wholes.size() == members.size(); }

    /// ((p0 + p1) + p2) + …, in the first of them.
    static blob add_up(std::map<int, blob> parts, receive_buffers& pool) {
        auto next = parts.begin();
        blob total = std::move(next->second);
        const std::size_t size = total.size() / sizeof(float);
        auto* sum = reinterpret_cast<float*>(total.data());
        while (++next != parts.end()) {
            const auto* more = reinterpret_cast<const float*>(next->second.data());
            for (std::size_t i = 0; i < size; ++i) sum[i] += more[i];
            pool.give(std::move(next->second));
        }
        return total;
    }

private:
    std::uint64_t ended_ = 0;       // with all turns before it
    std::set<std::uint64_t> over_;  // those after it
};

}  // namespace chimera::executor::detail
