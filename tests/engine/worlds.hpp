// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "rigs.hpp"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

/// What the tests that every world must pass have in common.
namespace worlds {

using namespace chimera::executor;

using strict = testing::Types<rigs::local, rigs::lazy, rigs::hasty, rigs::random>;
using all = testing::Types<rigs::local, rigs::lazy, rigs::hasty, rigs::random, rigs::process>;

/// Runs `code(end)` on a thread for each worker.
template <typename Rig, typename Code>
void on_each(Rig& rig, int workers, Code code) {
    std::vector<std::thread> threads;
    for (int w = 0; w < workers; ++w) threads.emplace_back([&, w] { code(rig.at(w)); });
    for (auto& t : threads) t.join();
}

inline transfer sends(int peer, int message, std::vector<int>& data) {
    return {reinterpret_cast<std::byte*>(data.data()), data.size() * sizeof(int), peer, message, true};
}
inline transfer receives(int peer, int message, std::vector<int>& data) {
    return {reinterpret_cast<std::byte*>(data.data()), data.size() * sizeof(int), peer, message, false};
}

}  // namespace worlds
