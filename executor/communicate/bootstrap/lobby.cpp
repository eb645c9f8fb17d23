// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/frame.hpp>
#include <executor/communicate/bootstrap/lobby.hpp>

#include <algorithm>
#include <utility>

namespace chimera::executor::detail {
namespace {

constexpr std::size_t most_strangers = 256;
constexpr int most_at_once = 64;  // who are let in before all others are listened to again

}  // namespace

void lobby::add_to(std::vector<pollfd>& all) const {
    all.push_back({listener_.descriptor(), POLLIN, 0});
    for (const stranger& s : here_) all.push_back({s.at.descriptor(), POLLIN, 0});
}

/// Returns true if `s` is a stranger no longer.
bool lobby::listen_to(stranger& s, const guest& next) const {
    const auto got = s.at.receive_some(std::span(s.said).subspan(s.bytes));
    if (got <= 0) return got < 0;
    s.bytes += static_cast<std::size_t>(got);
    if (s.bytes >= sizeof magic && get<std::uint64_t>(s.said.data()) != magic) return true;
    if (s.bytes < s.said.size()) return false;
    next(std::move(s.at), s.said);
    return true;
}

void lobby::listen_to_all(const guest& next) {
    std::erase_if(here_, [&](stranger& s) { return listen_to(s, next); });
}

bool lobby::hear(const guest& next) {
    listen_to_all(next);
    for (int i = 0; i < most_at_once; ++i) {
        bool full = false;
        socket at = accept_from(listener_, full);
        if (full) {
            listen_to_all(next);
            if (here_.empty()) return false;
            here_.pop_front();
            continue;
        }
        if (!at) break;
        if (here_.size() >= most_strangers) here_.pop_front();
        here_.push_back({std::move(at), std::vector<std::byte>(words_), 0});
    }
    listen_to_all(next);
    return true;
}

}  // namespace chimera::executor::detail
