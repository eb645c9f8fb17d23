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

class alone final : public meeting {
public:
    explicit alone(const identity& me) : meeting(me) { find_local(); }
    blob ask(std::span<const std::byte> mine, const answer& of_rank_0) override {
        return of_rank_0({blob(mine.begin(), mine.end())});
    }
    std::string address() const override { return "127.0.0.1"; }
};

}  // namespace

std::vector<blob> meeting::exchange(std::span<const std::byte> mine) {
    std::vector<blob> all = detail::split(ask(mine, [](const std::vector<blob>& each) { return detail::join(each); }));
    if (all.size() != static_cast<std::size_t>(size()))
        refuse("rank 0 sent something else than everybody's data (not this build's) start the same build everywhere");
    return all;
}

blob meeting::broadcast(std::span<const std::byte> mine) {
    return ask(rank() == 0 ? mine : mine.first(0), [](std::vector<blob> each) { return std::move(each.front()); });
}

void meeting::find_local() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    const auto bytes = std::as_bytes(std::span(name).first(std::strlen(name.data())));
    const std::vector<blob> all = exchange(bytes);
    const auto here = [&](const blob& other) { return std::ranges::equal(other, bytes); };
    local_size_ = static_cast<int>(std::ranges::count_if(all, here));
    if (me_.local_rank < 0) me_.local_rank = static_cast<int>(std::count_if(all.begin(), all.begin() + me_.rank, here));
}

std::unique_ptr<meeting> meet(const identity& me, const meeting_point& where) {
    if (me.size == 1) return std::make_unique<alone>(me);
    if (me.rank == 0) return detail::host_meeting(me, where);
    return detail::join_meeting(me, where);
}

std::unique_ptr<meeting> meet() {
    if (detail::started_by_mpi()) return detail::meet_over_mpi();
    return meet(identify(), find_meeting_point());
}

}  // namespace chimera::executor
