// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/culprit.hpp>
#include <executor/engine/describe.hpp>
#include <executor/engine/engine.hpp>
#include <executor/engine/traffic.hpp>

#include <cxxabi.h>
#include <unistd.h>
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace chimera::executor {
namespace {

using clock = worker_loop::clock;
constexpr std::chrono::milliseconds grace{1000};  // for workers to unwind after an abort

/// The watchdog's record of a worker.
struct watched {
    std::uint64_t progress = 0;
    double still = 0;  ///< seconds without progress
};

std::string seconds(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g s", value);
    return text;
}

}  // namespace

struct engine::state {
    state(const program_view& p, const stage_lookup& lookup, std::span<communicator* const> given, engine_options o)
        : program(p), ends(given.begin(), given.end()), options(std::move(o)), gate(options.cores, p.head.workers) {
        if (options.graph && !options.work_queues)
            refuse("an iteration cannot be a graph (its work is done as it is called) give the workers lanes");
        const std::vector<message_life> lives = message_lives(p);
        for (communicator* end : ends) {
            end->use_gate(&gate);
            auto on = options.work_queues ? options.work_queues(end->worker()) : nullptr;
            worker_plan row = make_worker_plan(p, *end, lookup, on.get());
            end->expect(row.transfers, 2);  // others may be in the next iteration
            end->prepare(p.messages);
            end->reserve(traffic_of(row.worker, row.transfers, lives));
            if (on) on->name(names_of(p, end->worker()));
            loops.push_back(std::make_unique<worker_loop>(std::move(row), *end, gate, options.hooks, std::move(on)));
        }
        lay_out_timeline();
        try {
            for (std::size_t i = 0; i < loops.size(); ++i) threads.emplace_back([this, i] { work(i); });
            if (options.watchdog_seconds > 0) watchdog = std::thread([this] { watch(); });
        } catch (const std::system_error& none) {
            close();
            join();
            refuse("the engine cannot start its threads (" + std::string(none.what()) + ") allow the process more");
        }
    }

    void close() {
        const std::lock_guard lock(mutex);
        closing = true;
        changed.notify_all();
    }
    void join() {
        for (std::thread& t : threads) t.join();
        if (watchdog.joinable()) watchdog.join();
    }

    void lay_out_timeline();
    void collect();
    void work(std::size_t i);
    void carry_out(worker_loop& loop, std::int64_t turn, clock::time_point began);
    void wait_for_launch(worker_loop& loop);
    void record_and_launch(std::unique_lock<std::mutex>& lock);
    void leave();
    void watch();
    void look_after(std::span<watched> workers, double passed);
    void fail(const std::string& line, bool elsewhere = false, bool follows = false);
    bool follows(const std::exception& what) const;
    [[noreturn]] void report() const;
    void stop();
    void dump();
    std::vector<snapshot> snapshots() const;
    std::string failed_line(std::size_t i, const char* what) const;
    std::string stalled_line(int worker) const;

    program_view program;
    std::vector<communicator*> ends;
    engine_options options;
    core_semaphore gate;
    std::vector<std::unique_ptr<worker_loop>> loops;
    timeline measured;

    std::mutex mutex;
    std::condition_variable changed;
    std::int64_t iteration = 0;  // how many were started
    clock::time_point start;
    std::size_t running = 0;
    bool recorded = false;     // options.graph holds an iteration
    std::size_t enqueued = 0;  // workers, of the one that is recorded
    double launch = -1;        // seconds after the start
    std::string failure;       // the first one
    bool failed_elsewhere = false;
    bool failure_follows = false;  // from another one, which is yet to be told
    bool closing = false;
    std::vector<std::thread> threads;
    std::thread watchdog;
};

void engine::state::lay_out_timeline() {
    const auto workers = static_cast<std::size_t>(program.head.workers);
    measured.head = program.head;
    measured.placement.assign(program.placement.begin(), program.placement.end());
    std::vector<std::int32_t> steps(workers, 0), reductions(workers, 0);
    for (const auto& loop : loops) {
        const auto w = static_cast<std::size_t>(loop->done().worker);
        steps[w] = static_cast<std::int32_t>(loop->done().steps.size());
        reductions[w] = static_cast<std::int32_t>(loop->done().reductions.size());
    }
    measured.offsets.assign(1, 0);
    measured.reduction_offsets.assign(1, 0);
    for (std::size_t w = 0; w < workers; ++w) {
        measured.offsets.push_back(measured.offsets.back() + steps[w]);
        measured.reduction_offsets.push_back(measured.reduction_offsets.back() + reductions[w]);
    }
    measured.steps.resize(static_cast<std::size_t>(measured.offsets.back()));
    measured.reductions.resize(static_cast<std::size_t>(measured.reduction_offsets.back()));
}

void engine::state::collect() {
    for (const auto& loop : loops) {
        const auto w = static_cast<std::size_t>(loop->done().worker);
        std::ranges::copy(loop->done().steps, measured.steps.begin() + measured.offsets[w]);
        std::ranges::copy(loop->done().reductions, measured.reductions.begin() + measured.reduction_offsets[w]);
    }
}

void engine::state::work(std::size_t i) {
    worker_loop& loop = *loops[i];
    for (std::int64_t done = 0;; ++done) {
        clock::time_point began;
        {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return closing || iteration > done; });
            if (closing) return;
            began = start;
        }
        try {
            carry_out(loop, done, began);
        } catch (const aborted&) {
            fail("the run was aborted (" + std::string(aborted().what()) + ") look at the other processes", true);
        } catch (const mismatched& e) {
            loop.status().enter(phase::failed);
            fail(describe_receive(program, e.worker, e.expected) + " failed (" + e.what() + ") verify the program");
        } catch (const std::exception& e) {
            fail(failed_line(i, e.what()), false, follows(e));
        } catch (const abi::__forced_unwind&) {  // pthread_exit or pthread_cancel: must go on
            fail(failed_line(i, "its thread was ended"));
            leave();
            throw;
        } catch (...) {
            fail(failed_line(i, "unknown exception"));
        }
        leave();
    }
}

void engine::state::carry_out(worker_loop& loop, std::int64_t turn, clock::time_point began) {
    if (!options.graph || turn < options.plain_iterations) {
        loop.enqueue(turn, began);
        return loop.complete();
    }
    if (turn == options.plain_iterations) loop.enqueue(turn, began);
    wait_for_launch(loop);
    options.graph->finish();
    loop.complete();
}

void engine::state::wait_for_launch(worker_loop& loop) {
    std::unique_lock lock(mutex);
    loop.status().enter(phase::work_queue);
    if (++enqueued == loops.size()) changed.notify_all();
    changed.wait(lock, [this] { return launch >= 0 || !failure.empty(); });
    if (!failure.empty()) throw aborted();
    loop.launched(launch);
}

/// The caller's thread, while the workers wait for the launch. What goes wrong here is a failure of the run.
void engine::state::record_and_launch(std::unique_lock<std::mutex>& lock) {
    if (!recorded) changed.wait(lock, [this] { return enqueued == loops.size() || !failure.empty(); });
    try {
        if (!failure.empty()) throw aborted();
        if (!recorded) options.graph->end();
        recorded = true;
        launch = std::chrono::duration<double>(clock::now() - start).count();
        options.graph->launch();
        changed.notify_all();
    } catch (const std::exception& e) {
        lock.unlock();
        fail("the iteration cannot run as a graph (" + std::string(e.what()) + ") run it without one", false, true);
        lock.lock();
        changed.wait_for(lock, grace, [this] { return running == 0; });  // who enqueues must not do so for good
        if (!recorded) options.graph->drop();
    }
}

void engine::state::leave() {
    const std::lock_guard lock(mutex);
    if (--running == 0) changed.notify_all();
}

bool engine::state::follows(const std::exception& what) const { return options.graph && options.graph->follows(what); }

/// Keeps the first failure that follows from no other, and wakes everybody.
void engine::state::fail(const std::string& line, bool elsewhere, bool follows) {
    {
        const std::lock_guard lock(mutex);
        if (failure.empty() || (failure_follows && !follows && !elsewhere))
            failure = line, failed_elsewhere = elsewhere, failure_follows = follows;
        changed.notify_all();
    }
    stop();
}

void engine::state::report() const {
    if (failed_elsewhere) throw run_aborted(failure);
    throw run_failed(failure);
}

void engine::state::stop() {
    gate.abort();
    for (communicator* end : ends) end->abort();
}

std::string engine::state::failed_line(std::size_t i, const char* what) const {
    auto& loop = *loops[i];
    loop.status().enter(phase::failed);
    return chimera::detail::describe_instruction(program, loop.done().worker,
                                                 loop.status().instruction.load(std::memory_order_relaxed)) +
           " failed (" + what + ") repair the cause and resume from the last checkpoint";
}

std::vector<snapshot> engine::state::snapshots() const {
    std::vector<snapshot> all(static_cast<std::size_t>(program.head.workers));
    for (const auto& loop : loops) {
        const worker_status& s = loop->status();
        all[static_cast<std::size_t>(loop->done().worker)] = {s.what.load(std::memory_order_relaxed),
                                                              s.instruction.load(std::memory_order_relaxed),
                                                              s.message.load(std::memory_order_relaxed)};
    }
    return all;
}

std::string engine::state::stalled_line(int worker) const {
    const culprit c = find_culprit(program, snapshots(), worker);
    return chimera::detail::describe_instruction(program, c.worker, c.instruction, c.peer) + " made no progress for " +
           seconds(options.watchdog_seconds) + " (" + c.why + ") look at the flight recorder or raise the limit";
}

void engine::state::watch() {
    const auto period = std::chrono::duration<double>(std::min(options.watchdog_seconds / 10, 0.5));
    std::vector<watched> workers(loops.size());
    auto last = clock::now();
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, period, [&] { return closing || !failure.empty(); })) {
        lock.unlock();
        const auto now = clock::now();
        // When the watchdog itself was held up (a stopped process, a full machine), so were the workers.
        look_after(workers, std::min(std::chrono::duration<double>(now - last), 2 * period).count());
        last = now;
        lock.lock();
    }
}

void engine::state::look_after(std::span<watched> workers, double passed) {
    std::size_t oldest = 0;
    for (std::size_t i = 0; i < workers.size(); ++i) {
        const worker_status& s = loops[i]->status();
        const std::uint64_t progress = s.progress.load(std::memory_order_relaxed);
        const bool moves = progress != workers[i].progress || s.what.load(std::memory_order_relaxed) == phase::idle;
        workers[i] = {progress, moves ? 0 : workers[i].still + passed};
        if (workers[i].still > workers[oldest].still) oldest = i;
    }
    if (workers[oldest].still > options.watchdog_seconds) fail(stalled_line(loops[oldest]->done().worker));
}

void engine::state::dump() {
    if (options.recorder_file.empty()) return;
    std::ofstream file(options.recorder_file);
    file << failure << "\n";
    for (const auto& loop : loops) {
        const int w = loop->done().worker;
        file << "worker " << w << ", now: " << name(loop->status().what.load(std::memory_order_relaxed)) << "\n"
             << loop->recorder().text(program, w);
    }
}

engine::engine(const program_view& program, const stage_lookup& stages, std::span<communicator* const> ends,
               engine_options options)
    : state_(std::make_unique<state>(program, stages, ends, std::move(options))) {}

engine::~engine() {
    state_->close();
    if (stuck()) {
        const std::string line = state_->failure + "\n";
        if (::write(STDERR_FILENO, line.data(), line.size()) < 0) std::_Exit(hang_exit_status);
        std::_Exit(hang_exit_status);
    }
    state_->join();
    for (communicator* end : state_->ends) end->use_gate(nullptr);
}

const timeline& engine::run_iteration() {
    state& s = *state_;
    std::unique_lock lock(s.mutex);
    if (!s.failure.empty()) s.report();
    s.running = s.loops.size();
    s.enqueued = 0;
    s.launch = -1;
    const bool whole = s.options.graph && s.iteration >= s.options.plain_iterations;
    if (whole && !s.recorded) s.options.graph->begin();
    s.start = clock::now();
    ++s.iteration;
    s.changed.notify_all();
    if (whole) s.record_and_launch(lock);
    s.changed.wait(lock, [&] { return s.running == 0 || !s.failure.empty(); });
    if (s.failure.empty()) {
        s.collect();
        return s.measured;
    }
    s.changed.wait_for(lock, grace, [&] { return s.running == 0; });
    s.dump();
    s.report();
}

bool engine::stuck() const {
    const std::lock_guard lock(state_->mutex);
    return !state_->failure.empty() && state_->running > 0;
}

}  // namespace chimera::executor
