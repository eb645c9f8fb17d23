// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/socket.hpp>

#include <chimera/core/error.hpp>

#include <unistd.h>
#include <cstdint>
#include <random>
#include <utility>

namespace ports {

/// A port that nobody listens at; below those that are given to outgoing connections.
inline std::uint16_t free_port() {
    static pid_t owner = 0;  // a process that was forked must draw others
    static std::mt19937 random;
    if (std::exchange(owner, getpid()) != getpid())
        random.seed(static_cast<unsigned>(getpid()) * 7919U + std::random_device{}());
    for (;;) {
        const auto port = static_cast<std::uint16_t>(10000 + random() % 20000);
        try {
            chimera::executor::detail::listen_at("127.0.0.1", port);
            return port;
        } catch (const chimera::chimera_error&) {
        }
    }
}

}  // namespace ports
