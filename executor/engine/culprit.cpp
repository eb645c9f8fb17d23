// SPDX-License-Identifier: Apache-2.0
#include <executor/engine/culprit.hpp>

#include <algorithm>
#include <functional>
#include <vector>

namespace chimera::executor {
namespace {

constexpr int nobody = -1;

/// Whom a worker waits for; `lost`: that one will never do what it waits for.
struct edge {
    int to = nobody;
    bool lost = false;
};

class search {
public:
    search(const program_view& p, std::span<const snapshot> workers) : p_(p), workers_(workers) {}

    edge from(int w) const {
        switch (at(w).what) {
            case phase::core:
                return first_in(phase::computing, w);
            case phase::message:
                return message_edge(w);
            case phase::reduction:
                return reduction_edge(w);
            case phase::hook:
                return hook_edge(w);
            case phase::work_queue:
                return lane_edge(w);
            default:
                return {};
        }
    }
    const snapshot& at(int w) const { return workers_[static_cast<std::size_t>(w)]; }

    /// The instruction to name: a call that waits for a message stands at its receive.
    int blocked_at(int w) const {
        const int receive = at(w).what == phase::message && at(w).message >= 0 ? receive_of(w) : -1;
        return receive < 0 ? at(w).instruction : receive;
    }

private:
    int workers() const { return static_cast<int>(workers_.size()); }

    edge first_in(phase what, int w) const {
        for (int other = 0; other < workers(); ++other)
            if (other != w && at(other).what == what) return {other, false};
        return {};
    }

    template <typename Is>
    int find(int w, Is is) const {
        const auto row = p_.row(w);
        const auto found = std::ranges::find_if(row, std::ref(is));
        return found == row.end() ? -1 : static_cast<int>(found - row.begin());
    }

    /// Returns true while `w` has still to come to instruction `index` of its row.
    bool before(int w, int index) const { return index >= 0 && at(w).what != phase::idle && at(w).instruction < index; }

    edge transfer_edge(int w, const instruction& mine) const {
        const bool sends = is_send(mine.op);
        const auto other_end = [&](const instruction& i) {
            return (sends ? is_recv(i.op) : is_send(i.op)) && i.message == mine.message && i.peer == w;
        };
        if (mine.peer < 0 || mine.peer >= workers()) return {nobody, true};
        return {mine.peer, !before(mine.peer, find(mine.peer, other_end))};
    }

    edge message_edge(int w) const {
        const auto row = p_.row(w);
        if (at(w).message >= 0) {
            const int index = receive_of(w);
            return index < 0 ? edge{} : transfer_edge(w, row[static_cast<std::size_t>(index)]);
        }
        edge lost{};
        for (auto i = static_cast<std::size_t>(at(w).instruction); i < row.size() && is_transfer(row[i].op); ++i) {
            if (i > static_cast<std::size_t>(at(w).instruction) &&
                (row[i].group < 0 || row[i].group != row[i - 1].group))
                break;
            const edge e = transfer_edge(w, row[i]);
            if (!e.lost) return e;
            // In one and the same group on both sides: that call has met. Otherwise the other side is past it.
            if (e.to != nobody && at(e.to).what != phase::message) lost = e;
        }
        return lost;
    }

    /// A worker's k-th reduction of a stage is that of its k-th update; so is its k-th wait.
    edge reduction_edge(int w) const {
        const auto here = static_cast<std::size_t>(at(w).instruction);
        const int s = p_.row(w)[here].stage;
        const auto before_this = std::ranges::count_if(
            p_.row(w).first(here), [&](const instruction& i) { return i.op == action::wait_gradient && i.stage == s; });
        for (const int member : p_.replica_group(s)) {
            auto to_skip = before_this;
            const int index = find(member, [&](const instruction& i) {
                return i.op == action::reduce_gradient && i.stage == s && to_skip-- == 0;
            });
            if (member == w) continue;
            if (index < 0) return {member, true};
            if (before(member, index)) return {member, false};
        }
        return {};
    }

    /// Everything was called; what does not happen is this instruction, or what it needs from a worker that is not so
    /// far.
    edge lane_edge(int w) const {
        const instruction& here = p_.row(w)[static_cast<std::size_t>(at(w).instruction)];
        if (here.op == action::wait_gradient) return reduction_edge(w);
        const auto brings = [&](const instruction& i) { return is_recv(i.op) && i.message == here.message; };
        const int receive = is_compute(here.op) && here.message >= 0 ? find(w, brings) : -1;
        const edge sender = receive < 0 ? edge{} : transfer_edge(w, p_.row(w)[static_cast<std::size_t>(receive)]);
        return sender.lost ? edge{} : sender;
    }

    edge hook_edge(int w) const {
        for (int other = 0; other < workers(); ++other)
            if (other != w && at(other).what != phase::hook && at(other).what != phase::idle) return {other, false};
        return {};
    }

    /// The receive that brings the message `w` waits for.
    int receive_of(int w) const {
        return find(w, [&](const instruction& i) { return is_recv(i.op) && i.message == at(w).message; });
    }

    const program_view& p_;
    std::span<const snapshot> workers_;
};

std::string circle(const std::vector<int>& path, int again) {
    std::string text = "deadlock: worker ";
    for (auto it = std::ranges::find(path, again); it != path.end(); ++it) text += std::to_string(*it) + " waits for ";
    return text + std::to_string(again);
}

}  // namespace

culprit find_culprit(const program_view& p, std::span<const snapshot> workers, int start) {
    const search look(p, workers);
    std::vector<int> path;
    int w = start, waiting = nobody;
    for (;;) {
        path.push_back(w);
        const edge next = look.from(w);
        if (next.lost) return {w, look.blocked_at(w), next.to, "what it waits for never comes"};
        if (next.to == nobody) break;
        if (std::ranges::find(path, next.to) != path.end())
            return {next.to, look.blocked_at(next.to), w, circle(path, next.to)};
        waiting = w;
        w = next.to;
    }
    const phase what = look.at(w).what;
    return {w, look.at(w).instruction, waiting, what == phase::computing ? "stuck in compute" : name(what)};
}

}  // namespace chimera::executor
