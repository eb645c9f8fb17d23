// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fake_stream.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/communicate/loopback/loopback.hpp>
#include <executor/communicate/process/process.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

/// The worlds, all their workers in this process, for tests that all of them must pass: `then` is what a worker computes between its calls,
/// `finish` waits for it.
namespace rigs {

using namespace chimera::executor;

struct local {
    explicit local(int workers, local_mode mode = local_mode::eager) : world(workers, mode) {}
    communicator& at(int worker) { return world.at(worker); }
    std::vector<communicator*> ends() { return world.ends(); }
    void prepare(int messages) { at(0).prepare(messages); }
    bool arrives(int worker, int message) { return at(worker).poll(message); }
    template <typename Code>
    void then(int, Code code) {
        code();
    }
    void finish(int) {}

    local_world world;
};

/// Connections as between processes, all ends in this one. Sends never block.
struct process {
    explicit process(int workers, local_mode = local_mode::eager)
        : met(meet({0, 1, 0}, {})), here(static_cast<std::size_t>(workers)) {
        std::iota(here.begin(), here.end(), 0);
        world.emplace(*met, here, workers, 20);
    }
    communicator& at(int worker) { return *ends()[static_cast<std::size_t>(worker)]; }
    std::vector<communicator*> ends() { return world->ends(); }
    void prepare(int messages) {
        for (communicator* end : ends()) end->prepare(messages);
    }
    /// Within some seconds: it is under way.
    bool arrives(int worker, int message) {
        const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!at(worker).poll(message) && std::chrono::steady_clock::now() < late) std::this_thread::yield();
        return at(worker).poll(message);
    }
    template <typename Code>
    void then(int, Code code) {
        code();
    }
    void finish(int) {}

    std::unique_ptr<rendezvous> met;
    std::vector<int> here;
    std::optional<process_world> world;
};

template <fake::pace pace>
struct loopback {
    explicit loopback(int workers, local_mode mode = local_mode::eager, unsigned seed = 1)
        : machine(pace, seed), streams(made(machine, workers + 1)), world(pointers(), streams.back(), mode) {}
    ~loopback() {
        for (auto& s : streams) s.finish();
    }
    communicator& at(int worker) { return world.at(worker); }
    std::vector<communicator*> ends() { return world.ends(); }
    void prepare(int messages) { at(0).prepare(messages); }
    bool arrives(int worker, int message) { return at(worker).poll(message); }
    template <typename Code>
    void then(int worker, Code code) {
        streams[static_cast<std::size_t>(worker)].then(code);
    }
    void finish(int worker) { streams[static_cast<std::size_t>(worker)].finish(); }

    static std::deque<fake::stream> made(fake::machine& on, int count) {
        std::deque<fake::stream> all;
        for (int i = 0; i < count; ++i) all.emplace_back(on);
        return all;
    }
    std::vector<stream*> pointers() {
        std::vector<stream*> all;
        for (std::size_t w = 0; w + 1 < streams.size(); ++w) all.push_back(&streams[w]);
        return all;
    }

    fake::machine machine;
    std::deque<fake::stream> streams;  // the last one adds up
    loopback_world world;
};

using lazy = loopback<fake::pace::lazy>;
using hasty = loopback<fake::pace::hasty>;
using random = loopback<fake::pace::random>;

}  // namespace rigs
