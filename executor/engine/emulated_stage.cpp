// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/emulated_stage.hpp>

#include <sys/prctl.h>
#include <cstdint>
#include <ctime>

namespace chimera::executor {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::int64_t spun = 30'000;  // nanoseconds; about what waking up takes

std::int64_t now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * second + t.tv_nsec;
}

}  // namespace

void emulated_stage::pass_time(double seconds) {
    if (seconds <= 0) return;
    const std::int64_t until = now() + static_cast<std::int64_t>(seconds * 1e9);
    thread_local const bool precise = prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL) == 0;
    const std::int64_t wake = until - (precise ? spun : 0);
    const timespec deadline{static_cast<std::time_t>(wake / second), static_cast<long>(wake % second)};
    while (now() < wake && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr) != 0) {
    }
    while (now() < until) {
    }
}

}  // namespace chimera::executor
