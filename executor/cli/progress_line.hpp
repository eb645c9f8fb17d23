// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/render/format.hpp>

#include <unistd.h>
#include <chrono>
#include <cstdio>
#include <string>

namespace chimera::executor {

/// One line on standard error about work that takes long: written over on a terminal, else a new one now and then.
class progress_line {
public:
    explicit progress_line(bool quiet) : quiet_(quiet) {}
    progress_line(const progress_line&) = delete;
    progress_line& operator=(const progress_line&) = delete;
    ~progress_line() {
        if (shown_ && terminal_) std::fprintf(stderr, "\r\033[K");
    }

    /// Returns true if the last line is so old that another is due.
    bool due() const {
        const auto now = std::chrono::steady_clock::now();
        return !quiet_ && now - last_ >= std::chrono::milliseconds(terminal_ ? 200 : 2000);
    }
    void show(const std::string& text) {
        if (!due()) return;
        last_ = std::chrono::steady_clock::now();
        shown_ = true;
        std::fprintf(stderr, "%s%s%s", terminal_ ? "\r\033[K" : "", format::visible(text).c_str(),
                     terminal_ ? "" : "\n");
        std::fflush(stderr);
    }

private:
    bool quiet_, shown_ = false, terminal_ = ::isatty(STDERR_FILENO) != 0;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace chimera::executor
