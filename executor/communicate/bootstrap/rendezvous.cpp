// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/mpi.hpp>
#include <executor/communicate/bootstrap/rendezvous.hpp>
#include <executor/communicate/bootstrap/tcp.hpp>

#include <chimera/core/error.hpp>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstring>

namespace chimera::executor {
namespace {

constexpr std::size_t largest_name = 255;  // of a machine

class alone final : public rendezvous {
public:
    explicit alone(const identity& me) : rendezvous(me) { find_local(); }
    blob ask(std::span<const std::byte> mine, const answer& of_rank_0, const limits&) override {
        return of_rank_0({blob(mine.begin(), mine.end())});
    }
    std::string address() const override { return "127.0.0.1"; }
};

}  // namespace

std::vector<blob> rendezvous::exchange(std::span<const std::byte> mine, std::size_t most) {
    const auto ranks = static_cast<std::size_t>(size());
    const auto join = [](const std::vector<blob>& each) { return detail::join(each); };
    std::vector<blob> all = detail::split(ask(mine, join, {most, detail::joined_bytes(ranks, most)}), ranks);
    if (all.size() != ranks || std::ranges::any_of(all, [&](const blob& one) { return one.size() > most; }))
        throw bad_message(
            "rank 0 sent something else than everybody's data (not what this job allows) start the same build "
            "everywhere");
    return all;
}

blob rendezvous::broadcast(std::span<const std::byte> mine, std::size_t most) {
    const auto first = [](std::vector<blob> each) { return std::move(each.front()); };
    return ask(rank() == 0 ? mine : mine.first(0), first, {most, most});
}

void rendezvous::find_local() {
    std::array<char, largest_name + 1> name{};
    gethostname(name.data(), name.size() - 1);
    const auto bytes = std::as_bytes(std::span(name).first(std::strlen(name.data())));
    const std::vector<blob> all = exchange(bytes, largest_name);
    const auto here = [&](const blob& other) { return std::ranges::equal(other, bytes); };
    local_size_ = static_cast<int>(std::ranges::count_if(all, here));
    if (me_.local_rank < 0) me_.local_rank = static_cast<int>(std::count_if(all.begin(), all.begin() + me_.rank, here));
}

std::unique_ptr<rendezvous> meet(const identity& me, const rendezvous_point& where) {
    if (me.size == 1) return std::make_unique<alone>(me);
    if (me.rank == 0) return detail::host_meeting(me, where);
    return detail::join_meeting(me, where);
}

std::unique_ptr<rendezvous> meet() {
    if (detail::mpi_is_built_in() && started_by_mpi()) return detail::meet_over_mpi();
    return meet(identify(), find_meeting_point());
}

}  // namespace chimera::executor
