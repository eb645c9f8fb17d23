// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/stream.hpp>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <stdexcept>
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
    explicit machine(pace p, unsigned seed = 1) : pace_(p), random_(seed) {}

private:
    friend class stream;
    struct work {
        std::function<void()> code;
        const mark* fence = nullptr;
        std::uint64_t count = 0;  // the fence opens when the mark was reached so often
    };

    bool blocked(std::size_t s) const {
        return queues_[s].empty() ||
               (queues_[s].front().fence && queues_[s].front().fence->reached < queues_[s].front().count);
    }
    /// Runs the favourite on until it is blocked or falls from favour. False where nobody can go on.
    bool step() {
        if (blocked(favourite_) || random_() % 8 == 0) {
            std::vector<std::size_t> open;
            for (std::size_t s = 0; s < queues_.size(); ++s)
                if (!blocked(s)) open.push_back(s);
            if (open.empty()) return false;
            favourite_ = open[random_() % open.size()];
        }
        const work next = std::move(queues_[favourite_].front());
        queues_[favourite_].pop_front();
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
    template <typename Done>
    void until(Done done) {
        const std::lock_guard lock(mutex_);
        while (!done())
            if (!step()) throw std::logic_error("a stream waits for a mark that nobody reaches");
    }

    pace pace_;
    std::mutex mutex_;
    std::minstd_rand random_;
    std::vector<std::deque<work>> queues_;
    std::size_t favourite_ = 0;
};

class stream final : public chimera::executor::stream {
public:
    explicit stream(machine& on) : on_(on), index_(on.queues_.size()) { on.queues_.emplace_back(); }

    /// Any code, in the stream's order.
    void then(std::function<void()> code) { on_.enqueue(index_, {std::move(code)}); }
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
        on_.enqueue(index_, {{}, &m, count});
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
    std::size_t index_;
};

}  // namespace fake
