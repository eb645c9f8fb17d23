// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/process/endpoint.hpp>

#include <algorithm>
#include <string>

namespace chimera::executor::detail {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

process_end::process_end(int worker, std::vector<socket> to, double farewell_seconds)
    : worker_(worker), workers_(static_cast<int>(to.size())), farewell_seconds_(farewell_seconds),
      messages_(workers_, pool_), wires_(worker, std::move(to), pool_, *this) {}

process_end::~process_end() {
    bool over = false;
    {
        const std::lock_guard lock(mutex_);
        over = failure_ != nullptr;
    }
    wires_.close(over ? std::min(1.0, farewell_seconds_) : farewell_seconds_);
}

void process_end::prepare(int messages) {
    const std::lock_guard lock(mutex_);
    messages_.prepare(messages);
}

void process_end::examine(const transfer& t) const {
    if (t.message < 0 || t.message >= messages_.messages() || t.peer < 0 || t.peer >= workers_ || t.peer == worker_)
        refuse("message " + std::to_string(t.message) + " between workers " + std::to_string(worker_) + " and " +
               std::to_string(t.peer) + " (no such message or peer) verify the program");
}

void process_end::start(std::span<const transfer> group) {
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

bool process_end::poll(int message) {
    const std::lock_guard lock(mutex_);
    return messages_.there(message);
}

void process_end::wait(int message) {
    std::unique_lock lock(mutex_);
    await(lock, [&] { return messages_.there(message); });
    messages_.fetch(message);
}

int process_end::join(int key, std::span<const std::int32_t> members) {
    const std::lock_guard lock(mutex_);
    shares& of = groups_[key];
    if (!of.members.empty() && !std::ranges::equal(of.members, members))
        refuse("group " + std::to_string(key) +
               " has other members (it was joined before) give each group its own key");
    of.members.assign(members.begin(), members.end());
    joined_.push_back(key);
    return static_cast<int>(joined_.size()) - 1;
}

/// Everybody's part of each share goes to the member that adds it.
void process_end::send_parts(int group, std::uint64_t number, std::span<const float> data, bool gathers) {
    const int key = key_of(group);
    const head what{head::kind::part, static_cast<std::uint32_t>(key), number, data.size(), 0};
    std::vector<std::int32_t> members;
    {
        const std::lock_guard lock(mutex_);
        refuse_if_over();
        shares& of = joined(group);
        members = of.members;
        shares::turn& t = of.sized(key, number, data.size(), worker_);
        t.gathers = gathers;
        const auto own = of.share_of(of.rank_of(worker_), data.size());
        t.parts.emplace(worker_, pool_.copy_of(std::as_bytes(data.subspan(own.from, own.size))));
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
        const std::size_t from = m * data.size() / members.size(), to = (m + 1) * data.size() / members.size();
        head each = what;
        each.bytes = (to - from) * sizeof(float);
        if (members[m] != worker_) wires_.send(members[m], each, std::as_bytes(data.subspan(from, to - from)));
    }
    wires_.wake();  // perhaps the others' parts are there already
}

void process_end::start_all_reduce(int group, std::span<float> data) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++joined(group).started;
        joined(group).reducing.push_back(data);
    }
    send_parts(group, number, data, true);
}

/// Blocks until all shares have been added up, and puts them where they belong.
void process_end::fetch(shares& of, std::uint64_t number, std::span<float> data) {
    shares::turn& t = of.turns.at(number);
    for (auto& [worker, sum] : t.wholes) {
        const auto where = of.share_of(of.rank_of(worker), data.size());
        const auto to = std::as_writable_bytes(data.subspan(where.from, where.size));
        std::ranges::copy(std::span(sum).first(std::min(sum.size(), to.size())), to.begin());
        pool_.give(std::move(sum));
    }
    of.turns.erase(number);
}

void process_end::wait_all_reduce(int group) {
    std::unique_lock lock(mutex_);
    shares& of = joined(group);
    const std::uint64_t number = of.started - of.reducing.size() + 1;
    await(lock, [&] { return of.is_whole(of.turns[number]); });
    const std::span<float> data = of.reducing.front();
    of.reducing.pop_front();
    fetch(of, number, data);
}

void process_end::reduce_scatter(int group, std::span<float> data) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = ++joined(group).started;
    }
    send_parts(group, number, data, false);
    std::unique_lock lock(mutex_);
    shares& of = joined(group);
    await(lock, [&] { return of.turns[number].wholes.contains(worker_); });
    fetch(of, number, data);
}

void process_end::all_gather(int group, std::span<float> data) {
    std::vector<std::int32_t> members;
    std::uint64_t number = 0;
    shares::share own{};
    {
        const std::lock_guard lock(mutex_);
        refuse_if_over();
        shares& of = joined(group);
        number = ++of.started;
        members = of.members;
        own = of.share_of(of.rank_of(worker_), data.size());
        shares::turn& t = of.sized(key_of(group), number, data.size(), worker_);
        t.wholes.emplace(worker_, pool_.copy_of(std::as_bytes(data.subspan(own.from, own.size))));
    }
    const head what{head::kind::whole, static_cast<std::uint32_t>(key_of(group)), number, data.size(),
                    own.size * sizeof(float)};
    for (const std::int32_t m : members)
        if (m != worker_) wires_.send(m, what, std::as_bytes(data.subspan(own.from, own.size)));
    std::unique_lock lock(mutex_);
    shares& of = joined(group);
    await(lock, [&] { return of.is_whole(of.turns[number]); });
    fetch(of, number, data);
}

void process_end::sum(std::span<double> values) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        refuse_if_over();
        number = ++sums_;
        rows_[number].emplace(worker_, pool_.copy_of(std::as_bytes(values)));
    }
    for (int w = 0; w < workers_; ++w)
        if (w != worker_)
            wires_.send(w, {head::kind::sum, 0, number, values.size(), values.size_bytes()}, std::as_bytes(values));
    std::unique_lock lock(mutex_);
    await(lock, [&] { return rows_[number].size() == static_cast<std::size_t>(workers_); });
    std::ranges::fill(values, 0.0);
    for (auto& [worker, row] : rows_[number]) {
        const auto* more = reinterpret_cast<const double*>(row.data());
        for (std::size_t i = 0; i < std::min(values.size(), row.size() / sizeof(double)); ++i) values[i] += more[i];
        pool_.give(std::move(row));
    }
    rows_.erase(number);
}

void process_end::check() {
    const std::lock_guard lock(mutex_);
    refuse_if_over();
}

template <typename Ready>
void process_end::await(std::unique_lock<std::mutex>& lock, Ready ready) {
    changed_.wait(lock, [&] { return failure_ || ready(); });
    refuse_if_over();
}

void process_end::refuse_if_over() const {
    if (failure_) std::rethrow_exception(failure_);
}

/// Under the mutex: keeps the first failure.
void process_end::fail(std::exception_ptr why) {
    if (!failure_) failure_ = std::move(why);
    changed_.notify_all();
}

void process_end::abort() noexcept {
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
void process_end::give_up(const std::string& why) noexcept {
    try {
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(gave_up_, true)) return;
        }
        for (int w = 0; w < workers_; ++w)
            if (w != worker_) wires_.send(w, {.what = head::kind::abort, .bytes = why.size()}, bytes_of(why));
    } catch (...) {
    }
}

void process_end::arrived(int from, const head& what, blob data) {
    const std::lock_guard lock(mutex_);
    try {
        take(from, what, std::move(data));
    } catch (...) {
        fail(std::current_exception());
    }
    changed_.notify_all();
}

void process_end::take(int from, const head& what, blob data) {
    switch (what.what) {
        case head::kind::message:
            return messages_.arrived(from, worker_, static_cast<int>(what.tag), std::move(data));
        case head::kind::part:
        case head::kind::whole: {
            const int key = static_cast<int>(what.tag);
            shares::turn& t = groups_[key].sized(key, what.turn, what.size, from);
            (what.what == head::kind::part ? t.parts : t.wholes).emplace(from, std::move(data));
            if (groups_[key].can_add(t)) wires_.wake();
            return;
        }
        case head::kind::sum:
            rows_[what.turn].emplace(from, std::move(data));
            return;
        case head::kind::abort: {
            const std::string why(reinterpret_cast<const char*>(data.data()), data.size());
            if (why.empty()) throw aborted();
            throw error(why);
        }
        default:
            refuse("worker " + std::to_string(from) + " says something unknown (kind " +
                   std::to_string(static_cast<int>(what.what)) + ") start the same build everywhere");
    }
}

void process_end::lost(int from) {
    const std::lock_guard lock(mutex_);
    fail(std::make_exception_ptr(error("the process of worker " + std::to_string(from) +
                                       " is gone (it was killed, or cannot be reached any more) look at its output")));
}

/// On the wires' thread: adds up the shares of which all parts are there.
void process_end::work() {
    std::vector<std::pair<int, std::uint64_t>> ready;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [key, of] : groups_)
            for (auto& [number, t] : of.turns)
                if (of.can_add(t)) ready.emplace_back(key, number), t.adding = true;
    }
    for (const auto& [key, number] : ready) add_share(key, number);
}

void process_end::add_share(int key, std::uint64_t number) {
    head what{head::kind::whole, static_cast<std::uint32_t>(key), number, 0, 0};
    std::map<int, blob> parts;
    std::vector<std::int32_t> others;
    {
        const std::lock_guard lock(mutex_);
        shares::turn& t = groups_[key].turns[number];
        parts = std::move(t.parts);
        what.size = t.size;
        if (t.gathers) others = groups_[key].members;
    }
    blob total = shares::add_up(std::move(parts), pool_);
    what.bytes = total.size();
    for (const std::int32_t m : others)
        if (m != worker_) wires_.send(m, what, total);
    const std::lock_guard lock(mutex_);
    groups_[key].turns[number].wholes.emplace(worker_, std::move(total));
    changed_.notify_all();
}

}  // namespace chimera::executor::detail
