// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/problem.hpp>

#include <chrono>
#include <cstdint>

namespace chimera::detail::seek {

/// Watches over one call of `search`: its clock, its evaluations and the caller's wish. Says no for good once the time
/// is up or the caller has had enough.
class watch {
public:
    explicit watch(const search_options& how) : how_(how), begun_(std::chrono::steady_clock::now()) {}

    /// Seconds since the call.
    double passed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }
    /// Keeps that many seconds back for what follows the search.
    void keep_back(double seconds) { kept_back_ = seconds; }
    /// Counts an evaluation of an order of that many passes; looks up about every hundred thousand passes.
    void count(std::int32_t passes) {
        ++shown.evaluations;
        if ((unseen_ += passes) > 100'000) look_up();
    }
    /// Looks at the clock and, once there is an order, asks the caller. Returns false once the search is to end.
    bool look_up() {
        unseen_ = 0;
        const double now = passed();
        if (how_.seconds > 0 && now + kept_back_ > how_.seconds) cut_short_ = true;
        if (how_.progress && shown.makespan > 0 && now > told_ + 0.1) {
            told_ = now;
            if (!how_.progress(shown)) cut_short_ = true;
        }
        return !cut_short_;
    }
    bool cut_short() const { return cut_short_; }

    search_progress shown;  // what the caller is told

private:
    const search_options& how_;
    std::chrono::steady_clock::time_point begun_;
    double told_ = -1, kept_back_ = 0;
    std::int64_t unseen_ = 0;
    bool cut_short_ = false;
};

}  // namespace chimera::detail::seek
