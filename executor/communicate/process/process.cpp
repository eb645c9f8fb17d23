// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/process/endpoint.hpp>
#include <executor/communicate/process/mesh.hpp>
#include <executor/communicate/process/process.hpp>

#include <thread>

namespace chimera::executor {

process_world::process_world(rendezvous& met, std::span<const int> here, int workers, double timeout_seconds) {
    auto made = detail::connect_all(met, here, workers, timeout_seconds);
    for (std::size_t i = 0; i < here.size(); ++i)
        ends_.push_back(std::make_unique<detail::process_endpoint>(here[i], std::move(made.connections[i]), made.known,
                                                                   timeout_seconds));
}

process_world::~process_world() {
    // Each waits for all others' last word, those of this process included.
    std::vector<std::thread> threads;
    for (auto& end : ends_) threads.emplace_back([&end] { end.reset(); });
    for (std::thread& each : threads) each.join();
}

std::vector<communicator*> process_world::ends() {
    std::vector<communicator*> all;
    for (const auto& one : ends_) all.push_back(one.get());
    return all;
}

}  // namespace chimera::executor
