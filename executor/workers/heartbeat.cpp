// SPDX-License-Identifier: Apache-2.0
#include <executor/io/stop_signal.hpp>
#include <executor/layers/layer_passes.hpp>
#include <executor/workers/heartbeat.hpp>

#include <cmath>
#include <cstdio>
#include <system_error>
#include <utility>

namespace chimera::executor {

std::string clock_text(double seconds) {
    char text[48];
    const auto whole = std::llround(std::fmax(0, seconds));
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
    return text;
}

heartbeat::heartbeat(std::function<void(const std::string&)> say, double silence)
    : say_(std::move(say)), silence_(silence) {
    if (!say_) return;
    try {
        repeater_ = std::thread([this] { repeat(); });
    } catch (const std::system_error&) {  // without a thread for it, the lines of single steps are all there is
    }
}

heartbeat::~heartbeat() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    changed_.notify_all();
    if (repeater_.joinable()) repeater_.join();
}

void heartbeat::begin(std::string phase, double expected, std::uint64_t passes) {
    const std::lock_guard lock(mutex_);
    phase_ = std::move(phase);
    expected_ = expected;
    begun_ = clock::now();
    passes_ = layer_passes.load(std::memory_order_relaxed);
    least_ = passes;
}

void heartbeat::line(const std::string& text) {
    const std::lock_guard lock(mutex_);
    spoken_ = clock::now();
    if (say_) say_(text);
}

std::string heartbeat::text() const {
    const double seconds = std::chrono::duration<double>(clock::now() - begun_).count();
    const auto passes = layer_passes.load(std::memory_order_relaxed) - passes_;
    std::string out = phase_ + ": " + clock_text(seconds);
    if (expected_ > 0)
        out += " of about " + clock_text(expected_);
    else if (8 * passes >= least_ && passes < least_)  // the first take longer: several are under way
        out += " of at least " + clock_text(seconds * static_cast<double>(least_) / static_cast<double>(passes));
    if (passes > 0) out += ", " + std::to_string(passes) + " passes through layers done";
    if (stop_request::wanted()) out += "; it stops after this, a second signal ends it at once";
    return out;
}

void heartbeat::repeat() {
    std::unique_lock lock(mutex_);
    while (!ended_) {
        const auto due = spoken_ + std::chrono::duration_cast<clock::duration>(silence_);
        if (changed_.wait_until(lock, due, [this] { return ended_; })) return;
        if (clock::now() < spoken_ + silence_) continue;
        spoken_ = clock::now();
        say_(text());
    }
}

}  // namespace chimera::executor
