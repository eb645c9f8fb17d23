// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/platform.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail::seek {

/// A dominance table: prunes a state if one with the same passes done has no later time. An open hash table.
class memo {
public:
    constexpr memo() : heads_(64, -1) {}

    /// Returns true if these counts were met before with no time later; otherwise remembers them.
    constexpr bool known(const std::vector<std::int32_t>& done, const std::vector<double>& times) {
        std::uint64_t hash = 1469598103934665603u;
        for (const std::int32_t d : done) hash = (hash ^ static_cast<std::uint64_t>(d)) * 1099511628211u;
        hash ^= hash >> 29;
        const std::size_t mask = heads_.size() - 1;
        std::int64_t* link = &heads_[static_cast<std::size_t>(hash) & mask];
        for (std::int64_t e = *link; e >= 0; e = entries_[static_cast<std::size_t>(e)].next) {
            const entry& one = entries_[static_cast<std::size_t>(e)];
            if (one.hash == hash && same(one, done) && no_later(one, times)) return true;
        }
        entries_.push_back({hash, *link, counts_.size(), times_.size(), times.size()});
        *link = static_cast<std::int64_t>(entries_.size()) - 1;
        for (const std::int32_t d : done) counts_.push_back(d);
        for (const double t : times) times_.push_back(t);
        if (entries_.size() > heads_.size() * 2) grow();
        return false;
    }

private:
    struct entry {
        std::uint64_t hash;
        std::int64_t next;
        std::size_t counts, times, length;
    };
    constexpr bool same(const entry& one, const std::vector<std::int32_t>& done) const {
        for (std::size_t i = 0; i < done.size(); ++i)
            if (counts_[one.counts + i] != done[i]) return false;
        return true;
    }
    constexpr bool no_later(const entry& one, const std::vector<double>& times) const {
        if (one.length != times.size()) return false;
        for (std::size_t i = 0; i < one.length; ++i)
            if (times_[one.times + i] > times[i]) return false;
        return true;
    }
    constexpr void grow() {
        heads_.assign(heads_.size() * 4, -1);
        for (std::size_t e = 0; e < entries_.size(); ++e) {
            std::int64_t& head = heads_[static_cast<std::size_t>(entries_[e].hash) & (heads_.size() - 1)];
            entries_[e].next = head;
            head = static_cast<std::int64_t>(e);
        }
    }

    std::vector<std::int64_t> heads_;
    std::vector<entry> entries_;
    std::vector<std::int32_t> counts_;
    std::vector<double> times_;
};

}  // namespace chimera::detail::seek
