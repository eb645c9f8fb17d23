// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/meeting.hpp>
#include <executor/communicate/bootstrap/mpi.hpp>
#include <executor/communicate/bootstrap/tcp.hpp>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstring>

namespace chimera::executor {
namespace {

class alone final : public meeting {
public:
    explicit alone(const identity& me) : meeting(me) { find_local(); }
    std::vector<blob> exchange(std::span<const std::byte> mine) override { return {blob(mine.begin(), mine.end())}; }
};

}  // namespace

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
