// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace chimera::executor {

/// Minutes and seconds: 0:07, 12:34.
std::string clock_text(double seconds);

/// Lines for somebody who waits: a thread repeats the phase of a run, with the time that it has taken and what it does,
/// whenever nothing was said for a while.
class heartbeat {
public:
    /// `say` takes one line at a time; empty: nothing is said. Lines come at most `silence` seconds apart.
    explicit heartbeat(std::function<void(const std::string&)> say, double silence = 8);
    ~heartbeat();
    heartbeat(const heartbeat&) = delete;
    heartbeat& operator=(const heartbeat&) = delete;

    /// A phase begins: what is done in it, and about how many seconds it will take (0: that is not known). `passes`
    /// through layers that this process does at least (0: not known) foretell it once an eighth of them is done.
    void begin(std::string phase, double expected = 0, std::uint64_t passes = 0);
    /// Says a line now.
    void line(const std::string& text);
    bool speaks() const { return bool(say_); }

private:
    using clock = std::chrono::steady_clock;
    void repeat();
    std::string text() const;

    std::function<void(const std::string&)> say_;
    std::chrono::duration<double> silence_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ended_ = false;
    std::string phase_ = "starting";
    double expected_ = 0;
    clock::time_point begun_ = clock::now(), spoken_ = begun_;
    std::uint64_t passes_ = 0;  // when the phase began
    std::uint64_t least_ = 0;   // passes of the phase
    std::thread repeater_;
};

}  // namespace chimera::executor
