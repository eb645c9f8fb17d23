// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/bootstrap/peer_text.hpp>
#include <executor/communicate/process/endpoint.hpp>

#include <algorithm>
#include <string>

namespace chimera::executor::detail {

process_endpoint::process_endpoint(int worker, std::vector<socket> to, const world_card& known, double farewell_seconds)
    : worker_(worker), workers_(static_cast<int>(to.size())), farewell_seconds_(farewell_seconds),
      allowed_(worker, known.rank_of), messages_(workers_, pool_),
      wires_(worker, std::move(to), known.token, pool_, *this) {}

process_endpoint::~process_endpoint() {
    bool over = false;
    {
        const std::lock_guard lock(mutex_);
        over = failure_ != nullptr;
    }
    wires_.close(over ? std::min(1.0, farewell_seconds_) : farewell_seconds_);
}

void process_endpoint::expect_reductions(int key, std::size_t elements, int under_way) {
    const std::lock_guard lock(mutex_);
    groups_[key].most_elements = elements;
    groups_[key].most_ahead = static_cast<std::uint64_t>(std::max(1, under_way));
}

void process_endpoint::prepare(int messages) {
    const std::lock_guard lock(mutex_);
    messages_.prepare(messages);
    allowed_.prepared();
    wires_.wake();  // what has come waits for this
}

void process_endpoint::examine(const transfer& t) const {
    if (t.message < 0 || t.message >= messages_.messages() || t.peer < 0 || t.peer >= workers_ || t.peer == worker_)
        refuse("message " + std::to_string(t.message) + " between workers " + std::to_string(worker_) + " and " +
               std::to_string(t.peer) + " (no such message or peer) verify the program");
}

void process_endpoint::start(std::span<const transfer> group) {
    {
        const std::lock_guard lock(mutex_);
        refuse_if_over();
        for (const transfer& t : group) examine(t);
        for (const transfer& t : group)
            if (!t.sends) messages_.receive(t);
    }
    for (const transfer& t : group)
        if (t.sends)
            wires_.send(t.peer, {.tag = static_cast<std::uint32_t>(t.message), .bytes = t.bytes}, {t.data, t.bytes});
}

bool process_endpoint::poll(int message) {
    const std::lock_guard lock(mutex_);
    return messages_.there(message);
}

void process_endpoint::wait(int message) {
    std::unique_lock lock(mutex_);
    await(lock, [&] { return messages_.there(message); });
    messages_.fetch(message);
}

int process_endpoint::join(int key, std::span<const std::int32_t> members) {
    const std::lock_guard lock(mutex_);
    collective_shares& of = groups_[key];
    if (!of.members.empty() && !std::ranges::equal(of.members, members))
        refuse("group " + std::to_string(key) +
               " has other members (it was joined before) give each group its own key");
    of.members.assign(members.begin(), members.end());
    wires_.wake();  // others' shares may wait for this
    joined_.push_back(key);
    return static_cast<int>(joined_.size()) - 1;
}

/// Everybody's part of each share goes to the member that adds it.
void process_endpoint::send_parts(int group, std::uint64_t number, std::span<const float> data, bool gathers) {
    const int key = key_of(group);
    const message_header what{message_header::kind::part, static_cast<std::uint32_t>(key), number, data.size(), 0};
    std::vector<std::int32_t> members;
    {
        const std::lock_guard lock(mutex_);
        refuse_if_over();
        collective_shares& of = joined(group);
        members = of.members;
        collective_shares::turn& t = of.sized(key, number, data.size(), worker_);
        t.gathers = gathers;
        const auto own = of.share_of(of.rank_of(worker_), data.size());
        t.parts.emplace(worker_, pool_.copy_of(std::as_bytes(data.subspan(own.from, own.size))));
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
        const std::size_t from = m * data.size() / members.size(), to = (m + 1) * data.size() / members.size();
        message_header each = what;
        each.bytes = (to - from) * sizeof(float);
        if (members[m] != worker_) wires_.send(members[m], each, std::as_bytes(data.subspan(from, to - from)));
    }
    wires_.wake();  // perhaps the others' parts are there already
}

void process_endpoint::start_all_reduce(int group, std::span<float> data) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++joined(group).started;
        joined(group).reducing.push_back(data);
    }
    send_parts(group, number, data, true);
}

/// Blocks until all shares have been added up, and puts them where they belong.
void process_endpoint::fetch(collective_shares& of, std::uint64_t number, std::span<float> data) {
    collective_shares::turn& t = of.turns.at(number);
    for (auto& [worker, sum] : t.wholes) {
        const auto where = of.share_of(of.rank_of(worker), data.size());
        const auto to = std::as_writable_bytes(data.subspan(where.from, where.size));
        if (sum.size() != to.size()) allowed_.refuse_of(worker, "sent a share of another size");
        std::ranges::copy(sum, to.begin());
        pool_.give(std::move(sum));
    }
    of.finish(number);
}

void process_endpoint::wait_all_reduce(int group) {
    std::unique_lock lock(mutex_);
    collective_shares& of = joined(group);
    const std::uint64_t number = of.started - of.reducing.size() + 1;
    await(lock, [&] { return of.is_whole(of.turns[number]); });
    const std::span<float> data = of.reducing.front();
    of.reducing.pop_front();
    fetch(of, number, data);
}

void process_endpoint::reduce_scatter(int group, std::span<float> data) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++joined(group).started;
    }
    send_parts(group, number, data, false);
    std::unique_lock lock(mutex_);
    collective_shares& of = joined(group);
    await(lock, [&] { return of.turns[number].wholes.contains(worker_); });
    fetch(of, number, data);
}

void process_endpoint::all_gather(int group, std::span<float> data) {
    std::vector<std::int32_t> members;
    std::uint64_t number = 0;
    collective_shares::share own{};
    {
        const std::lock_guard lock(mutex_);
        refuse_if_over();
        collective_shares& of = joined(group);
        number = ++of.started;
        members = of.members;
        own = of.share_of(of.rank_of(worker_), data.size());
        collective_shares::turn& t = of.sized(key_of(group), number, data.size(), worker_);
        t.wholes.emplace(worker_, pool_.copy_of(std::as_bytes(data.subspan(own.from, own.size))));
    }
    const message_header what{message_header::kind::whole, static_cast<std::uint32_t>(key_of(group)), number,
                              data.size(), own.size * sizeof(float)};
    for (const std::int32_t m : members)
        if (m != worker_) wires_.send(m, what, std::as_bytes(data.subspan(own.from, own.size)));
    std::unique_lock lock(mutex_);
    collective_shares& of = joined(group);
    await(lock, [&] { return of.is_whole(of.turns[number]); });
    fetch(of, number, data);
}

void process_endpoint::sum(std::span<double> values) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        refuse_if_over();
        number = ++sums_;
        rows_[number].emplace(worker_, pool_.copy_of(std::as_bytes(values)));
    }
    for (int w = 0; w < workers_; ++w)
        if (w != worker_)
            wires_.send(w, {message_header::kind::sum, 0, number, values.size(), values.size_bytes()},
                        std::as_bytes(values));
    wires_.wake();  // others' numbers may wait for this worker's
    std::unique_lock lock(mutex_);
    await(lock, [&] { return rows_[number].size() == static_cast<std::size_t>(workers_); });
    std::ranges::fill(values, 0.0);
    for (auto& [worker, row] : rows_[number]) {
        if (row.size() != values.size_bytes())
            allowed_.refuse_of(worker, "sent " + std::to_string(row.size() / sizeof(double)) + " numbers of a sum of " +
                                           std::to_string(values.size()));
        const auto* more = reinterpret_cast<const double*>(row.data());
        for (std::size_t i = 0; i < values.size(); ++i) values[i] += more[i];
        pool_.give(std::move(row));
    }
    rows_.erase(number);
}

void process_endpoint::check() {
    const std::lock_guard lock(mutex_);
    refuse_if_over();
}

template <typename Ready>
void process_endpoint::await(std::unique_lock<std::mutex>& lock, Ready ready) {
    changed_.wait(lock, [&] { return failure_ || ready(); });
    refuse_if_over();
}

void process_endpoint::refuse_if_over() const {
    if (failure_) std::rethrow_exception(failure_);
}

/// Under the mutex: keeps the first failure.
void process_endpoint::fail(std::exception_ptr why) {
    if (!failure_) failure_ = std::move(why);
    changed_.notify_all();
}

void process_endpoint::abort() noexcept {
    try {
        std::string why;
        {
            const std::lock_guard lock(mutex_);
            try {
                refuse_if_over();
            } catch (const aborted&) {
            } catch (const std::exception& e) {
                why = e.what();  // for those who have not noticed it themselves
            }
            fail(std::make_exception_ptr(aborted()));
        }
        give_up(why);
    } catch (...) {  // no memory left, say: the others see this process end
    }
}

/// Once: tells all others.
void process_endpoint::give_up(const std::string& why) noexcept {
    try {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(gave_up_, true)) return;
        }
        const auto said = short_enough(why);
        for (int w = 0; w < workers_; ++w)
            if (w != worker_) wires_.send(w, {.what = message_header::kind::abort, .bytes = said.size()}, said);
    } catch (...) {
    }
}

auto process_endpoint::admits(int from, const message_header& what) -> verdict {
    const std::lock_guard lock(mutex_);
    try {
        if (!failure_) return allowed_.judge(from, what, messages_, groups_, sums_);
    } catch (...) {
        fail(std::current_exception());
    }
    return verdict::skip;
}

void process_endpoint::arrived(int from, const message_header& what, blob data) {
    const std::lock_guard lock(mutex_);
    try {
        take(from, what, std::move(data));
    } catch (...) {
        fail(std::current_exception());
    }
    changed_.notify_all();
}

void process_endpoint::take(int from, const message_header& what, blob data) {
    switch (what.what) {
        case message_header::kind::message:
            return messages_.arrived(from, worker_, static_cast<int>(what.tag), std::move(data));
        case message_header::kind::part:
        case message_header::kind::whole: {
            const int key = static_cast<int>(what.tag);
            collective_shares& of = groups_.at(key);
            collective_shares::turn& t = of.sized(key, what.turn, what.size, from);
            (what.what == message_header::kind::part ? t.parts : t.wholes).emplace(from, std::move(data));
            if (of.can_add(t)) wires_.wake();
            return;
        }
        case message_header::kind::sum:
            rows_[what.turn].emplace(from, std::move(data));
            return;
        case message_header::kind::abort: {
            if (data.empty()) throw aborted();
            throw chimera_error(peer_text(data));
        }
        default:
            allowed_.refuse_of(from, "sent what nobody takes");
    }
}

void process_endpoint::wrong(int from, const std::string& why) noexcept {
    const std::lock_guard lock(mutex_);
    try {
        allowed_.refuse_of(from, why);
    } catch (...) {
        fail(std::current_exception());
    }
}

void process_endpoint::lost(int from) noexcept {
    const std::lock_guard lock(mutex_);
    try {
        refuse("the process of worker " + std::to_string(from) + " is gone (" + allowed_.rank(from) +
               " was killed, or cannot be reached any more) look at its output");
    } catch (...) {
        fail(std::current_exception());
    }
}

/// On the wires' thread: adds up the shares of which all parts are there.
void process_endpoint::work() {
    std::vector<std::pair<int, std::uint64_t>> ready;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [key, of] : groups_)
            for (auto& [number, t] : of.turns)
                if (of.can_add(t)) ready.emplace_back(key, number), t.adding = true;
    }
    for (const auto& [key, number] : ready) add_share(key, number);
}

void process_endpoint::add_share(int key, std::uint64_t number) {
    message_header what{message_header::kind::whole, static_cast<std::uint32_t>(key), number, 0, 0};
    std::map<int, blob> parts;
    std::vector<std::int32_t> others;
    {
        const std::lock_guard lock(mutex_);
        collective_shares::turn& t = groups_[key].turns[number];
        parts = std::move(t.parts);
        what.size = t.size;
        if (t.gathers) others = groups_[key].members;
    }
    blob total = collective_shares::add_up(std::move(parts), pool_);
    what.bytes = total.size();
    for (const std::int32_t m : others)
        if (m != worker_) wires_.send(m, what, total);
    const std::lock_guard lock(mutex_);
    groups_[key].turns[number].wholes.emplace(worker_, std::move(total));
    changed_.notify_all();
}

}  // namespace chimera::executor::detail
