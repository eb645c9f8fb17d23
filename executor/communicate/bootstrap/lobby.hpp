// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/socket.hpp>

#include <poll.h>
#include <cstddef>
#include <deque>
#include <functional>
#include <span>
#include <vector>

namespace chimera::executor::detail {

/// Those who have connected and not yet said who they are. All are listened to at once, so that a silent one costs the
/// others no time; where room or descriptors run out, the one that has been silent longest goes.
class lobby {
public:
    /// `words`: bytes with which each introduces itself; they begin with the magic.
    lobby(socket listener, std::size_t words) : listener_(std::move(listener)), words_(words) {}

    const socket& listener() const { return listener_; }
    /// Adds what is to be waited for.
    void add_to(std::vector<pollfd>& all) const;

    using guest = std::function<void(socket at, std::span<const std::byte> said)>;
    /// Lets in who has come and hands on who has said all its words. What does not begin with the magic is sent away.
    /// Returns false where no descriptor is left even with nobody here: nobody else can come.
    bool hear(const guest& next);

private:
    struct stranger {
        socket at;
        std::vector<std::byte> said;
        std::size_t bytes = 0;
    };
    bool listen_to(stranger& s, const guest& next) const;
    void listen_to_all(const guest& next);

    socket listener_;
    std::size_t words_;
    std::deque<stranger> here_;  ///< the oldest first
};

}  // namespace chimera::executor::detail
