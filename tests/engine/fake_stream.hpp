// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

/// Streams without a GPU. What is enqueued is carried out in the order of its stream, much later, while the streams are as far out of
/// step as their fences allow: a wait that is missing shows as a wrong number.
namespace fake {

/// When work is done: none before somebody has to wait for it; all at once if possible; or as chance will have it.
enum class pace { lazy, hasty, random };

class mark final : public chimera::executor::stream::mark {
public:
    std::uint64_t recorded = 0;  // how often, as the calls were made
    std::uint64_t reached = 0;   // how often, as the work was done
};

class stream;

/// All streams of a device.
class machine {
public:
    explicit machine(pace p, unsigned seed = 1, std::chrono::seconds patience = {})
        : pace_(p), random_(seed), patience_(patience) {}
    std::mutex& mutex() { return mutex_; }

    /// Waits until `done`, which some of the work makes true.
    template <typename Done>
    void until(Done done) {
        std::unique_lock lock(mutex_);
        const auto late = std::chrono::steady_clock::now() + patience_;
        while (!done()) {
            if (step()) continue;
            if (std::chrono::steady_clock::now() >= late)
                throw std::logic_error("a stream waits for something that nobody does");
            lock.unlock();  // other threads may still enqueue it
            std::this_thread::sleep_for(std::chrono::microseconds(20));
            lock.lock();
        }
    }
    /// Does all that can be done.
    void drain() {
        const std::lock_guard lock(mutex_);
        while (step()) {
        }
    }

private:
    friend class stream;
    struct work {
        std::function<void()> code{};
        const mark* fence = nullptr;
        std::uint64_t count = 0;          // the fence opens when the mark was reached so often
        std::function<bool()> attempt{};  // instead of code: tried again and again until it says that it is done
    };

    bool blocked(std::size_t s) const {
        const auto& q = queues_[s];
        return q.empty() || (q.front().fence && q.front().fence->reached < q.front().count);
    }
    /// Runs the favourite on until it is blocked or falls from favour. False where nobody can go on.
    bool step() {
        if (favourite_ < queues_.size() && random_() % 8 != 0 && run(favourite_)) return true;
        std::vector<std::size_t> open;
        for (std::size_t s = 0; s < queues_.size(); ++s)
            if (!blocked(s)) open.push_back(s);
        std::ranges::shuffle(open, random_);
        for (const std::size_t s : open)
            if (run(s)) return favourite_ = s, true;
        return false;
    }
    bool run(std::size_t s) {
        if (blocked(s)) return false;
        if (queues_[s].front().attempt) {
            if (!queues_[s].front().attempt()) return false;
            queues_[s].pop_front();
            return true;
        }
        const work next = std::move(queues_[s].front());
        queues_[s].pop_front();
        if (next.code) next.code();
        return true;
    }
    void enqueue(std::size_t s, work w) {
        const std::lock_guard lock(mutex_);
        queues_[s].push_back(std::move(w));
        if (pace_ == pace::random && random_() % 4 == 0)
            for (auto steps = random_() % 16; steps > 0 && step(); --steps) {
            }
        while (pace_ == pace::hasty && step()) {
        }
    }

    pace pace_;
    std::mutex mutex_;
    std::minstd_rand random_;
    std::chrono::seconds patience_;  // with streams that can do nothing, while other threads may enqueue more
    std::vector<std::deque<work>> queues_;
    std::vector<std::size_t> unused_;  // queues of streams that are gone
    std::size_t favourite_ = 0;
};

class stream final : public chimera::executor::stream {
public:
    explicit stream(machine& on) : on_(on) {
        const std::lock_guard lock(on.mutex_);
        if (on.unused_.empty()) on.unused_.push_back(on.queues_.size()), on.queues_.emplace_back();
        index_ = on.unused_.back();
        on.unused_.pop_back();
    }
    /// Nothing more will be enqueued, and another stream may have its place. Streams may outlive their machine, so this is no
    /// destructor.
    void retire() {
        const std::lock_guard lock(on_.mutex_);
        if (on_.queues_[index_].empty()) on_.unused_.push_back(index_);
    }
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    /// Calls that are recorded, to be made again and again on other streams.
    struct recording {
        std::mutex mutex;
        std::vector<std::pair<stream*, std::function<void(stream& instead)>>> calls;
        void add(stream& of, std::function<void(stream&)> call) {
            const std::lock_guard lock(mutex);
            calls.emplace_back(&of, std::move(call));
        }
    };
    recording* recorded = nullptr;  ///< instead of being carried out

    /// Any code, in the stream's order.
    void then(std::function<void()> code) {
        if (recorded) return recorded->add(*this, [code](stream& instead) { instead.then(code); });
        on_.enqueue(index_, {.code = std::move(code)});
    }
    /// Something that is tried until it succeeds, while other streams go on.
    void attempt(std::function<bool()> code) { on_.enqueue(index_, {.attempt = std::move(code)}); }
    bool is_empty() {
        const std::lock_guard lock(on_.mutex_);
        for (int steps = 0; steps < 8 && on_.step(); ++steps) {
        }
        return on_.queues_[index_].empty();
    }
    /// Waits for everything enqueued so far.
    void finish() {
        on_.until([this] { return on_.queues_[index_].empty(); });
    }
    /// Waits until `done`, which some of the work makes true.
    template <typename Done>
    void until(Done done) {
        on_.until(done);
    }

    std::unique_ptr<stream::mark> make_mark() override { return std::make_unique<fake::mark>(); }
    void record(stream::mark& here) override {
        auto& m = static_cast<fake::mark&>(here);
        std::uint64_t count = 0;
        {
            const std::lock_guard lock(on_.mutex_);
            count = ++m.recorded;
        }
        then([&m, count] { m.reached = count; });
    }
    void wait_for(const stream::mark& there) override {
        const auto& m = static_cast<const fake::mark&>(there);
        std::uint64_t count = 0;
        {
            const std::lock_guard lock(on_.mutex_);
            count = m.recorded;
        }
        on_.enqueue(index_, {.fence = &m, .count = count});
    }
    std::byte* allocate(std::size_t bytes) override {
        return static_cast<std::byte*>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
    }
    void release(std::byte* memory) noexcept override { std::free(memory); }
    void copy(std::byte* to, const std::byte* from, std::size_t bytes) override {
        then([=] { std::memcpy(to, from, bytes); });
    }
    void add(std::span<const float* const> from, std::span<float* const> into, std::size_t size) override {
        then([from = std::vector(from.begin(), from.end()), into = std::vector(into.begin(), into.end()), size] {
            for (std::size_t i = 0; i < size; ++i) {
                float total = from[0][i];
                for (std::size_t m = 1; m < from.size(); ++m) total += from[m][i];
                for (float* to : into) to[i] = total;
            }
        });
    }

private:
    machine& on_;
    std::size_t index_ = 0;
};

}  // namespace fake
