// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/ranking.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace chimera::executor::play {

/// Ranks families beside the keys: of several questions only the newest is answered.
class advisor {
public:
    advisor();
    ~advisor();
    advisor(const advisor&) = delete;
    advisor& operator=(const advisor&) = delete;

    /// Asks anew, and gives up what was asked before. Without a schedule there is nothing to ask.
    void ask(const settings& of, const outcome& from);
    /// The answer to the last question; null while it is being worked out, or where nothing was asked.
    std::shared_ptr<const ranking> answer() const;
    /// Returns true if an answer is still to come.
    bool busy() const;

private:
    struct question {
        contest with;
        double stages = 0;
    };
    void work();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<question> next_;
    std::stop_source stop_;  // of what is being worked out
    std::shared_ptr<const ranking> answer_;
    bool busy_ = false, ended_ = false;
    std::thread worker_;
};

}  // namespace chimera::executor::play
