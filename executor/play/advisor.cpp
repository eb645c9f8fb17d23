// SPDX-License-Identifier: Apache-2.0
#include <executor/play/advisor.hpp>

#include <exception>
#include <utility>

namespace chimera::executor::play {

advisor::advisor() : worker_([this] { work(); }) {}

advisor::~advisor() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        stop_.request_stop();
    }
    changed_.notify_one();
    worker_.join();
}

void advisor::ask(const settings& of, const outcome& from) {
    {
        const std::lock_guard lock(mutex_);
        stop_.request_stop();
        stop_ = std::stop_source();
        answer_.reset();
        next_.reset();
        busy_ = from.made.has_value();
        if (!busy_) return;
        next_ = question{contest_of(of, from), static_cast<double>(of.of.stages)};
        next_->with.stop = stop_.get_token();
    }
    changed_.notify_one();
}

std::shared_ptr<const ranking> advisor::answer() const {
    const std::lock_guard lock(mutex_);
    return answer_;
}

bool advisor::busy() const {
    const std::lock_guard lock(mutex_);
    return busy_;
}

void advisor::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ended_ || next_.has_value(); });
        if (ended_) return;
        const question asked = std::move(*next_);
        next_.reset();
        lock.unlock();
        std::shared_ptr<const ranking> found;
        try {
            found = std::make_shared<const ranking>(rank(asked.with, asked.stages));
        } catch (const std::exception&) {  // no memory for a family that takes very many stages: no advice
        }
        lock.lock();
        if (asked.with.stop.stop_requested()) continue;
        answer_ = std::move(found);
        busy_ = false;
    }
}

}  // namespace chimera::executor::play
