// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/core_semaphore.hpp>
#include <executor/engine/engine.hpp>
#include <executor/train/validate.hpp>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace chimera::executor {

namespace {

/// Pipelines no two of which share a worker.
std::vector<int> apart(const program_view& of) {
    std::vector<bool> used(static_cast<std::size_t>(of.head.workers));
    std::vector<int> chosen;
    for (int p = 0; p < of.head.pipelines; ++p) {
        const auto at = [&](int s) { return static_cast<std::size_t>(of.worker_of(p, s)); };
        bool free = true;
        for (int s = 0; s < of.head.stages; ++s) free = free && !used[at(s)];
        if (!free) continue;
        for (int s = 0; s < of.head.stages; ++s) used[at(s)] = true;
        chosen.push_back(p);
    }
    return chosen;
}

/// The windows of each unit that is scored. The last windows may fill no unit; the last of them is repeated then, and a
/// unit with that one alone follows, so that what the repetitions add can be taken off again.
std::vector<std::span<const std::size_t>> units_of(std::span<const std::size_t> starts, int sequences) {
    const auto each = static_cast<std::size_t>(sequences);
    std::vector<std::span<const std::size_t>> units;
    for (std::size_t at = 0; at < starts.size(); at += each)
        units.push_back(starts.subspan(at, std::min(each, starts.size() - at)));
    if (const auto rest = starts.size() % each; rest > 1) units.push_back(starts.last(1));
    return units;
}

/// The mean over the windows, each counted once, of the means over units as units_of makes them.
double mean_of(std::span<const double> losses, std::size_t windows, int sequences) {
    const auto each = static_cast<std::size_t>(sequences);
    const std::size_t whole = windows / each, rest = windows % each;
    double sum = 0;
    for (std::size_t i = 0; i < whole; ++i) sum += losses[i] * static_cast<double>(each);
    if (rest == 1) sum += losses[whole];
    if (rest > 1)
        sum += losses[whole] * static_cast<double>(each) - losses[whole + 1] * static_cast<double>(each - rest);
    return sum / static_cast<double>(windows);
}

/// Signs of life of a worker, for the watchdog.
struct pulse {
    std::atomic<std::uint64_t> units{0};
    std::atomic<bool> rests{false};  // until all others have come so far, or done: their business
};

/// One worker's part.
class scorer {
public:
    scorer(backend& on, const program_view& of, replicas& model, const unit_shape& unit, const corpus& data,
           std::span<const std::size_t> starts, communicator& end, core_semaphore& gate, pulse& seen)
        : of_(of), model_(model), unit_(unit), data_(data), starts_(starts), end_(end), gate_(gate), seen_(seen),
          pipelines_(apart(of)), outputs_(static_cast<std::size_t>(of.head.stages)), inputs_(outputs_.size()) {
        std::vector<traffic> sent;
        for (const int p : pipelines_)
            for (int s = 0; s < of.head.stages; ++s) {
                if (of.worker_of(p, s) != end.worker()) continue;
                const std::size_t stage = static_cast<std::size_t>(s);
                model.at(end.worker(), s)->prepare_light();
                outputs_[stage] = on.memory(end.worker(), model.at(end.worker(), s)->output_bytes());
                if (receives(p, s)) inputs_[stage] = on.memory(end.worker(), model.at(end.worker(), s)->input_bytes());
                if (sends(p, s)) count(send(p, s), sent);
            }
        announce(ahead());
        end.prepare(static_cast<int>(pipelines_.size()) * of.head.stages);
        end.reserve(sent);
    }

    /// Losses of all units, on all workers.
    std::vector<double> score() {
        const auto units = units_of(starts_, unit_.sequences);
        std::vector<double> losses(units.size());
        // Nobody runs further ahead than this, so that what waits to be received stays little.
        const std::size_t ahead = this->ahead();
        std::array<double, 1> here{};
        const auto meet = [this](std::span<double> sums) {
            seen_.rests = true;
            end_.sum(sums);
            seen_.rests = false;
        };
        for (std::size_t i = 0; i < losses.size(); ++i) {
            losses[i] = score(pipelines_[i % pipelines_.size()], units[i]);
            ++seen_.units;
            if (i % ahead == ahead - 1) meet(here);
        }
        meet(losses);
        end_.check();
        return losses;
    }

private:
    static void count(const transfer& t, std::vector<traffic>& sent) {
        for (traffic& known : sent)
            if (known.peer == t.peer && known.bytes == t.bytes) return void(++known.most);
        sent.push_back({t.peer, t.bytes, 1});
    }
    /// Units from one meeting to the next.
    std::size_t ahead() const { return 4 * static_cast<std::size_t>(of_.head.stages) * pipelines_.size(); }
    /// What may come: from one meeting to the next, and of those who are past it.
    void announce(std::size_t each) {
        std::vector<transfer> row;
        for (const int p : pipelines_)
            for (int s = 0; s < of_.head.stages; ++s)
                if (of_.worker_of(p, s) == end_.worker() && receives(p, s)) row.push_back(receive(p, s));
        end_.expect(row, static_cast<int>(2 * each));
        end_.expect_sums(std::max<std::size_t>(1, units_of(starts_, unit_.sequences).size()));
    }
    bool receives(int p, int s) const { return s > 0 && of_.worker_of(p, s - 1) != end_.worker(); }
    bool sends(int p, int s) const { return s + 1 < of_.head.stages && of_.worker_of(p, s + 1) != end_.worker(); }
    int message(int p, int s) const {
        return static_cast<int>(std::ranges::find(pipelines_, p) - pipelines_.begin()) * of_.head.stages + s;
    }
    transfer receive(int p, int s) const {
        return {inputs_[static_cast<std::size_t>(s)].get(), model_.at(end_.worker(), s)->input_bytes(),
                of_.worker_of(p, s - 1), message(p, s), false};
    }
    transfer send(int p, int s) const {
        return {outputs_[static_cast<std::size_t>(s)].get(), model_.at(end_.worker(), s)->output_bytes(),
                of_.worker_of(p, s + 1), message(p, s + 1), true};
    }

    /// The loss, where this worker has the pipeline's last stage; else 0.
    double score(int pipeline, std::span<const std::size_t> starts) {
        bool filled = false;
        for (int s = 0; s < of_.head.stages; ++s) {
            if (of_.worker_of(pipeline, s) != end_.worker()) continue;
            if (!std::exchange(filled, true)) fill_batch(data_, starts, 1, unit_.sequences, unit_.tokens, batch_);
            if (receives(pipeline, s)) {
                const transfer t = receive(pipeline, s);
                end_.start({&t, 1});
                end_.wait(t.message);
            }
            evaluate(pipeline, s);
            if (sends(pipeline, s)) {
                const transfer t = send(pipeline, s);
                end_.start({&t, 1});
            }
            if (s == of_.head.stages - 1) return model_.at(end_.worker(), s)->losses()[0];
        }
        return 0;
    }

    void evaluate(int pipeline, int s) {
        const core_hold core(&gate_, end_.worker());
        const auto stage = static_cast<std::size_t>(s);
        model_stage& model = *model_.at(end_.worker(), s);
        const unit_batch unit{batch_.inputs_of(0), batch_.targets_of(0)};
        model.set_batch({&unit, 1});
        const std::byte* input = s == 0                  ? nullptr
                                 : receives(pipeline, s) ? inputs_[stage].get()
                                                         : outputs_[stage - 1].get();
        model.evaluate(0, input, outputs_[stage].get());
    }

    const program_view& of_;
    replicas& model_;
    unit_shape unit_;
    const corpus& data_;
    std::span<const std::size_t> starts_;
    communicator& end_;
    core_semaphore& gate_;
    pulse& seen_;
    std::vector<int> pipelines_;
    std::vector<std::shared_ptr<std::byte>> outputs_, inputs_;  // by stage
    batch batch_;
};

/// The workers of this process at work, and a watchdog.
class scoring {
public:
    scoring(std::vector<communicator*> ends, core_semaphore& gate, double watchdog_seconds)
        : ends_(std::move(ends)), gate_(gate), limit_(watchdog_seconds), pulses_(ends_.size()) {}

    pulse& of(std::size_t i) { return pulses_[i]; }

    /// Runs the scorers and returns their result, which all of them share.
    std::vector<double> run(std::span<const std::unique_ptr<scorer>> scorers) {
        running_ = scorers.size();
        std::vector<std::thread> threads;
        try {
            for (std::size_t i = 0; i < scorers.size(); ++i)
                threads.emplace_back([this, i, one = scorers[i].get()] { work(i, *one); });
        } catch (const std::system_error& none) {
            {
                const std::lock_guard lock(mutex_);
                running_ -= scorers.size() - threads.size();
            }
            fail(std::make_exception_ptr(run_failed("no thread for the validation (" + std::string(none.what()) +
                                                    ") allow the process more threads")));
        }
        watch();
        for (auto& thread : threads) thread.join();
        if (failure_) std::rethrow_exception(failure_);
        return losses_;
    }

private:
    void work(std::size_t i, scorer& one) {
        try {
            auto found = one.score();
            const std::lock_guard lock(mutex_);
            losses_ = std::move(found);
        } catch (...) {
            fail(std::current_exception());
        }
        pulses_[i].rests = true;
        const std::lock_guard lock(mutex_);
        --running_;
        changed_.notify_all();
    }
    static bool is_abort(const std::exception_ptr& why) {
        try {
            std::rethrow_exception(why);
        } catch (const aborted&) {
            return true;
        } catch (...) {
            return false;
        }
    }
    void fail(const std::exception_ptr& why) {
        {
            const std::lock_guard lock(mutex_);
            if (!failure_ || is_abort(failure_)) failure_ = why;  // which says less than any other
        }
        gate_.abort();
        for (communicator* each : ends_) each->abort();
    }

    /// Until all have ended. A worker that does not even when all is aborted is lost, and with it the process: see
    /// engine::stuck.
    void watch() {
        if (limit_ <= 0) return;
        const auto period = std::chrono::duration<double>(std::min(limit_ / 10, 0.5));
        std::vector<std::uint64_t> before(pulses_.size());
        std::vector<double> still(pulses_.size());
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, period, [this] { return running_ == 0; })) {
            for (std::size_t i = 0; i < pulses_.size(); ++i) {
                const auto now = pulses_[i].units.load();
                still[i] = pulses_[i].rests || std::exchange(before[i], now) != now ? 0 : still[i] + period.count();
            }
            const auto longest = std::ranges::max_element(still);
            if (longest == still.end() || *longest <= limit_) continue;
            std::string line = stalled(ends_[static_cast<std::size_t>(longest - still.begin())]->worker());
            lock.unlock();
            fail(std::make_exception_ptr(run_failed(line)));
            lock.lock();
            if (changed_.wait_for(lock, std::chrono::seconds(5), [this] { return running_ == 0; })) return;
            line += "\n";
            if (::write(STDERR_FILENO, line.data(), line.size()) < 0) std::_Exit(hang_exit_status);
            std::_Exit(hang_exit_status);
        }
    }
    std::string stalled(int worker) const {
        char seconds[32];
        std::snprintf(seconds, sizeof seconds, "%.3g s", limit_);
        return "worker " + std::to_string(worker) + " made no progress in the validation for " + seconds +
               " (its messages do not come, or its work does not end) look at the other processes or raise the "
               "watchdog";
    }

    std::vector<communicator*> ends_;
    core_semaphore& gate_;
    double limit_;
    std::deque<pulse> pulses_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t running_ = 0;
    std::exception_ptr failure_;
    std::vector<double> losses_;
};

}  // namespace

double validate(backend& on, const program_view& of, replicas& model, const unit_shape& unit, const corpus& data,
                std::span<const std::size_t> starts, int cores, double watchdog_seconds) {
    const auto joined = on.join(of);
    const auto ends = joined->ends();
    core_semaphore gate(cores, of.head.workers);
    scoring all(ends, gate, watchdog_seconds);
    std::vector<std::unique_ptr<scorer>> scorers;  // their memory is taken before anybody's message waits
    for (std::size_t i = 0; i < ends.size(); ++i)
        scorers.push_back(std::make_unique<scorer>(on, of, model, unit, data, starts, *ends[i], gate, all.of(i)));
    const std::vector<double> losses = all.run(scorers);
    return mean_of(losses, starts.size(), unit.sequences);
}

}  // namespace chimera::executor
